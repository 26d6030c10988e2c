"""What `make test` runs of that which takes long: a sample, another one each day.

Who runs pytest by hand runs all that he names; `make test-all` runs everything.
"""

from __future__ import annotations

import datetime as dt
import os
import random
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePath

_TODAY = dt.datetime.now(dt.timezone.utc).date().toordinal()
# Set for the workers too, for which the day may have ended meanwhile.
SEED = int(os.environ.setdefault("DOTRAIN_TEST_SEED", str(_TODAY)))
ONE_IN = int(os.environ.get("DOTRAIN_TEST_ONE_IN", "1"))


def left_out(modules: Iterable[str], *, seed: int = SEED, one_in: int = ONE_IN) -> set[str]:
    """Return which of the modules that take long are left for another day.

    Parameters
    ----------
    modules : iterable of str
        Their paths.
    seed : int
        What chooses them. Over as many days as `one_in` each has its turn.
    one_in : int
        Of so many modules in a directory one is run.
    """
    directories: dict[str, list[str]] = defaultdict(list)
    for path in sorted(set(modules)):
        directories[str(PurePath(path).parent)].append(path)
    left: set[str] = set()
    for directory, paths in directories.items():
        # The order is the same for `one_in` days, so that in these each has its turn.
        random.Random(f"{directory} {seed // one_in}").shuffle(paths)
        left |= {path for place, path in enumerate(paths) if place % one_in != seed % one_in}
    return left


def told(*, seed: int = SEED, one_in: int = ONE_IN) -> str:
    """Return in words what is run of the modules that take long."""
    return "all" if one_in == 1 else f"one in {one_in}, chosen by DOTRAIN_TEST_SEED={seed}"
