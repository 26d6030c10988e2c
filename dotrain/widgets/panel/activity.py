"""The tab that says what is being done to a cluster, object by object, and what was done before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import ipywidgets

from dotrain import markup
from dotrain.widgets.kit import html
from dotrain.widgets.kit.action import Action
from dotrain.widgets.kit.message import Message
from dotrain.widgets.kit.work import Worker
from dotrain.widgets.panel import happened
from dotrain.widgets.progress import ProgressView

if TYPE_CHECKING:
    from dotrain.facade import Cluster
    from dotrain.operation import Operation
    from dotrain.snapshot import Snapshot

_STOP = (
    "Stop asks the operation to end as soon as its state is safe. What it has made "
    "by then stays, and the same call again goes on from there."
)


class ActivityTab:
    """The newest operation on the cluster, and those before it.

    Parameters
    ----------
    cluster : Cluster
        The cluster.
    history : callable, optional
        Returns the last operations, newest first, from this machine's journals.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        history: Callable[[], Sequence[Operation]] = lambda: (),
    ) -> None:
        self._history = history
        self._operation: Operation | None = None
        self._told: tuple[str, bool] | None = None
        self._before = ""
        self.progress = ProgressView()
        self._error, self._past = ipywidgets.HTML(html.notice(happened.NOTHING)), ipywidgets.HTML()
        self.said = Message()
        self.worker = Worker(f"stop {cluster.name}")
        self.stop: Action[None] = Action(
            "Stop",
            self._stop,
            worker=self.worker,
            said=self.said,
            done=lambda _: self.said.show("It was asked to stop, and does when its state is safe."),
            style="danger",
            tooltip=_STOP,
            doing="Asking it to stop …",
        )
        self.stop.enabled = False
        call = f"dotrain.get({cluster.name!r}, wait=False).operation.stop()"
        self._stopping = ipywidgets.VBox(
            [
                ipywidgets.HTML(f'<div class="dotrain-hint">{html.text(_STOP)}</div>'),
                self.stop.widget,
                ipywidgets.HTML(f"<div>The same as code:</div>{html.code(call)}"),
            ]
        )
        self.widget = ipywidgets.VBox(
            [
                self.progress.widget,
                self._error,
                self._stopping,
                self.said.widget,
                self._past,
            ]
        )

    def show(self, snapshot: Snapshot) -> None:
        """Show what is being done as a look at the cluster found it."""
        operation = self._operation = snapshot.operation
        running = operation is not None and operation.running
        news = (operation.id, running) if operation else None
        if news != self._told:
            if news is None or self._told is None or news[0] != self._told[0]:
                self.progress.clear()
                self.said.clear()
            self._told = news
            # The journals of those before are read only when there is one more.
            self._before = happened.past(self._history())
            self._past.value = markup.block(self._before)
        self.stop.enabled = running
        self._stopping.layout.display = "" if running else "none"
        if operation is not None:
            self.progress.refresh(operation.progress)
        self._error.value = happened.trouble(operation)

    def html(self) -> str:
        """Return what the tab says, for a notebook without its kernel; all text is escaped."""
        return happened.saved(self._operation, self._before)

    def text(self) -> str:
        """Return what the tab says as lines of text."""
        return happened.text(self._operation)

    def opened(self) -> None:
        """Do nothing: all of it is there already."""

    def _stop(self) -> None:
        if self._operation is not None:
            self._operation.stop()
