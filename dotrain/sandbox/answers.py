"""What a handler gets and what it gives back."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dotrain.sandbox.store import Store

Doc = dict[str, Any]

_PER_PAGE = 20
_MOST_PER_PAGE = 200
_DIGITS = 100


@dataclass(frozen=True)
class Call:
    """One request, with what is needed to answer it.

    Parameters
    ----------
    store : Store
        What exists; a transaction is open on it.
    now : float
        Seconds since the epoch.
    delay : float
        Seconds a cluster takes to become ready.
    params : dict
        The names in the path.
    query : dict
        The query string.
    body : dict
        The JSON object that was sent, empty when none was.
    url : str
        The address that was asked, without its query: pages link to it.
    """

    store: Store
    now: float
    delay: float
    params: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: Doc = field(default_factory=dict)
    url: str = ""


class Ending(str, enum.Enum):
    """What becomes of an answer on its way, when the sandbox is told to be faulty."""

    WHOLE = "whole"
    CUT = "cut"
    """Half of its content arrives, as if that were all."""
    RESET = "reset"
    """The connection is reset before anything arrives."""
    SILENCE = "silence"
    """Nothing arrives, until the client gives up."""


@dataclass(frozen=True)
class Answer:
    """An answer: JSON, or YAML when `text` is set, or nothing at all.

    It is sent `delay` seconds after it is made.
    """

    status: int = 200
    body: Any = None
    text: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: int = 0
    ending: Ending = Ending.WHOLE


NOTHING = Answer(204)


class ApiError(Exception):
    """An answer that is an error, in DigitalOcean's words."""

    def __init__(self, status: int, kind: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def not_found(message: str = "The resource you requested could not be found.") -> ApiError:
    """Return the error for what does not exist."""
    return ApiError(404, "not_found", message)


def invalid(message: str) -> ApiError:
    """Return the error for a request that can be read and not be done."""
    return ApiError(422, "unprocessable_entity", message)


def conflict(message: str) -> ApiError:
    """Return the error for what collides with something that exists."""
    return ApiError(409, "conflict", message)


def paged(call: Call, key: str, items: list[Any]) -> Answer:
    """Return the page of `items` that was asked for, under `key`.

    Links appear only when one page does not hold it all.
    """
    page = _whole(call.query, "page", 1)
    size = min(_whole(call.query, "per_page", _PER_PAGE), _MOST_PER_PAGE)
    last = max(1, -(-len(items) // size))
    body: Doc = {key: items[(page - 1) * size : page * size], "meta": {"total": len(items)}}
    if last > 1:
        body["links"] = {"pages": _links(call, page, size, last)}
    return Answer(200, body)


def _links(call: Call, page: int, size: int, last: int) -> Doc:
    targets: dict[str, int] = {}
    if page > 1:
        targets |= {"first": 1, "prev": min(page - 1, last)}
    if page < last:
        targets |= {"next": page + 1, "last": last}
    return {name: f"{call.url}?page={to}&per_page={size}" for name, to in targets.items()}


def _whole(query: dict[str, str], key: str, default: int) -> int:
    value = query.get(key, "")
    if not value:
        return default
    # A page that nothing is on is one too; but int() of thousands of digits is an error.
    if not (value.isascii() and value.isdigit() and len(value) < _DIGITS and int(value) > 0):
        raise invalid(f"{key} must be a whole number of at least 1.")
    return int(value)
