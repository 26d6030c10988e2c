"""A client that keeps to the limit of requests by what the answers say, and waits for nothing."""

from __future__ import annotations

from collections import deque

import pytest

from dotrain.pace import Pace


class Account:
    """An API that counts, as DigitalOcean does, with a clock of its own."""

    def __init__(self, limit: int = 5000, *, counts: bool = True) -> None:
        self.now = 0.0
        self.limit = limit
        self.counts = counts
        self.asked: deque[float] = deque()
        self.refused = 0
        self.pace = Pace(lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    def request(self) -> dict[str, str]:
        last_minute = [moment for moment in self.asked if moment > self.now - 60]
        self.refused += len(last_minute) >= self.limit / 20
        self.asked.append(self.now)
        in_hour = sum(moment > self.now - 3600 for moment in self.asked) if self.counts else 1
        left = self.limit - in_hour
        return {"ratelimit-limit": str(self.limit), "ratelimit-remaining": str(left)}

    def ask(self, times: int, *, every: float = 0.0, others: int = 0) -> None:
        for _ in range(times):
            self.pace.wait()
            self.pace.note(self.request())
            for _ in range(others):
                self.request()
            self.now += every


def test_the_limit_of_a_minute_is_never_reached() -> None:
    account = Account()
    account.ask(1000)
    assert account.refused == 0
    # Five times as many as a minute takes are no slower than they have to be.
    assert 180 <= account.now <= 300


def test_others_with_the_same_token_are_counted() -> None:
    account = Account()
    account.ask(400, others=1)
    assert account.refused == 0


@pytest.mark.parametrize("every", [0.35, 1.0])
def test_who_is_slow_enough_waits_for_nothing(every) -> None:
    account = Account()
    account.ask(500, every=every)
    assert account.now == pytest.approx(500 * every)


def test_where_nothing_is_used_up_nothing_is_waited_for() -> None:
    account = Account(counts=False)
    account.ask(1000)
    assert account.now == 0


@pytest.mark.parametrize(
    "headers",
    [{}, {"ratelimit-limit": "5000"}, {"ratelimit-limit": "x", "ratelimit-remaining": ""}],
)
def test_answers_that_say_nothing_of_limits_change_nothing(headers) -> None:
    account = Account()
    for _ in range(300):
        account.pace.wait()
        account.pace.note(headers)
    assert account.now == 0
