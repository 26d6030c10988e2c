"""A call that does not answer soon is done without."""

from __future__ import annotations

import threading
import time

import pytest

from dotrain.within import within


def test_what_answers_in_time_is_returned_and_what_it_raises_is_raised() -> None:
    assert within(5, lambda: "said", "unknown") == "said"
    with pytest.raises(KeyError):
        within(5, lambda: {}["nothing"], "unknown")


def test_what_does_not_answer_is_done_without() -> None:
    never = threading.Event()
    began = time.monotonic()
    assert within(0.1, never.wait, default=False) is False
    assert time.monotonic() - began < 2
    never.set()
