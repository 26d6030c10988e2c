"""Show a widget in a notebook, with a copy that is still there when the widget is not.

A widget lives as long as its kernel and is nothing on its own. Beside it goes
an output of plain HTML: not seen while the widget is, and what one sees when
the notebook is opened again, exported, or looked at on GitHub.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from dotrain import display, markup
from dotrain.widgets.kit import closing, html, style
from dotrain.widgets.kit.live import Views

# Seconds between two updates of a copy.
_EVERY = 1.0
# A cell that runs again and again leaves widgets behind that nobody sees. Above
# this many the oldest that is in no page is let go of.
MOST = 32

LACKING = (
    "Its buttons and fields need ipywidgets. Run `pip install 'dotrain[notebook]'`, restart the "
    "kernel, and run this cell again. Whatever they do, the functions of dotrain do without them."
)
"""What to say in a notebook without ipywidgets."""

_shown: list[Saved] = []


class Shown(Protocol):
    """Something with a widget, and the same as HTML and as text."""

    @property
    def widget(self) -> Any:
        """What is shown while the kernel runs."""

    def html(self) -> str:
        """Return what is seen without the kernel; all text in it is escaped."""

    def text(self) -> str:
        """Return what is seen where there is no HTML."""

    def close(self) -> None:
        """Let go of the widget; what it is about stays as it is."""


class Readable(Protocol):
    """Something that can be read as HTML and as text."""

    def html(self) -> str:
        """Return what is seen; all text in it is escaped."""

    def text(self) -> str:
        """Return what is seen where there is no HTML."""


def installed() -> bool:
    """Return whether ipywidgets is there."""
    try:
        import ipywidgets  # noqa: F401 - whether it is there
    except ImportError:
        return False
    return True


def available() -> bool:
    """Return whether widgets can be shown: this is a notebook's kernel with ipywidgets."""
    return display.in_notebook() and installed()


def lacking() -> str:
    """Return what a notebook's kernel lacks to show widgets, and how to get it; else empty."""
    return LACKING if display.in_notebook() and not installed() else ""


def text_only(shown: Readable) -> dict[str, str]:
    """Return what is shown where there are no widgets, by its type: HTML and text."""
    lacks = lacking()
    said = html.notice(lacks) if lacks else ""
    return {
        "text/html": _framed(style.CSS, "dotrain", f"{said}{shown.html()}"),
        "text/plain": "\n".join(filter(None, [lacks, shown.text()])),
    }


def show(shown: Shown, *, ready: Callable[[], object] = lambda: None) -> Saved:
    """Show something in the cell that runs now: its widget, and the copy that stays.

    Parameters
    ----------
    shown : Shown
        What to show.
    ready : callable, optional
        Called when the widget is there: it may wait for what the copy should
        say from the first, as whoever runs a notebook and saves it sees no other.

    Returns
    -------
    Saved
        The copy; tell it when there is something new.
    """
    import ipywidgets
    from IPython.display import display as put

    from dotrain.widgets.kit.sheet import sheet

    name = secrets.token_hex(6)
    live = f"dotrain-live-{name}"
    # Only what is in the page counts: a widget that is gone takes the rule with it.
    rule = f"body:has(.{live}) .{_saved(name)}{{display:none}}"
    box = ipywidgets.VBox([sheet(rule), shown.widget])
    box.add_class("dotrain")
    box.add_class(live)
    view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    # Its text is empty: whoever reads text reads the copy's.
    bundle = {"application/vnd.jupyter.widget-view+json": view, "text/plain": ""}
    put(bundle, raw=True)  # type: ignore[no-untyped-call]
    try:
        ready()
    finally:
        # An interrupt of the wait leaves no widget without its copy.
        saved = Saved(shown, name, box)
        _shown.append(saved)
    if len(_shown) > MOST:
        next((one for one in _shown if not one.seen), _shown[0]).close()
    return saved


class Saved:
    """The copy of a widget in its notebook.

    Parameters
    ----------
    shown : Shown
        What it is a copy of.
    name : str
        What tells it from others in the page.
    box : ipywidgets.Box
        What the widget is shown in, with its style sheet.
    """

    def __init__(self, shown: Shown, name: str, box: Any) -> None:
        from IPython.display import display as put

        self._shown = shown
        self._name = name
        self._box = box
        self._views = Views(box)
        self._lock = threading.Lock()
        self._later: threading.Timer | None = None
        self._last = _bundle(shown, name)
        self._at = time.monotonic()
        self._handle: Any = put(self._last, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    @property
    def seen(self) -> bool:
        """Whether its widget is in a page."""
        return self._views()

    @property
    def closed(self) -> bool:
        """Whether the copy is all that is left."""
        return self not in _shown

    def is_of(self, shown: Shown) -> bool:
        """Return whether it is a copy of `shown`."""
        return self._shown is shown

    def close(self) -> None:
        """Have the copy seen from now on in place of the widget, and let go of that.

        The widget itself goes, too, unless it is shown elsewhere.
        """
        if self.closed:
            return
        _shown.remove(self)
        with self._lock:
            self._write()
        own, _ = self._box.children
        closing.close(own)
        self._box.children = ()
        closing.close(self._box)
        if not any(one.is_of(self._shown) for one in _shown):
            self._shown.close()

    def update(self) -> None:
        """Bring the copy up to date when it differs, at most once a second; from any thread."""
        with self._lock:
            if self._later is not None or self.closed:
                return
            wait = self._at + _EVERY - time.monotonic()
            if wait > 0:
                self._later = threading.Timer(wait, self._in_time)
                self._later.daemon = True
                self._later.start()
                return
            self._write()

    def _in_time(self) -> None:
        with self._lock:
            self._later = None
            self._write()

    def _write(self) -> None:
        bundle = _bundle(self._shown, self._name)
        if bundle != self._last:
            self._last = bundle
            self._at = time.monotonic()
            self._handle.update(bundle, raw=True)


class Copies:
    """The copies of one thing, as often as it is shown in its notebook.

    Parameters
    ----------
    shown : Shown
        The thing.
    """

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._all: list[Saved] = []

    def show(self, *, ready: Callable[[], object] = lambda: None) -> None:
        """Show it in the cell that runs now, once more; `ready` is that of `show`."""
        shown = show(self._shown, ready=ready)
        self._all = [*(one for one in self._all if not one.closed), shown]
        # There may be something new since the copy was made.
        shown.update()

    def update(self) -> None:
        """Bring all of them up to date; from any thread."""
        for one in tuple(self._all):
            one.update()

    def close(self) -> None:
        """Have what was seen last seen from now on in place of the widget."""
        while self._all:
            self._all.pop().close()


def _saved(name: str) -> str:
    return f"dotrain-saved-{name}"


def _bundle(shown: Shown, name: str) -> dict[str, str]:
    # Without its kernel JupyterLab says of a widget that its model was not
    # found. That output is the one before this: away with it.
    dead = (
        f".jp-OutputArea-child:has(+ .jp-OutputArea-child .{_saved(name)})"
        f":not(:has(.dotrain-live-{name})){{display:none}}"
    )
    content = _framed(f"{style.CSS}{dead}", f"dotrain {_saved(name)}", html.still(shown.html()))
    return {"text/html": content, "text/plain": shown.text()}


def _framed(rules: str, classes: str, inside: str) -> str:
    return markup.block(f'<style>{rules}</style><div class="{classes}">{inside}</div>')
