"""The tab that changes a cluster's nodes: how many, which, what that does and what it costs."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import ipywidgets

from dotrain import billing, display, markup
from dotrain.errors import KubernetesUnreachable
from dotrain.offers import Offer
from dotrain.snapshot import Snapshot
from dotrain.spec import ClusterSpec
from dotrain.widgets.kit import html, meant
from dotrain.widgets.kit.action import Action
from dotrain.widgets.kit.message import Message
from dotrain.widgets.kit.work import Worker
from dotrain.widgets.nodes import effects, pooled, resizing
from dotrain.widgets.nodes.doing import Asked, Doing
from dotrain.widgets.nodes.more import More
from dotrain.widgets.nodes.resizing import Outcome, Wish
from dotrain.widgets.nodes.terms import Terms
from dotrain.widgets.nodes.wishing import Fields

if TYPE_CHECKING:
    from dotrain.facade import Cluster


class NodesTab:
    """What `Cluster.resize`, `pause`, `resume`, and `up` with fewer pools do.

    What somebody is changing stays when the cluster is looked at again; that it
    has changed meanwhile is said.

    Parameters
    ----------
    cluster : Cluster
        The cluster.
    sizes : callable, optional
        Returns the sizes that nodes can have.
    changed : callable, optional
        Called after each change.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        sizes: Callable[[], Sequence[Offer]] | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._cluster = cluster
        self._sizes = sizes or (lambda: billing.offered(cluster._target)[0])  # noqa: SLF001 - its account
        self._changed = changed
        self._snapshot: Snapshot | None = None
        self._spec: ClusterSpec | None = None
        self._outcome = Outcome({}, None, {})
        self.doing = Doing(cluster)
        self._settled: dt.datetime | None = None
        self._filled = False
        # A look arrives in another thread than what somebody types.
        self._lock = threading.RLock()
        self._reader = Worker(f"sizes for {cluster.name}")
        self._worker = Worker(f"nodes of {cluster.name}")
        self._worker.listen(self._work)
        self._build(cluster.name)

    def _build(self, name: str) -> None:
        self.fields = Fields(self._redraw)
        self.terms = Terms(self._redraw)
        self.said, self.meanwhile = Message(), Message()
        self._pools, self.says, self.code = (ipywidgets.HTML() for _ in range(3))
        self.apply = self._action(
            "Apply", self.doing.apply, "primary", f"Changing nodes of {name} …"
        )
        self.reset = ipywidgets.Button(
            description="Reset", tooltip="Put the fields back to what the cluster has"
        )
        self.reset.on_click(lambda _: self._reset())
        self.undrained = self._action(
            "Delete the nodes without draining",
            self.doing.undrained,
            "danger",
            "Deleting nodes without draining them …",
        )
        self.undrained.widget.layout.display = "none"
        self.more = More(name, self._redraw)
        self.pause = self._action("Pause", self.doing.pause, "", f"Pausing {name} …")
        self.resume = self._action("Resume", self.doing.resume, "primary", f"Resuming {name} …")
        self.remove = self._action("Remove the pool", self._remove, "danger", "Removing a pool …")
        self.more.put(self.pause, self.resume, self.remove)
        buttons = ipywidgets.HBox([self.apply.widget, self.reset])
        self.widget = ipywidgets.VBox(
            [
                self._pools,
                self.meanwhile.widget,
                self.fields.widget,
                self.terms.widget,
                self.says,
                buttons,
                self.said.widget,
                self.undrained.widget,
                self.code,
                self.more.widget,
            ]
        )
        self._draw()

    def _action(
        self, description: str, call: Callable[[], str], style: str, doing: str
    ) -> Action[str]:
        return Action(
            description,
            lambda: self._run(call),
            worker=self._worker,
            said=self.said,
            done=self._tell,
            style=style,
            doing=doing,
        )

    def opened(self) -> None:
        """Read which sizes there are, the first time that somebody looks at this tab."""
        if not self._filled and not self._reader.busy:
            self._reader.start(self._sizes, done=self._offer, failed=self.fields.unread)

    def show(self, snapshot: Snapshot) -> None:
        """Show what a look at the cluster says of its nodes; what is being changed stays.

        Parameters
        ----------
        snapshot : Snapshot
            The look.
        """
        with self._lock:
            if self._settled is None or snapshot.at >= self._settled:
                self._look(snapshot)
            # Otherwise it was on its way when this tab changed the cluster.

    def _look(self, snapshot: Snapshot) -> None:
        seen, self._snapshot = self._snapshot, snapshot
        before, self._spec = self._spec, snapshot.spec
        if before is None or not self._edited(before):
            self._take(snapshot.spec)
            return
        if seen is not None and _is_another(seen, snapshot) and not self._worker.busy:
            self._take(snapshot.spec)
            self.meanwhile.show(
                f"Another cluster has been made as {snapshot.name} meanwhile. What was set here "
                "was about the one before.",
                "warn",
            )
            return
        if snapshot.spec is None:
            self.meanwhile.show("The cluster has gone meanwhile.", "warn")
        elif _differ(before, snapshot.spec) and not self._worker.busy:
            # What this tab does itself is no news.
            self.meanwhile.show(
                "The cluster's nodes have been changed meanwhile, from another place. What you "
                "have set here is kept; Reset shows what the cluster has.",
                "warn",
            )
        self._draw()

    def html(self, snapshot: Snapshot | None = None) -> str:
        """Return what the tab says, for a notebook without its kernel; all text is escaped."""
        look = snapshot or self._snapshot
        return pooled.table(look) if look else html.notice(pooled.NOTHING)

    def text(self, snapshot: Snapshot | None = None) -> str:
        """Return what the tab says as lines of text."""
        look = snapshot or self._snapshot
        return pooled.text(look) if look else pooled.NOTHING

    def join(self, timeout: float) -> bool:
        """Wait until it does nothing, at most `timeout` seconds; return whether that is so."""
        return self._reader.join(timeout) and self._worker.join(timeout)

    def _offer(self, found: Sequence[Offer]) -> None:
        self._filled = True
        self.fields.offer(found, self._spec.region if self._spec else None)

    def _edited(self, spec: ClusterSpec) -> bool:
        return self.fields.edited(spec, self._counts(spec)) or self._worker.busy

    def _counts(self, spec: ClusterSpec) -> Mapping[str, int]:
        look = self._snapshot
        return {one.name: pooled.number(look, one) if look else one.count for one in spec.pools}

    def _take(self, spec: ClusterSpec | None) -> None:
        self.meanwhile.clear()
        if spec is not None:
            self.fields.fill(spec, self._counts(spec))
        self._draw()

    def _reset(self) -> None:
        with self._lock:
            self._take(self._spec)

    def _wish(self) -> Wish:
        return self.fields.wish(self.terms.drain.value, self.terms.timeout.value)

    def _draw(self) -> None:
        """Say what the fields ask for; asks nobody."""
        spec, look = self._spec, self._snapshot
        known = spec is not None and look is not None and look.cluster is not None
        self.fields.enable(known and not self._worker.busy)
        self.terms.enable(not self._worker.busy)
        self._pools.value = markup.block(self.html())
        if spec is None or look is None:
            for action in (self.apply, self.pause, self.resume, self.remove):
                action.enabled = False
            return
        wish = self._wish()
        outcome = resizing.outcome(spec, wish)
        refused = self.fields.refused(spec.region) if resizing.moves(spec, wish) else ""
        self.fields.errors({**({"size": refused} if refused else {}), **outcome.problems})
        self.terms.error = outcome.problems.get("drain_timeout", "")
        self._outcome = outcome
        self.apply.enabled = known and outcome.ready and not refused
        self.reset.disabled = not self._edited(spec)
        self.says.value = markup.block(self._said(spec, wish, outcome, look))
        shown = outcome.arguments if outcome.arguments and not outcome.problems else {}
        self.code.value = pooled.code(self._cluster.name, "resize", shown) if shown else ""
        self.more.draw(look, wish.pool, self.terms.given(), known=known)

    def _said(self, spec: ClusterSpec, wish: Wish, outcome: Outcome, look: Snapshot) -> str:
        pool = resizing.pool_of(spec, wish.pool)
        now = pooled.present(look, pool) if pool else 0
        money = effects.money(spec, wish, outcome, look.prices, now=now)
        words = " ".join(effects.words(spec, wish, outcome, now=now))
        if outcome.lost:
            words = f"This would destroy something, and is not offered: {', '.join(outcome.lost)}."
        waits = ""
        if outcome.arguments and look.busy and look.operation:
            waits = f" {look.operation.title} is running: this waits for its turn."
        said = [f"<strong>{html.text(money)}</strong>"] if money else []
        said += [html.text(words + waits)] if words else []
        return f'<div role="status">{"<br>".join(said)}</div>'

    def _work(self, busy: bool) -> None:
        if busy:
            terms, pool = self.terms.given(), self._wish().pool
            which = meant.shown(self._snapshot)
            self.doing.asked = Asked(self._outcome.arguments, terms, pool, which)
            self.undrained.widget.layout.display = "none"
            self.meanwhile.clear()
        self._redraw()

    def _redraw(self, _change: object = None) -> None:
        with self._lock:
            self._draw()

    def _tell(self, text: str) -> None:
        # What was warned of meanwhile stays.
        warned = self.said.text
        self.said.show(f"{text}\n{warned}".strip(), "warn" if warned else "ok")

    def _run(self, call: Callable[[], str]) -> str:
        """Do something to the cluster, and take in what it is after it; return what to say."""
        try:
            # The Activity tab shows what goes on; a cell has no place for it.
            with display.using(display.Silent):
                said = call()
        except KubernetesUnreachable:
            self.undrained.widget.layout.display = None
            raise
        finally:
            self._changed()
        spec = self._cluster.spec
        with self._lock:
            self._settled = dt.datetime.now(dt.timezone.utc)
            self._spec = spec
            self._take(spec)
        return said

    def _remove(self) -> str:
        self.more.confirm.value = ""
        return self.doing.remove()


def _differ(before: ClusterSpec, now: ClusterSpec) -> bool:
    """Return whether there are other nodes by now."""
    return (before.pools, before.paused) != (now.pools, now.paused)


def _is_another(before: Snapshot, now: Snapshot) -> bool:
    return bool(meant.shown(before)) and meant.shown(now) not in ("", meant.shown(before))
