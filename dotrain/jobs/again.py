"""Try again, for hours, what fails for something that may come back by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from dotrain.errors import (
    AddressError,
    ApiError,
    DotrainError,
    ImageNotPulled,
    KubernetesError,
    KubernetesForbidden,
    KubernetesNotFound,
    NotFinished,
    StorageError,
    TokenRejected,
)

_T = TypeVar("_T")
_FIRST_LOOK, _LAST_LOOK = 0.5, 30.0
# What takes longer than `Wait` bears has seen something meanwhile.
_SAW_SOMETHING = 600.0
# A network that is away comes back, a laptop that moved may be let in again, and
# an image that is not there may be pushed.
_PASSING = (ApiError, KubernetesError, StorageError, AddressError, ImageNotPulled, NotFinished)
_LASTING = (TokenRejected, KubernetesForbidden, KubernetesNotFound)


class Again:
    """Calls what may fail until it does not.

    Parameters
    ----------
    seconds : float
        For how long it may fail at a stretch.
    check : callable
        Called before each try; what it raises ends the trying.
    say : callable
        Told why it is tried again.
    """

    def __init__(
        self, seconds: float, check: Callable[[], None], say: Callable[[str], None]
    ) -> None:
        self._seconds = seconds
        self._check = check
        self._say = say

    def until(
        self, call: Callable[[], _T], passing: tuple[type[DotrainError], ...] = _PASSING
    ) -> _T:
        """Return what `call` returns, asked again as long as what it raises is `passing`."""
        since = time.monotonic()
        for seconds in _looks():
            self._check()
            began = time.monotonic()
            try:
                return call()
            except _LASTING:
                raise
            except passing as error:
                if time.monotonic() - began > _SAW_SOMETHING:
                    since = time.monotonic()
                if time.monotonic() - since > self._seconds:
                    raise
                # The rest may name a request, which is another one each time.
                self._say(f"Trying again: {error.what}")
            time.sleep(seconds)
        raise AssertionError  # there is always another look


def _looks() -> Iterator[float]:
    """Yield how many seconds to wait before the next look: longer each time, up to a limit."""
    seconds = _FIRST_LOOK
    while True:
        yield seconds
        seconds = min(_LAST_LOOK, seconds * 1.5)
