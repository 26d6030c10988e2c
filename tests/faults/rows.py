"""The cases of the engine in rows: what can go on where another case stopped begins nothing anew.

A case of its own costs the making and the end of a cluster. So, in a full run,
the cases of an endpoint follow each other on one cluster, those first that end
in an error; and what the provider rides out by itself meets all endpoints of a
call at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.faults.cases import Case
from tests.faults.kinds import ALWAYS, ONCE

_RIDDEN_OUT = ("429-after", "429", "500", "503", "reset", "slow")
_STOPPED_BY = ("401", "403", "409", "422-name", "422-quota", *_RIDDEN_OUT)


@dataclass(frozen=True)
class Row:
    """Cases that run one after the other.

    Parameters
    ----------
    name : str
        What it is called.
    steps : tuple of tuple of Case
        Those of a step are met by one and the same call.
    """

    name: str
    steps: tuple[tuple[Case, ...], ...]

    def __str__(self) -> str:
        return self.name


def singly(cases: Iterable[Case]) -> list[Row]:
    """Return a row for each case."""
    return [Row(str(one), ((one,),)) for one in cases]


def together(cases: Iterable[Case]) -> list[Row]:
    """Return all cases in as few rows as they can be told apart in."""
    shared: dict[str, dict[str, list[Case]]] = {}
    rows: dict[str, list[Case]] = {}
    for one in cases:
        # Of a pool, the number of nodes is one call, and their size another.
        call = (
            f"{one.call}-count"
            if (one.call, one.endpoint.method) == ("resize", "PUT")
            else one.call
        )
        harmless = one.endpoint.reads and one.fault == "timeout"
        if one.lasting == ONCE and (one.fault in _RIDDEN_OUT or harmless):
            shared.setdefault(call, {}).setdefault(one.fault, []).append(one)
        else:
            rows.setdefault(f"{call}-{one.endpoint.short}", []).append(one)
    found = [
        Row(f"{call}-all", tuple(map(tuple, faults.values()))) for call, faults in shared.items()
    ]
    for name, several in rows.items():
        several.sort(key=lambda one: not (one.lasting == ALWAYS and one.fault in _STOPPED_BY))
        found.append(Row(name, tuple((one,) for one in several)))
    return found
