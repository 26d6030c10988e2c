"""What waiting comes to when nobody shortens it: minutes, so run by `make faults` alone."""

from __future__ import annotations

import time

import pytest

import dotrain
from tests.faults.endpoints import ENDPOINTS
from tests.faults.kinds import KINDS, ONCE, SLOW
from tests.live.conftest import Sandbox, sandbox

__all__ = ["sandbox"]

pytestmark = pytest.mark.slow

_TIMEOUT = 60


@pytest.mark.parametrize(("fault", "seconds"), [("slow", SLOW), ("timeout", _TIMEOUT)])
def test_what_comes_late_or_once_never_is_waited_for(
    sandbox: Sandbox, fault: str, seconds: int
) -> None:
    asked = KINDS[fault].fault(ENDPOINTS["GET /v2/volumes"], ONCE)
    sandbox.call("POST", "/__sandbox__/faults", faults=[asked])
    before = time.monotonic()
    assert dotrain.leaks().empty
    assert seconds <= time.monotonic() - before < seconds + 15
