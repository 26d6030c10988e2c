"""How long things took here before, and what that says of what runs now.

Each operation that ends notes what it has done and how long each step took, in
a file in the directory of its account: what the sandbox takes says nothing of
DigitalOcean. An estimate is what was measured, in words, and says of how many
runs. DigitalOcean's reference promises no times, so where nothing was measured
nothing is claimed.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dotrain import durations, ownfiles
from dotrain.errors import ConfigError

if sys.platform != "win32":
    import fcntl

# How many runs of each kind are kept: what was long ago says little.
_KEPT = 20
# Of ten runs one may have been odd, at either end.
_ODD = 10
# A file that somebody else wrote into is not read to its end.
_MOST_BYTES = 1 << 20
# Nothing takes four months.
_LONGEST = 1e7
_PATIENCE, _LOOK = 2.0, 0.05

NOTHING = "no run to compare with"


@dataclass(frozen=True)
class Estimate:
    """What was measured of a kind of step, or of operation.

    Parameters
    ----------
    runs : int
        How many there were.
    low, high : float
        Seconds that most of them took: of fewer than ten all.
    longest : float
        Seconds that the longest took.
    """

    runs: int = 0
    low: float = 0.0
    high: float = 0.0
    longest: float = 0.0

    def words(self, elapsed: float) -> str:
        """Return what that says of one that has run for `elapsed` seconds.

        Examples
        --------
        >>> of([190, 240, 300]).words(20)
        'usually 3-5 min (3 runs on this machine)'
        >>> of([190, 240, 300]).words(301)
        'longer than any of 3 runs on this machine (5:00)'
        """
        if not self.runs:
            return NOTHING
        if self.runs == 1:
            took = durations.clock(self.longest)
            longer = "longer than the " if elapsed > self.longest else ""
            return f"{longer}one run on this machine{f', {took}' if longer else f' took {took}'}"
        if elapsed > self.longest:
            took = durations.clock(self.longest)
            return f"longer than any of {self.runs} runs on this machine ({took})"
        return f"usually {span(self.low, self.high)} ({self.runs} runs on this machine)"


def of(seconds: Iterable[float]) -> Estimate:
    """Return what the durations of some runs say, in seconds."""
    ordered = sorted(seconds)
    if not ordered:
        return Estimate()
    odd = len(ordered) // _ODD
    return Estimate(len(ordered), ordered[odd], ordered[-1 - odd], ordered[-1])


def span(low: float, high: float) -> str:
    """Return a span of seconds in words, as wide as it is or wider.

    Examples
    --------
    >>> span(241, 356), span(3.2, 7.9), span(0.2, 0.6), span(40, 80)
    ('4-6 min', '3-8 s', 'under 1 s', '40 s - 2 min')
    """
    if high <= 1:
        return "under 1 s"
    unit, word = (60, "min") if high > 60 else (1, "s")  # noqa: PLR2004 - seconds of a minute
    most = math.ceil(high / unit)
    if low < unit:
        return f"{math.floor(low)} s - {most} {word}" if word == "min" else f"up to {most} s"
    least = math.floor(low / unit)
    return f"{least} {word}" if least == most else f"{least}-{most} {word}"


@dataclass(frozen=True)
class Run:
    """An operation that has done what it should.

    Parameters
    ----------
    verb : str
        Such as ``"up"``.
    seconds : float
        How long it took, without what it waited for others.
    did : frozenset of str
        The kinds of its steps, such as ``"create cluster"``.
    """

    verb: str
    seconds: float
    did: frozenset[str]


@dataclass(frozen=True)
class Past:
    """What was measured here before.

    Parameters
    ----------
    steps : mapping of str to tuple of float
        Seconds, by kind of step, such as ``"create cluster"``; the newest last.
    runs : tuple of Run
        Whole operations; the newest last.
    """

    steps: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    runs: tuple[Run, ...] = ()

    def step(self, what: str) -> Estimate:
        """Return what is known of a kind of step, such as ``"create cluster"``."""
        return of(self.steps.get(what, ()))

    def whole(self, verb: str, did: Collection[str]) -> Estimate:
        """Return what is known of operations that did what one has done so far, and maybe more.

        An `up` that makes a cluster takes minutes, and one that changes a rule
        seconds: they are not compared with each other.
        """
        like = [run.seconds for run in self.runs if run.verb == verb and run.did >= set(did)]
        return of(like if did else ())

    def only(self, verb: str) -> Past:
        """Return this without the operations that are called otherwise."""
        return Past(self.steps, tuple(run for run in self.runs if run.verb == verb))

    def to_dict(self) -> dict[str, Any]:
        """Return this as JSON."""
        runs = [[run.verb, run.seconds, sorted(run.did)] for run in self.runs]
        return {"steps": {what: list(one) for what, one in self.steps.items()}, "runs": runs}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Past:
        """Return what `to_dict` made `data` of."""
        steps = {what: tuple(seconds) for what, seconds in data["steps"].items()}
        return cls(
            steps, tuple(Run(verb, took, frozenset(did)) for verb, took, did in data["runs"])
        )


def read(directory: Path) -> Past:
    """Return what was noted in the directory of an account; what cannot be read says nothing."""
    steps, runs = defaultdict(list), defaultdict(list)
    for line in _lines(directory / "durations.jsonl"):
        what, seconds = line.get("what"), line.get("seconds")
        if not isinstance(what, str) or not isinstance(seconds, (int, float)):
            continue
        if not 0 <= seconds < _LONGEST:
            continue
        did = line.get("did")
        if did is None:
            steps[what].append(float(seconds))
        elif isinstance(did, list):
            runs[what].append(Run(what, float(seconds), frozenset(map(str, did))))
    return Past(
        {what: tuple(one[-_KEPT:]) for what, one in steps.items()},
        tuple(run for one in runs.values() for run in one[-_KEPT:]),
    )


def add(directory: Path, steps: Iterable[tuple[str, float]], run: Run | None = None) -> None:
    """Note what was measured, in the directory of an account.

    Nothing is worth failing, or waiting for long, to have it noted: where the
    disk is full or another process has stopped in the middle it is left out.

    Parameters
    ----------
    directory : pathlib.Path
        The account's.
    steps : iterable of (str, float)
        Kinds of steps that did what they should, and the seconds they took.
    run : Run, optional
        The operation as a whole, when that did.
    """
    file = directory / "durations.jsonl"
    with suppress(OSError, ConfigError), _alone(directory / "durations.lock"):
        known = read(directory)
        kept = {what: list(seconds) for what, seconds in known.steps.items()}
        for what, seconds in steps:
            kept.setdefault(what, []).append(round(seconds, 2))
        runs = [*known.runs, *([run] if run else [])]
        lines: list[dict[str, Any]] = [
            {"what": what, "seconds": one}
            for what, seconds in kept.items()
            for one in seconds[-_KEPT:]
        ]
        for verb in dict.fromkeys(one.verb for one in runs):
            last = [one for one in runs if one.verb == verb][-_KEPT:]
            lines += [
                {"what": verb, "seconds": round(one.seconds, 2), "did": sorted(one.did)}
                for one in last
            ]
        ownfiles.write_private(file, "".join(f"{json.dumps(line)}\n" for line in lines))


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with suppress(OSError), file.open("rb") as opened:
        for line in opened.read(_MOST_BYTES).splitlines():
            with suppress(ValueError, RecursionError):
                said = json.loads(line)
                if isinstance(said, dict):
                    yield said


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold a lock that the system frees when this process ends; raises OSError after a while."""
    ownfiles.private_dir(lock.parent)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + _PATIENCE
        while sys.platform != "win32":
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(_LOOK)
        yield
    finally:
        os.close(descriptor)
