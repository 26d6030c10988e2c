"""Faults that the sandbox is told to have: an error for the n-th request of a kind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dotrain.sandbox.answers import ApiError, invalid
from dotrain.sandbox.validate import Fields

if TYPE_CHECKING:
    from dotrain.sandbox.answers import Doc

_LEAST, _MOST = 400, 599
_OFTEN = 1000


@dataclass
class Fault:
    """An error that some requests are answered with.

    Parameters
    ----------
    method : str
        Of these requests.
    path : re.Pattern
        Of these requests, whole.
    status : int
        The HTTP status of the error.
    applied : bool
        Whether such a request is carried out before it is answered with the error.
    skip : int
        How many such requests go well first.
    times : int
        How many are answered with the error then.
    """

    method: str
    path: re.Pattern[str]
    status: int
    applied: bool
    skip: int
    times: int

    def error(self) -> ApiError:
        """Return the answer."""
        return ApiError(self.status, "server_error", "The sandbox was told to fail here.")


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def set(self, body: Doc) -> None:
        """Have the faults of `body`, and no others."""
        self._faults = [_parse(fields) for fields in Fields(body).objects("faults")]

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that a request meets, if it meets one."""
        for fault in self._faults:
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
    return Fault(
        fields.text("method"),
        path,
        fields.whole("status", _LEAST, _MOST),
        fields.flag("applied", default=False),
        fields.whole("skip", 0, _OFTEN, default=0),
        fields.whole("times", 1, _OFTEN, default=1),
    )
