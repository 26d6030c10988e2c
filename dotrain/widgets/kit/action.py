"""A button for something that takes its time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import ipywidgets

from dotrain.widgets.kit import closing
from dotrain.widgets.kit.message import Message
from dotrain.widgets.kit.work import Busy, Worker

T = TypeVar("T")


class Action(Generic[T]):
    """A button, what it does, and what is said of it meanwhile and afterwards.

    A click disables it and says what is being done before anything else
    happens. It cannot be clicked while its worker is busy, with it or with
    another action.

    Parameters
    ----------
    description : str
        What stands on it.
    call : callable
        What it does, in the worker's thread.
    worker : Worker
        What does it.
    said : Message
        Where to say so, and what went wrong.
    done : callable, optional
        Takes what `call` returned, in the worker's thread.
    style : str
        ``""``, ``"primary"`` or ``"danger"``.
    tooltip : str
        More about it.
    doing : str
        What to say at once; ``"…"`` follows the description when not given.
    """

    def __init__(
        self,
        description: str,
        call: Callable[[], T],
        *,
        worker: Worker,
        said: Message,
        done: Callable[[T], None] | None = None,
        style: str = "",
        tooltip: str = "",
        doing: str = "",
    ) -> None:
        self._call = call
        self._worker = worker
        self._said = said
        self._done = done
        self._doing = doing or f"{description} …"
        self._enabled = True
        self.widget = ipywidgets.Button(
            description=description,
            button_style=style,
            tooltip=tooltip or None,
            # As wide as its words, also where boxes stretch what is in them.
            layout=ipywidgets.Layout(width="auto", align_self="flex-start"),
        )
        self.widget.on_click(lambda _: self.click())
        self._leave = worker.listen(lambda _: self._draw())
        self._draw()

    @property
    def enabled(self) -> bool:
        """Whether it may be clicked when its worker is not busy."""
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._enabled = value
        self._draw()

    def click(self) -> None:
        """Do it, unless it is disabled."""
        # A second click may have been on its way when the first disabled it.
        if self._worker.busy or not self._enabled:
            return
        self.widget.disabled = True
        before = self._said.text
        self._said.show(self._doing)
        try:
            self._worker.start(
                self._call, done=self._finish, failed=self._said.fail, warned=self._warn
            )
        except Busy:
            # Another thread has begun something else since it was asked.
            if self._said.text == self._doing:
                self._said.show(before)
            self._draw()

    def close(self) -> None:
        """Let go of the button; what it began goes on."""
        self._leave()
        closing.close(self.widget)

    def _finish(self, result: T) -> None:
        # What was warned of stays; that it is being done does not.
        if self._said.text == self._doing:
            self._said.clear()
        if self._done:
            self._done(result)

    def _warn(self, text: str) -> None:
        before = "" if self._said.text == self._doing else f"{self._said.text}\n"
        self._said.show(f"{before}{text}", "warn")

    def _draw(self) -> None:
        self.widget.disabled = self._worker.busy or not self._enabled
