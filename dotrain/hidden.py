"""Text that can be used and is not shown.

A traceback with the variables of its frames, a debugger and a printed
dictionary all show a value by its repr; here that says nothing.
"""

from __future__ import annotations

from typing import TypeVar

_E = TypeVar("_E", bound=BaseException)


class Hidden(str):
    """A secret: a string like any other, but for its repr.

    Examples
    --------
    >>> {"token": Hidden("dop_v1_5ecre7")}
    {'token': '***'}
    >>> f"Bearer {Hidden('dop_v1_5ecre7')}"
    'Bearer dop_v1_5ecre7'
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def bare(error: _E) -> _E:
    """Return an error without the frames it went through.

    Those of others' code hold what it was given in variables of their own: the
    HTTP client the token, `subprocess` the environment.
    """
    return error.with_traceback(None)
