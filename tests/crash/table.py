"""The matrix as it went, in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.crash.cases import EVENTS, MOMENTS, OPERATIONS


@dataclass(frozen=True)
class Cell:
    """A case that has been run.

    Parameters
    ----------
    operation, event, moment : str
        Which.
    phase : str
        How far the operation was when the event happened.
    wrong : list of str
        What was found wrong.
    """

    operation: str
    event: str
    moment: str
    phase: str
    wrong: list[str]


def to_markdown(cells: Iterable[Cell]) -> str:
    """Return two tables: how many cases went well, and what they hit."""
    cells = list(cells)
    clean = sum(not one.wrong for one in cells)
    return "\n\n".join(
        [
            f"{clean} of {len(cells)} cases clean.",
            _grid(cells, EVENTS, lambda one: one.event, _counted),
            "How far each operation was when it was hit (and how often):",
            _grid(cells, MOMENTS, lambda one: one.moment, _phases),
        ]
    )


def _grid(
    cells: list[Cell],
    columns: Iterable[str],
    column_of: Callable[[Cell], str],
    words: Callable[[list[Cell]], str],
) -> str:
    rows = [f"| operation | {' | '.join(columns)} |", "|---" * (len(list(columns)) + 1) + "|"]
    for operation in OPERATIONS:
        row = [one for one in cells if one.operation == operation]
        said = [words([one for one in row if column_of(one) == column]) for column in columns]
        rows.append(f"| {operation} | {' | '.join(said)} |")
    return "\n".join(rows)


def _counted(cells: list[Cell]) -> str:
    return f"{sum(not one.wrong for one in cells)}/{len(cells)}" if cells else ""


def _phases(cells: list[Cell]) -> str:
    found = Counter(one.phase for one in cells).most_common()
    return "; ".join(f"{phase} ({times})" for phase, times in found)
