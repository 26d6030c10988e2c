"""The base of all errors dotrain raises."""

from __future__ import annotations

import re

# What a terminal obeys, and a notebook too: an answer that an error quotes may hold it.
_COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class DotrainError(Exception):
    """The base of all errors dotrain raises.

    Parameters
    ----------
    what : str
        What happened, as a sentence.
    why : str
        Why it happened, as a sentence; empty when `what` says it.
    fix : str
        What to do next, as a sentence.
    """

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        self.what = what
        self.why = why
        self.fix = fix
        super().__init__(what, why, fix)

    def __str__(self) -> str:
        said = " ".join(part.strip() for part in (self.what, self.why, self.fix) if part)
        return _COMMANDS.sub("\N{REPLACEMENT CHARACTER}", said)

    def _render_traceback_(self) -> list[str]:
        # What IPython shows of an uncaught error: the paragraph, and not the
        # hundred lines of the engine's frames above it. The cause stays chained.
        return [f"{type(self).__name__}: {self}"]
