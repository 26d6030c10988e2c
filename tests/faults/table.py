"""The fault matrix as it went, in Markdown: no cell is empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.faults.cases import Case
from tests.faults.endpoints import USED
from tests.faults.kinds import ALWAYS, KINDS, ONCE, Kind

RIDDEN_OUT, ERROR = "ok", "error"
"""How a call ends: it did what it should, or it said in an error of dotrain's why not."""

NOT_RUN = "·"
_MARKS = {ONCE: "1", ALWAYS: "∞"}


@dataclass(frozen=True)
class Cell:
    """A case that has been run.

    Parameters
    ----------
    call, who, at, fault, lasting : str
        Which.
    outcome : str
        ``"ok"`` or ``"error"``.
    wrong : list of str
        What was found wrong.
    """

    call: str
    who: str
    at: str
    fault: str
    lasting: str
    outcome: str
    wrong: list[str]

    @property
    def case(self) -> Case:
        """Which."""
        return Case(self.call, self.who, self.at, self.fault, self.lasting)


def to_markdown(cells: Iterable[Cell]) -> str:
    """Return a table for each call and who asks, its endpoints below each other.

    Of a sample, those that it has.
    """
    found = {one.case: one for one in cells}
    clean = sum(not one.wrong for one in found.values())
    parts = [f"{clean} of {len(found)} cases clean."]
    for call, who in USED:
        if any((one.call, one.who) == (call, who) for one in found):
            parts += [f"`{call}`, asked by the {who}:", _grid(call, who, found)]
    return "\n\n".join(parts)


def _grid(call: str, who: str, found: dict[Case, Cell]) -> str:
    rows = [f"| endpoint | {' | '.join(KINDS)} |", "|---" * (len(KINDS) + 1) + "|"]
    run = {one.at for one in found if (one.call, one.who) == (call, who)}
    for endpoint in USED[call, who]:
        if str(endpoint) not in run:
            continue
        words = [
            kind.why_not(endpoint)
            or _words(
                kind,
                lambda lasting, at=str(endpoint), name=name: found.get(
                    Case(call, who, at, name, lasting)
                ),
            )
            for name, kind in KINDS.items()
        ]
        rows.append(f"| {endpoint} | {' | '.join(words)} |")
    return "\n".join(rows)


def _words(kind: Kind, cell_of: Callable[[str], Cell | None]) -> str:
    """Return how it went, once for all where it went alike."""
    went = {}
    for lasting in kind.lasting:
        cell = cell_of(lasting)
        went[lasting] = NOT_RUN if cell is None else "**wrong**" if cell.wrong else cell.outcome
    if len(set(went.values())) == 1:
        return next(iter(went.values()))
    return ", ".join(f"{_MARKS[lasting]} {said}" for lasting, said in went.items())
