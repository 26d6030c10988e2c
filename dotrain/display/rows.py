"""An operation as rows of words, the same for HTML and for text."""

from __future__ import annotations

from typing import NamedTuple

from dotrain import durations
from dotrain.engine.progress import Progress, Step

MARKS = {"running": "…", "done": "✓", "failed": "✗"}
# What is over before one has read how long it takes needs no estimate.
_SHORT = 2.0


class Row(NamedTuple):
    """What happens to one object, in words.

    Parameters
    ----------
    mark : str
        A sign for the status.
    status : str
        ``"running"``, ``"done"`` or ``"failed"``.
    what : str
        Such as ``"create cluster"``.
    name : str
        The object's name.
    time : str
        How long it took, or has taken so far.
    usually : str
        How long that took before, of what runs.
    """

    mark: str
    status: str
    what: str
    name: str
    time: str
    usually: str

    @property
    def line(self) -> str:
        """The row as a line of text."""
        return "  ".join(filter(None, [f"{self.mark} {self.what} {self.name}", *self[4:]]))


def rows(progress: Progress) -> list[Row]:
    """Return a row for each object."""
    return [row(progress, step) for step in list(progress.steps.values())]


def row(progress: Progress, step: Step) -> Row:
    """Return what happens to one object, in words."""
    running = step.status == "running"
    return Row(
        MARKS[step.status],
        step.status,
        step.what,
        step.name,
        # Whole seconds while it runs, so that a live view changes once a second.
        ticking(step.elapsed) if running else durations.clock(step.seconds),
        usually(progress, step) if running else "",
    )


def ticking(seconds: float) -> str:
    """Return how long something has run, in whole seconds.

    Examples
    --------
    >>> ticking(4.8), ticking(64.8)
    ('4 s', '1:04')
    """
    whole = int(seconds)
    return f"{whole} s" if whole < 60 else durations.clock(whole)  # noqa: PLR2004 - a minute


def usually(progress: Progress, step: Step) -> str:
    """Return how long a step that runs took before; nothing where that is soon."""
    known = progress.past.step(step.what)
    if step.elapsed < _SHORT and known.high < _SHORT:
        return ""
    return known.words(step.elapsed)


def whole(progress: Progress) -> str:
    """Return how long such an operation took before, while one runs; empty where nobody knows."""
    elapsed = progress.elapsed
    if progress.finished or progress.left or elapsed is None:
        return ""
    known = progress.past.whole(progress.verb, progress.did)
    if not known.runs or known.high < _SHORT:
        return ""
    return f"{progress.verb} as a whole: {known.words(elapsed)}"


def state(progress: Progress) -> str:
    """Return how an operation is, in a few words.

    ``"4:32 so far"``, ``"done after 5:10"``, ``"failed after 12.0 s"``, or
    ``"goes on by itself"``.
    """
    elapsed = progress.elapsed
    if progress.finished:
        word = "failed" if progress.failed else "done"
        return word if elapsed is None else f"{word} after {durations.clock(elapsed)}"
    if progress.left:
        return "goes on by itself"
    return "running" if elapsed is None else f"{ticking(elapsed)} so far"


def summary(progress: Progress) -> str:
    """Return what is done and what runs, in a sentence that changes only when they do."""
    steps = list(progress.steps.values())
    done = sum(step.status == "done" for step in steps)
    failed = sum(step.status == "failed" for step in steps)
    if progress.finished:
        how = "failed" if progress.failed else "done"
    elif progress.left:
        how = "goes on by itself"
    else:
        how = "running"
    doing = [f"{step.what} {step.name}" for step in steps if step.status == "running"]
    counts = [f"{done} done"] if done else []
    counts += [f"{failed} failed"] if failed else []
    now = [f"now {', '.join(doing)}"] if doing and not progress.finished else []
    return f"{progress.title}: {', '.join([how, *counts, *now])}"
