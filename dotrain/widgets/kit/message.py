"""What a widget has to say: a notice that stays until the next one."""

from __future__ import annotations

from typing import Any

from dotrain import markup
from dotrain.errors import DotrainError
from dotrain.widgets.kit import html


def sentences(error: BaseException) -> str:
    """Return what to tell of an error: all of it, and its type where it is none of dotrain's."""
    if isinstance(error, DotrainError):
        return str(error)
    return f"This was not expected. {type(error).__name__}: {error}".rstrip(" :")


class Message:
    """A notice in the page; nothing is seen of it while it is empty."""

    def __init__(self) -> None:
        # Here, so that `sentences` serves where there are no widgets.
        import ipywidgets

        self.text = ""
        self.widget: Any = ipywidgets.HTML()

    def show(self, text: str, kind: str = "info") -> None:
        """Say `text` in place of what was said.

        Parameters
        ----------
        text : str
            Sentences; escaped here.
        kind : str
            ``"ok"``, ``"warn"``, ``"bad"`` or ``"info"``.
        """
        self.text = text
        self.widget.value = markup.block(html.notice(text, kind)) if text else ""

    def fail(self, error: BaseException) -> None:
        """Say what went wrong, in full."""
        self.show(sentences(error), "bad")

    def clear(self) -> None:
        """Say nothing."""
        self.show("")
