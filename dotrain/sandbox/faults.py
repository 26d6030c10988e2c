"""Faults that the sandbox is told to have: what the n-th request of a kind meets."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dotrain.sandbox.answers import Answer, ApiError, Ending, invalid
from dotrain.sandbox.validate import Fields

if TYPE_CHECKING:
    from dotrain.sandbox.answers import Doc

_LEAST, _MOST = 400, 599
_OFTEN = 1000
_LONGEST = 600
# What the journal says of a request that was neither carried out nor answered.
_NO_ANSWER = 504
_STEP = re.compile(r"[^.]+")


@dataclass
class Fault:
    """What some requests meet instead of, or on top of, their answer.

    Parameters
    ----------
    method : str
        Of these requests.
    path : re.Pattern
        Of these requests, whole.
    agent : str
        Who makes them, as their header ``User-Agent`` says; empty for anyone.
    skip : int
        How many such requests go well first.
    times : int
        How many meet the fault then.
    applied : bool
        Whether such a request is carried out.
    error : ApiError or None
        The error that it is answered with.
    delay : int
        Seconds that the answer comes later.
    ending : Ending
        What becomes of the answer on its way.
    replaced : dict
        Values in the answer by their place, such as ``"kubernetes_cluster.status.state"``; a step
        that is ``*`` stands for each element of a list. A place that is not there stays so.
    """

    method: str
    path: re.Pattern[str]
    agent: str
    skip: int
    times: int
    applied: bool
    error: ApiError | None
    delay: int
    ending: Ending
    replaced: Doc

    def instead(self) -> Answer:
        """Return the answer to a request that is not carried out, or raise it."""
        if self.error:
            raise self.error
        return Answer(_NO_ANSWER, delay=self.delay, ending=self.ending)

    def upon(self, answer: Answer) -> Answer:
        """Return what comes of the right answer, or raise it."""
        if self.error:
            raise self.error
        body = copy.deepcopy(answer.body)
        for place, value in self.replaced.items():
            _put(body, _STEP.findall(place), value)
        return replace(answer, body=body, delay=self.delay, ending=self.ending)


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def set(self, body: Doc) -> None:
        """Have the faults of `body`, and no others."""
        self._faults = [_parse(fields) for fields in Fields(body).objects("faults")]

    def take(self, method: str, path: str, agent: str) -> Fault | None:
        """Return the fault that a request meets, if it meets one."""
        for fault in self._faults:
            if fault.agent not in ("", agent):
                continue
            if fault.method == method and fault.path.fullmatch(path):
                if fault.skip:
                    fault.skip -= 1
                elif fault.times:
                    fault.times -= 1
                    return fault
        return None


def _parse(fields: Fields) -> Fault:
    try:
        path = re.compile(fields.text("path"))
    except re.error:
        raise invalid("path must be a regular expression.") from None
    ending = Ending(fields.choice("ending", tuple(Ending), Ending.WHOLE))
    fault = Fault(
        fields.text("method"),
        path,
        fields.text("agent", ""),
        fields.whole("skip", 0, _OFTEN, default=0),
        fields.whole("times", 1, _OFTEN, default=1),
        fields.flag("applied", default=False),
        _error(fields) if fields.has("status") else None,
        fields.whole("delay", 0, _LONGEST, default=0),
        ending,
        fields.block("replaced").data,
    )
    if fault.error is None and ending not in (Ending.RESET, Ending.SILENCE):
        if not (fault.delay or fault.replaced or ending is Ending.CUT):
            raise invalid("A fault needs a status, a delay, an ending, or what is replaced.")
        # There must be an answer for something to be wrong with it.
        fault.applied = True
    return fault


def _error(fields: Fields) -> ApiError:
    given = fields.text("retry_after", "")
    return ApiError(
        fields.whole("status", _LEAST, _MOST),
        fields.text("id", "server_error"),
        fields.text("message", "The sandbox was told to fail here."),
        **({"retry_after": given} if given else {}),
    )


def _put(value: Any, steps: list[str], new: Any) -> None:
    """Put `new` at each place in `value` that `steps` lead to."""
    first, *rest = steps or [""]
    if first == "*" and isinstance(value, list):
        places: list[Any] = list(range(len(value)))
    else:
        places = [first] if isinstance(value, dict) and first in value else []
    for place in places:
        if rest:
            _put(value[place], rest, new)
        else:
            value[place] = new
