"""Text that can be used and is not shown.

A traceback with the variables of its frames, a debugger and a printed
dictionary all show a value by its repr; here that says nothing.
"""

from __future__ import annotations

import re
from typing import TypeVar

_E = TypeVar("_E", bound=BaseException)
_USER_AND_PASSWORD = re.compile(r"//[^\s\"]*@")


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
    """Return an error without the frames that it and its causes went through.

    Those of others' code hold what it was given in variables of their own: the
    HTTP client the token, `subprocess` the environment.
    """
    below: BaseException | None = error
    while below is not None and below.__traceback__ is not None:
        below.__traceback__ = None
        below = below.__cause__
    return error


def without_passwords(text: str) -> str:
    """Return a text with what stands before the ``@`` of each URL in it replaced.

    Examples
    --------
    >>> without_passwords('cannot open "postgres://ada:5ecre7@db.example/states"')
    'cannot open "postgres://***@db.example/states"'
    """
    return _USER_AND_PASSWORD.sub("//***@", text)
