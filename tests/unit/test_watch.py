"""A watch looks again: when it is due, when the network changed, and soon when there was none."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from dotrain import address, watch
from dotrain.address import Address
from dotrain.engine.state import State
from dotrain.errors import AddressError, DotrainError, StackLocked
from dotrain.watch import Watch

CAFE = Address(("198.51.100.4/32",))
STATE = State(None, None, {}, {})


class Looks:
    """Answers each look with the next of some answers, and then with the last for good."""

    def __init__(self, *answers: DotrainError | Address | None) -> None:
        self.count = 0
        self._answers = answers

    def __call__(self) -> tuple[Address, State] | None:
        answer = self._answers[min(self.count, len(self._answers) - 1)]
        self.count += 1
        if isinstance(answer, DotrainError):
            raise answer
        return (answer, STATE) if answer else None


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr(watch, "_SOON", 0.02)
    monkeypatch.setattr(watch, "_GLANCE", 0.01)
    monkeypatch.setattr(address, "local", lambda: "10.0.0.4")


def until(true: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    return true()


def test_without_a_network_it_looks_again_soon_and_says_what_is_wrong() -> None:
    looks = Looks(AddressError("No network."), AddressError("No network."), CAFE, None)
    one = Watch(looks, lambda *_: None, 3600)
    try:
        assert until(lambda: bool(one.moves))
        assert one.moves == [CAFE.cidrs]
        assert one.error is None
    finally:
        one.stop()
    assert "last moved to 198.51.100.4/32" in repr(one)


def test_any_other_trouble_is_no_reason_to_hurry() -> None:
    looks = Looks(StackLocked("Another operation is changing 'bert'."))
    one = Watch(looks, lambda *_: None, 3600)
    try:
        assert until(lambda: one.error is not None)
        assert not until(lambda: looks.count > 1, 0.2)
        assert "at present: Another operation" in repr(one)
    finally:
        one.stop()


def test_a_change_of_network_is_a_reason_to_look_at_once(monkeypatch) -> None:
    looks = Looks(None)
    one = Watch(looks, lambda *_: None, 3600)
    try:
        assert until(lambda: looks.count == 1)
        assert not until(lambda: looks.count > 1, 0.2)
        monkeypatch.setattr(address, "local", lambda: "192.168.1.17")
        assert until(lambda: looks.count == 2)
        assert not until(lambda: looks.count > 2, 0.2)
    finally:
        one.stop()


def test_whoever_waits_is_told_each_move_and_each_trouble_once() -> None:
    looks = Looks(AddressError("No network."), AddressError("No network."), CAFE, CAFE, None)
    told: list[str] = []
    one = Watch(looks, lambda *_: None, 0.05)

    def tell(text: str) -> None:
        told.append(text)
        if len([line for line in told if line.startswith("Moved")]) == 2:
            one.stop()

    one.wait(tell)
    assert [line for line in told if line != "No network."] == [
        "Moved to 198.51.100.4/32: let in, and the old address no more."
    ] * 2
    assert told.count("No network.") <= 1
