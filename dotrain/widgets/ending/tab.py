"""The tab that takes a cluster down: what goes, the name to type, and then the proof."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ipywidgets

from dotrain import display, leftovers
from dotrain.contents import Contents
from dotrain.errors import DotrainError, TeardownIncomplete
from dotrain.leftovers import Leak
from dotrain.widgets.ending import ended
from dotrain.widgets.ending.ended import Ending, Proof
from dotrain.widgets.kit import html, meant
from dotrain.widgets.kit.action import Action
from dotrain.widgets.kit.fields import Field
from dotrain.widgets.kit.message import Message
from dotrain.widgets.kit.work import Worker
from dotrain.widgets.progress import ProgressView

if TYPE_CHECKING:
    from dotrain.facade import Cluster
    from dotrain.snapshot import Snapshot


class TeardownTab:
    """What `Cluster.down` does, with what goes shown before, and what went proved after it.

    Nothing is deleted by a key or by a second click: the button works when
    exactly the name is typed, and empties the field at once.

    Parameters
    ----------
    cluster : Cluster
        The cluster.
    leaks : callable, optional
        Returns what in the account belongs to nothing, for a look after a
        teardown; None where that is said elsewhere.
    changed : callable, optional
        Called when there is something new to save.
    gone : callable, optional
        Called when it is proved that nothing is left.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        leaks: Callable[[], Sequence[Leak] | None] | None = None,
        changed: Callable[[], None] = lambda: None,
        gone: Callable[[], None] = lambda: None,
    ) -> None:
        self._cluster = cluster
        self._leaks = leaks or (lambda: leftovers.look(cluster._target))  # noqa: SLF001 - its account
        self._changed = changed
        self._gone = gone
        self._ending = Ending(cluster.name)
        self._snapshot: Snapshot | None = None
        self._watching = False
        # Whether what goes could not be read; the reason is said.
        self._unread = False
        self._lock = threading.RLock()
        # Of what began before this there is nothing new to say.
        self._told: dt.datetime | None = None
        self._reader = Worker(f"what goes with {cluster.name}")
        self._worker = Worker(f"down {cluster.name}")
        self._build(cluster.name)
        self._reader.listen(lambda _: self._know())

    def _build(self, name: str) -> None:
        read_said, said = Message(), Message()
        self.refresh = Action(
            "Refresh",
            self._read,
            worker=self._reader,
            said=read_said,
            done=self._take_contents,
            tooltip="Read again what goes",
            doing=f"Reading what goes with {name} …",
        )
        typed = ipywidgets.Text(continuous_update=True)
        self.confirm = Field(f"Type {name} to confirm", typed)
        typed.style.description_width = "initial"
        typed.observe(self._typed, names="value")
        self.delete = Action(
            "Delete",
            self._down,
            worker=self._worker,
            said=said,
            done=lambda unknown: said.show(unknown, "warn"),
            style="danger",
            tooltip=f"Delete the cluster {name} and everything on it",
            doing=f"Deleting {name} …",
        )
        self.delete.enabled = False
        self.progress = ProgressView()
        self._goes = ipywidgets.HTML()
        self._doing = Message()
        self._outcome = ipywidgets.HTML()
        self._asked = ipywidgets.VBox([self.confirm.widget, ipywidgets.HBox([self.delete.widget])])
        call = ipywidgets.HTML(f"<div>The same as code:</div>{html.code(self._ending.call)}")
        self.widget = ipywidgets.VBox(
            [
                self._doing.widget,
                self._outcome,
                self._goes,
                read_said.widget,
                ipywidgets.HBox([self.refresh.widget]),
                self._asked,
                said.widget,
                self.progress.widget,
                call,
            ]
        )
        self._draw()

    @property
    def proved(self) -> bool:
        """Whether it shows the proof of a teardown."""
        return self._ending.proof is not None

    def opened(self) -> None:
        """Read what goes, unless that is known, when somebody turns to this tab."""
        if self._ending.contents is None and not ended.over(self._ending, self._snapshot):
            self.refresh.click()

    def show(self, snapshot: Snapshot) -> None:
        """Show what a look at the cluster says of its end.

        Parameters
        ----------
        snapshot : Snapshot
            The look.
        """
        before, self._snapshot = self._snapshot, snapshot
        operation = snapshot.operation
        if self._worker.busy:
            # What this tab itself does, it says itself.
            self._know(doing="")
            return
        if ended.going(operation) and operation is not None:
            self._watching = True
            self.progress.refresh(operation.progress)
        elif operation is not None and operation.kind == "down":
            self._take_up(snapshot)
        if before is not None and meant.shown(before) != meant.shown(snapshot):
            # Another cluster of this name, or none any more: what was read, and
            # the name if it was typed, was about the one before.
            self.confirm.control.value = ""
            self._unread = False
            self._know(contents=None, read=None)
        over = ended.over(self._ending, snapshot)
        self._know(doing="" if over else ended.doing(snapshot))

    def html(self, snapshot: Snapshot | None = None) -> str:
        """Return what the tab says, for a notebook without its kernel; all text is escaped."""
        return ended.saved(self._as_of(snapshot))

    def text(self, snapshot: Snapshot | None = None) -> str:
        """Return what the tab says as lines of text."""
        return ended.text(self._as_of(snapshot))

    def join(self, timeout: float) -> bool:
        """Wait until it does nothing, at most `timeout` seconds; return whether that is so."""
        return self._reader.join(timeout) and self._worker.join(timeout)

    def _as_of(self, snapshot: Snapshot | None) -> Ending:
        if snapshot is None or self._ending.doing or self._ending.proof:
            return self._ending
        return replace(self._ending, doing=ended.doing(snapshot))

    def _typed(self, change: dict[str, Any]) -> None:
        typed, name = change["new"], self._cluster.name
        self.confirm.error = ended.mistyped(typed, name)
        self._allow()
        if typed and not self._unread:
            self.opened()

    def _allow(self) -> None:
        operation = self._snapshot.operation if self._snapshot else None
        is_named = self.confirm.value == self._cluster.name
        # Nobody deletes what was not shown, unless it cannot be read.
        is_shown = self._ending.contents is not None or self._unread
        self.delete.enabled = is_named and is_shown and not ended.going(operation)

    def _read(self) -> Contents:
        self._unread = False
        try:
            return self._cluster.contents()
        except BaseException:
            self._unread = True
            self._allow()
            raise

    def _take_contents(self, contents: Contents) -> None:
        self._know(contents=contents, read=_now())

    def _down(self) -> str:
        """Take the cluster down, and look at what is left; return what could not be looked at."""
        typed, self.confirm.control.value = self.confirm.value, ""
        contents = self._ending.contents
        which = contents.cluster_id if contents else meant.shown(self._snapshot) or None
        self._know(proof=None, error=None, leaks=None, doing="")
        try:
            with display.using(lambda: self.progress):
                gone = self._cluster.down(confirm=typed, only_id=which)
        except DotrainError as error:
            # What there is now is another thing than what was shown before.
            self._know(error=error, contents=None, read=None)
            return ""
        finally:
            self._told = _now()
        rows = gone.itertuples(index=False, name=None)
        self._know(proof=Proof.of(rows, self._told), contents=None, read=None)
        self._gone()
        try:
            found = self._leaks()
            self._know(leaks=None if found is None else tuple(found))
        except DotrainError as error:
            return f"Whether anything else is left in the account is not known. {error}"
        return ""

    def _take_up(self, snapshot: Snapshot) -> None:
        """Take up how a teardown ended that something else had begun."""
        operation = snapshot.operation
        began = operation.began if operation else None
        if operation is None or began is None or (self._told and began <= self._told):
            return
        if snapshot.cluster is not None and not self._watching and operation.error is None:
            # That was another cluster of this name.
            return
        self._told, self._watching = began, False
        if operation.error is not None:
            self._know(error=operation.error, proof=None)
        elif operation.result:
            proof = Proof.of(operation.result, operation.ended or snapshot.at)
            self._know(error=None, proof=proof, contents=None, read=None)

    def _know(self, **news: Any) -> None:
        """Take in what is new, and show it."""
        with self._lock:
            # What a look says and how a teardown ends may come at once.
            before, self._ending = self._ending, replace(self._ending, **news)
            is_new = self._ending != before
            self._draw()
        if is_new:
            self._changed()

    def _draw(self) -> None:
        ending = self._ending
        self._doing.show(ending.doing)
        self._outcome.value = ended.outcome(ending)
        over = ended.over(ending, self._snapshot)
        # That it is being read is said already.
        awaited = ending.contents is None and self._reader.busy
        self._goes.value = "" if over or awaited else ended.goes(ending.contents, ending.read)
        for widget in (self.refresh.widget, self._asked):
            widget.layout.display = "none" if over else None
        again = isinstance(ending.error, TeardownIncomplete)
        self.delete.widget.description = "Retry" if again else "Delete"
        self._allow()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)
