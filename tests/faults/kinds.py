"""The faults of the matrix: what an endpoint does wrong, and how the sandbox is told to do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.endpoints import Endpoint

ONCE, ALWAYS = "once", "always"
FOREVER = 1000
"""How often a fault comes that does not pass; the sandbox takes no more."""

WHILE = 3
"""How often an object that is there is not shown yet."""

SLOW = 30
"""Seconds that an answer takes that is slow, and still comes."""

READS_ONLY, NO_ANSWER = "reads only", "no answer to read"
NO_ID, NO_NAME, NO_QUOTA, NO_STATE = "no id to poll", "names nothing", "takes no quota", "no state"
NOTHING_MADE = "shows nothing that is made"

Possible = Callable[[Endpoint], str]


def _of_all(_: Endpoint) -> str:
    return ""


def _of_one(endpoint: Endpoint) -> str:
    """Say why nothing can be gone: only what is asked for by its id is missed."""
    return "" if endpoint.of_one else NO_ID


def _of_changes(endpoint: Endpoint) -> str:
    return READS_ONLY if endpoint.reads else ""


def _of_names(endpoint: Endpoint) -> str:
    return _of_changes(endpoint) or ("" if endpoint.makes else NO_NAME)


def _of_quota(endpoint: Endpoint) -> str:
    return _of_changes(endpoint) or ("" if endpoint.takes_quota else NO_QUOTA)


def _of_answers(endpoint: Endpoint) -> str:
    return "" if endpoint.answers else NO_ANSWER


def _of_states(endpoint: Endpoint) -> str:
    return "" if endpoint.broken else NO_STATE


def _of_makings(endpoint: Endpoint) -> str:
    return "" if endpoint.reads and (endpoint.of_one or endpoint.empty) else NOTHING_MADE


@dataclass(frozen=True)
class Kind:
    """Something that an endpoint does wrong.

    Parameters
    ----------
    means : str
        What it is, in words.
    does : mapping
        The fault as the sandbox takes it, without method, path, skip and times.
    lasting : tuple of str
        How long it lasts where that makes a difference: ``"once"``, ``"always"``.
    why_not : callable
        Takes an endpoint, and returns in a few words why it cannot do that; empty when it can.
    of_endpoint : callable, optional
        Takes an endpoint, and returns what else the fault is there.
    """

    means: str
    does: Mapping[str, Any]
    lasting: tuple[str, ...] = (ONCE, ALWAYS)
    why_not: Possible = _of_all
    of_endpoint: Callable[[Endpoint], Mapping[str, Any]] = field(default=lambda _: {})

    def fault(self, endpoint: Endpoint, lasting: str, *, skip: int = 0) -> dict[str, Any]:
        """Return the fault that the sandbox is to have.

        Parameters
        ----------
        endpoint : Endpoint
            Where.
        lasting : str
            ``"once"`` or ``"always"``.
        skip : int
            How many such requests go well first.
        """
        times = FOREVER if lasting == ALWAYS else 1
        found = {"times": times, **self.does, **self.of_endpoint(endpoint)}
        return {"method": endpoint.method, "path": endpoint.pattern, "skip": skip, **found}


def _error(status: int, kind: str, message: str, **more: Any) -> dict[str, Any]:
    return {"status": status, "id": kind, "message": message, **more}


_BROKEN = _error(500, "server_error", "Unexpected server-side error")
_BUSY = _error(429, "too_many_requests", "API Rate limit exceeded.")

KINDS = {
    "401": Kind(
        "the token is refused", _error(401, "Unauthorized", "Unable to authenticate you"), (ALWAYS,)
    ),
    "403": Kind(
        "the token lacks a scope",
        _error(403, "Forbidden", "You are not authorized to perform this operation"),
        (ALWAYS,),
    ),
    "404": Kind(
        "what is asked for by its id is gone, also while it is polled",
        _error(404, "not_found", "The resource you were accessing could not be found."),
        why_not=_of_one,
    ),
    "409": Kind(
        "it collides with something that goes on",
        _error(409, "conflict", "The resource is busy with another operation."),
        why_not=_of_changes,
    ),
    "422-name": Kind(
        "the name is taken",
        _error(422, "unprocessable_entity", "Name is already in use."),
        (ALWAYS,),
        _of_names,
    ),
    "422-quota": Kind(
        "the account's limit is reached",
        _error(
            422,
            "unprocessable_entity",
            "creating this/these droplet(s) will exceed your droplet limit",
        ),
        (ALWAYS,),
        _of_quota,
    ),
    "429-after": Kind("a burst is refused, with retry-after", {**_BUSY, "retry_after": "1"}),
    "429": Kind("a limit is reached, without retry-after", _BUSY),
    "500": Kind("a server error before anything is done", _BROKEN),
    "500-applied": Kind(
        "a server error after it is done", {**_BROKEN, "applied": True}, why_not=_of_changes
    ),
    "503": Kind("unavailable", _error(503, "service_unavailable", "The service is not available.")),
    "reset": Kind("the connection is reset, and nothing is done", {"ending": "reset"}),
    "timeout": Kind("it is done, and no answer comes", {"ending": "silence", "applied": True}),
    "slow": Kind(f"the answer takes {SLOW} s", {"delay": SLOW}, (ONCE,)),
    "truncated": Kind("half of the answer's JSON arrives", {"ending": "cut"}, why_not=_of_answers),
    "state-error": Kind(
        "what it made has failed",
        {},
        why_not=_of_states,
        of_endpoint=lambda one: {"replaced": one.broken},
    ),
    "hidden": Kind(
        "what is there is not shown for a while: 404 by its id, not in the list",
        {},
        (ONCE,),
        _of_makings,
        lambda one: {
            "times": WHILE,
            **({"replaced": {one.empty: []}} if one.empty else KINDS["404"].does),
        },
    ),
    "wrong-type": Kind(
        "each field that is read, one after the other, has another type",
        {},
        (ALWAYS,),
        _of_answers,
    ),
}
"""By their names in the matrix; `wrong-type` says nothing of what is replaced by what."""
