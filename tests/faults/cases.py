"""The cases of the fault matrix: a call, an endpoint that it uses, and what that does wrong."""

from __future__ import annotations

import os
import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from tests.faults.endpoints import ENDPOINTS, USED, Endpoint
from tests.faults.kinds import KINDS, Kind

SEED = int(os.environ.get("DOTRAIN_FAULT_SEED", "1"))


@dataclass(frozen=True)
class Case:
    """A call during which an endpoint does something wrong.

    Parameters
    ----------
    call : str
        Such as ``"up"``.
    who : str
        Who asks that endpoint: ``"library"`` or ``"provider"``.
    at : str
        The endpoint: ``"GET /v2/firewalls"``.
    fault : str
        Its name in the matrix.
    lasting : str
        ``"once"`` or ``"always"``.
    """

    call: str
    who: str
    at: str
    fault: str
    lasting: str

    @property
    def endpoint(self) -> Endpoint:
        """What does something wrong."""
        return ENDPOINTS[self.at]

    @property
    def kind(self) -> Kind:
        """What it does."""
        return KINDS[self.fault]

    def __str__(self) -> str:
        return f"{self.call}-{self.who}-{self.endpoint.short}-{self.fault}-{self.lasting}"


def everything(who: str) -> list[Case]:
    """Return all cases in which `who` asks."""
    return [
        Case(call, asks, str(endpoint), fault, lasting)
        for (call, asks), endpoints in USED.items()
        if asks == who
        for endpoint in endpoints
        for fault, kind in KINDS.items()
        if not kind.why_not(endpoint)
        for lasting in kind.lasting
    ]


def chosen(who: str, most: int, always: Collection[str] = ()) -> list[Case]:
    """Return the cases to run: a sample, or those that ``DOTRAIN_FAULT_CASES`` names.

    That is ``all``, or names separated by commas.

    Parameters
    ----------
    who : str
        Who asks.
    most : int
        How many cases the sample has.
    always : collection of str
        Names of cases that are in every sample.
    """
    named = os.environ.get("DOTRAIN_FAULT_CASES")
    if not named:
        return sample(who, most, always, SEED)
    return [one for one in everything(who) if named == "all" or str(one) in named.split(",")]


def sample(who: str, most: int, always: Collection[str], seed: int) -> list[Case]:
    """Return some cases: those named, then each fault and each call as often as any other."""
    choose = random.Random(seed)
    rest = everything(who)
    choose.shuffle(rest)
    found = [one for one in rest if str(one) in always]
    for one in _in_turns(rest):
        if len(found) >= most:
            break
        if one not in found:
            found.append(one)
    return sorted(found, key=everything(who).index)


def _in_turns(cases: Collection[Case]) -> Iterator[Case]:
    """Yield the cases so that, however many are taken, no fault and no call is left behind."""
    rest = list(cases)
    faults, calls = dict.fromkeys(KINDS, 0), dict.fromkeys((one.call for one in rest), 0)
    while rest:
        one = min(rest, key=lambda each: (faults[each.fault], calls[each.call]))
        rest.remove(one)
        faults[one.fault] += 1
        calls[one.call] += 1
        yield one
