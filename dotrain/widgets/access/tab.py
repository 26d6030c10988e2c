"""The tab that says who may enter a cluster, lets somebody in, and takes that back."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import ipywidgets

from dotrain import address, config, display, markup
from dotrain.address import Address
from dotrain.errors import DotrainError, LockedOut
from dotrain.grants import Grant
from dotrain.snapshot import Snapshot
from dotrain.spec import ClusterSpec
from dotrain.widgets.access import admitting, entering, ruled
from dotrain.widgets.access.adding import Adding
from dotrain.widgets.access.admitting import Entry
from dotrain.widgets.access.audited import Audited
from dotrain.widgets.access.forcing import Forcing
from dotrain.widgets.access.granted import Row, Rows
from dotrain.widgets.access.whereabouts import MINUTE, Whereabouts
from dotrain.widgets.kit import html, meant, parts
from dotrain.widgets.kit.action import Action
from dotrain.widgets.kit.calls import of_cluster
from dotrain.widgets.kit.message import Message
from dotrain.widgets.kit.work import Worker

if TYPE_CHECKING:
    from dotrain.facade import Cluster

T = TypeVar("T")

# On a sandbox the address is a setting of this process: to look costs nothing.
_SOON = 5.0


class AccessTab:
    """What `Cluster.allow`, `revoke`, `allow_me`, `audit` and `up` do.

    Parameters
    ----------
    cluster : Cluster
        The cluster.
    find_address : callable, optional
        Returns this machine's address; otherwise it is looked up as ``"me"`` is.
    changed : callable, optional
        Called after each change.
    found : callable, optional
        Called with each address of this machine that was found.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        find_address: Callable[[], Address] | None = None,
        changed: Callable[[], None] = lambda: None,
        found: Callable[[Address], None] = lambda _: None,
    ) -> None:
        self._cluster = cluster
        self._changed = changed
        self._tell_found = found
        self._snapshot: Snapshot | None = None
        self._again: Callable[[], object] | None = None
        self._meant = ""
        self._lock = threading.RLock()
        target = cluster._target  # noqa: SLF001 - its account
        find = find_address or (lambda: address.find(target))
        self._worker = Worker(f"access to {cluster.name}")
        self._worker.listen(self._work)
        self._build(cluster, find, _SOON if target.is_sandbox else MINUTE)

    def _build(self, cluster: Cluster, find: Callable[[], Address], every: float) -> None:
        name = cluster.name
        # Each is where its buttons are.
        self.said, self.told = Message(), Message()
        self.code = ipywidgets.HTML()
        self.allow_me = self._action("Allow me", "primary", self._allow_me, self.told)
        self.here = Whereabouts(name, find, self.allow_me, self._found, every=every)
        self.grants = Rows(
            lambda one: Row(
                one, name, self._action, self._revoke, self._lasts, about_to=self._about_to
            )
        )
        self.adding = Adding(name, self._action, self._allow, self._about_to)
        self.mend = self._action("Mend", "primary", self._mend, self.told)
        self.audited = Audited(name, cluster.audit, self._about_to)
        self.rules, self.others, self.drift = (ipywidgets.HTML() for _ in range(3))
        self.forcing = Forcing(self._action)
        self.drifted = ipywidgets.VBox([self.drift, self.mend.widget])
        self.widget = ipywidgets.VBox(
            [
                self.here.widget,
                self.drifted,
                self.told.widget,
                self.audited.widget,
                parts.heading("Who is let in"),
                self.grants.widget,
                self.said.widget,
                self.forcing.widget,
                self.adding.widget,
                parts.heading("Rules in force"),
                self.rules,
                parts.Folded(
                    "the rules out of the nodes, and DigitalOcean's own", [self.others]
                ).widget,
                self.code,
            ]
        )
        self._about_to(of_cluster(name, "rules"))
        self._draw()

    def _action(
        self, description: str, style: str, call: Callable[[], str], said: Message | None = None
    ) -> Action[str]:
        message = said or self.said
        return Action(
            description,
            lambda: self._run(call, message),
            worker=self._worker,
            said=message,
            done=lambda text: _tell(message, text),
            style=style,
            doing=f"{description}: the rules of {self._cluster.name} change …",
        )

    def _about_to(self, call: str) -> None:
        """Show the call that is being filled in, or was made last."""
        self.code.value = markup.block(f"<div>The same as code:</div>{html.code(call)}")

    def opened(self) -> None:
        """Look this machine's address up, and audit, the first time that somebody looks here."""
        self.here.opened()
        self.audited.opened()

    def show(self, snapshot: Snapshot) -> None:
        """Show what a look at the cluster says of its rules; what is being typed stays.

        Parameters
        ----------
        snapshot : Snapshot
            The look.
        """
        with self._lock:
            self._snapshot = snapshot
            self.here.show(snapshot)
            self.adding.show(snapshot.spec, snapshot.resolved)
            self._draw()

    def html(self, snapshot: Snapshot | None = None) -> str:
        """Return what the tab says, for a notebook without its kernel; all text is escaped."""
        look = snapshot or self._snapshot
        if look is None:
            return html.notice(ruled.UNKNOWN)
        drift = entering.summary(look.rules)
        said = html.notice(drift, "warn") if drift else ""
        return said + self.audited.html() + ruled.saved(look)

    def text(self, snapshot: Snapshot | None = None) -> str:
        """Return what the tab says as lines of text."""
        look = snapshot or self._snapshot
        if look is None:
            return ruled.UNKNOWN
        lines = [entering.summary(look.rules), *ruled.lines(look), self.audited.text()]
        return "\n".join(filter(None, lines))

    def join(self, timeout: float) -> bool:
        """Wait until it does nothing, at most `timeout` seconds; return whether that is so."""
        return self._worker.join(timeout) and self.audited.worker.join(timeout)

    def _draw(self) -> None:
        look = self._snapshot
        spec = look.spec if look is not None else None
        if look is None or spec is None:
            self.others.value = self.drift.value = ""
            self.grants.show((), None, dt.datetime.now(dt.timezone.utc))
            self.rules.value = markup.block(html.notice(ruled.UNKNOWN))
            self.drifted.layout.display = "none"
            return
        self.grants.show(spec.allow, look.resolved, look.at)
        self.rules.value = markup.block(ruled.entering_table(look))
        self.others.value = markup.block(ruled.other_tables(look))
        drift = entering.summary(look.rules)
        self.drifted.layout.display = None if drift else "none"
        self.drift.value = markup.block(html.notice(drift, "warn")) if drift else ""

    def _found(self, found: Address) -> None:
        self.adding.found([one.partition("/")[0] for one in found.cidrs])
        self._tell_found(found)

    def _work(self, busy: bool) -> None:
        if busy:
            # What was seen when somebody clicked is what he meant.
            self._meant = meant.shown(self._snapshot)
            self.adding.take()
            self.forcing.withdraw()

    def _run(self, call: Callable[[], str], own: Message) -> str:
        """Do something to the cluster; return what to say of it."""
        for message in (self.told, self.said, self.adding.said):
            # What was said of an earlier action, elsewhere in the tab, is over.
            if message is not own:
                message.clear()
        try:
            # The Activity tab shows what goes on; a cell has no place for it.
            with display.using(display.Silent):
                said = call()
        except LockedOut:
            self.forcing.offer(self._again)
            raise
        finally:
            self._changed()
        self.audited.outdated()
        return said

    def _allow(self, entry: Entry) -> str:
        given = admitting.arguments(entry)
        self._do(
            admitting.source(self._cluster.name, given),
            lambda **force: self._cluster.allow(**given, **force),
        )
        self.adding.clear()
        return f"{_named(given)} is let in."

    def _lasts(self, grant: Grant, expires: str) -> str:
        self._require(grant)
        given = admitting.lasting(grant, expires)
        self._do(
            admitting.source(self._cluster.name, given),
            lambda **force: self._cluster.allow(**given, **force),
        )
        title = entering.title(grant)
        return f"{title} {admitting.lasts(expires)}."

    def _revoke(self, grant: Grant) -> str:
        spec = self._require(grant)
        look = self._snapshot
        way = entering.revocation(spec, grant, look.resolved if look else None, config.identity())
        self._do(
            entering.revoking(self._cluster.name, way),
            lambda **force: self._cluster.revoke(**way, **force),
        )
        return (
            f"{entering.title(grant)} is not let in any more. Connections that exist are not cut: "
            "DigitalOcean's firewalls decide about new ones."
        )

    def _require(self, grant: Grant) -> ClusterSpec:
        """Return what the cluster should be now; raise when somebody has changed the grant."""
        spec = self._cluster.spec
        if grant not in spec.allow:
            raise DotrainError(
                f"{entering.title(grant)} is not granted like that any more.",
                "Somebody has revoked or changed it meanwhile, or its time is over.",
                "Nothing was changed; the list shows what there is in a moment.",
            )
        return spec

    def _do(self, code: str, call: Callable[..., object]) -> None:
        """Call something that may be refused because it locks this machine out."""
        wanted = self._meant

        def begin(**force: bool) -> None:
            # It may be asked for once more, and by then there may be another cluster.
            meant.require(self._cluster, wanted)
            call(**force)

        self._again = lambda: begin(force=True)
        self._about_to(code)
        begin()

    def _allow_me(self) -> str:
        look, here = self._snapshot, self.here.found
        before = look.resolved.me.get(config.identity(), ()) if look and look.resolved else ()
        peers = set(self._do_plainly("allow_me", self._cluster.allow_me)["peer"])
        now = [one for one in (here.cidrs if here else ()) if one in peers]
        gone = [one for one in before if one not in peers]
        said = f"{entering.plain(now) or 'This machine'} is let in"
        return f"{said}; {entering.plain(gone)} is not any more." if gone else f"{said}."

    def _mend(self) -> str:
        self._do_plainly("up", self._cluster.up)
        return "Mended: the rules are what they should be."

    def _do_plainly(self, method: str, call: Callable[[], T]) -> T:
        self._again = None
        self._about_to(of_cluster(self._cluster.name, method))
        meant.require(self._cluster, self._meant)
        return call()


def _named(given: Mapping[str, Any]) -> str:
    label = given.get("label")
    return f"{given['source']} ({label})" if label else str(given["source"])


def _tell(said: Message, text: str) -> None:
    # What was warned of meanwhile stays.
    warned = said.text
    said.show(f"{text}\n{warned}".strip(), "warn" if warned else "ok")
