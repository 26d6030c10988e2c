"""What `make test` runs of that which takes long: a share, another one each day.

Who runs pytest by hand runs all that he names; `make test-all` runs everything.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping

_TODAY = dt.datetime.now(dt.timezone.utc).date().toordinal()
# Set for the workers too, for which the day may have ended meanwhile.
SEED = int(os.environ.setdefault("DOTRAIN_TEST_SEED", str(_TODAY)))
ONE_IN = int(os.environ.get("DOTRAIN_TEST_ONE_IN", "1"))


def share(seconds: Mapping[str, float], *, seed: int = SEED, one_in: int = ONE_IN) -> set[str]:
    """Return which of the modules that take long are run.

    Parameters
    ----------
    seconds : mapping of str to float
        Their paths, and about how long each takes.
    seed : int
        What chooses them. Over as many days as `one_in` each has its turn.
    one_in : int
        In how many shares of about the same time they are divided.
    """
    shares: list[set[str]] = [set() for _ in range(one_in)]
    taken = [0.0] * one_in
    # The longest first, each to where there is least.
    for path in sorted(seconds, key=lambda path: (-seconds[path], path)):
        least = taken.index(min(taken))
        shares[least].add(path)
        taken[least] += seconds[path]
    return shares[seed % one_in]


def told(*, seed: int = SEED, one_in: int = ONE_IN) -> str:
    """Return in words what is run of the modules that take long."""
    return "all" if one_in == 1 else f"one in {one_in}, chosen by DOTRAIN_TEST_SEED={seed}"
