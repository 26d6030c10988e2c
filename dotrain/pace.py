"""How often an account's API may be asked, by what its answers say: a client that never hits it.

DigitalOcean takes 5,000 requests an hour of a token, and a twentieth of that in
any minute (https://docs.digitalocean.com/reference/api/, "Rate Limit"). Each
answer says how many are left of the hour, so the difference over a minute is
what all who use the token have asked in it, other processes included.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

_MINUTE = 60.0
# Of the hour's requests, so many may come in one minute.
_BURST = 1 / 20
# Others who use the token are seen by the next answer only.
_SHARE = 0.8


class Pace:
    """Waits before a request where the last minute had nearly as many as it may.

    Parameters
    ----------
    clock : callable
        Returns seconds that only grow.
    sleep : callable
        Waits so many seconds.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._answers: deque[tuple[float, int]] = deque()
        self._most = 0.0

    def wait(self) -> None:
        """Wait until another request is no burst."""
        while (seconds := self._seconds()) > 0:
            self._sleep(seconds)

    def note(self, headers: Mapping[str, str]) -> None:
        """Take in what an answer says; one that says nothing of limits changes nothing."""
        try:
            limit, left = int(headers["ratelimit-limit"]), int(headers["ratelimit-remaining"])
            most = limit * _BURST * _SHARE
        except (KeyError, ValueError, OverflowError):
            return
        with self._lock:
            self._most = most
            self._answers.append((self._clock(), left))

    def _seconds(self) -> float:
        """Return how long to wait before the next look."""
        with self._lock:
            now = self._clock()
            while self._answers and self._answers[0][0] <= now - _MINUTE:
                self._answers.popleft()
            if not self._answers:
                return 0.0
            # What becomes free again within the minute hides nothing.
            most_left = max(left for _, left in self._answers)
            if most_left - self._answers[-1][1] < self._most:
                return 0.0
            return self._answers[0][0] + _MINUTE - now
