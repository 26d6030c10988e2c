"""What the benchmarks share: a home of their own, and a meter for what a call costs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx


@dataclass
class Row:
    """What one call cost, each time."""

    seconds: list[float] = field(default_factory=list)
    processes: list[int] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The seconds it usually took."""
        return statistics.median(self.seconds)

    def percentile(self, percent: int) -> float:
        """Return the seconds that so many of a hundred calls took at most."""
        if len(self.seconds) == 1:
            return self.seconds[0]
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[percent - 1]

    def __str__(self) -> str:
        digits = 2 if self.median >= 0.1 else 3
        times = " / ".join(f"{self.percentile(percent):.{digits}f}" for percent in (50, 90, 95))
        processes, requests = map(statistics.median_low, (self.processes, self.requests))
        return f"{times} | {processes} | {requests}"


class Meter:
    """Counts CLI processes by a wrapper that notes each start, and requests by the sandbox's log.

    Parameters
    ----------
    notes : pathlib.Path
        The file to which the wrapper adds a line.
    sandbox : dict
        The sandbox's url and token.
    """

    def __init__(self, notes: Path, sandbox: dict[str, str]) -> None:
        self.rows: dict[str, Row] = {}
        self._notes = notes
        self._url = f"{sandbox['url']}/__sandbox__/requests?after=999999999"
        self._client = httpx.Client(headers={"Authorization": f"Bearer {sandbox['token']}"})

    def measure(self, name: str, call: Callable[[], object]) -> None:
        """Call, and note what it took under `name`."""
        row = self.rows.setdefault(name, Row())
        processes, requests = self._processes(), self._requests()
        start = time.perf_counter()
        call()
        row.seconds.append(time.perf_counter() - start)
        row.processes.append(self._processes() - processes)
        row.requests.append(self._requests() - requests)

    def _processes(self) -> int:
        return len(self._notes.read_text().splitlines())

    def _requests(self) -> int:
        return int(self._client.get(self._url).raise_for_status().json()["last"])


def programs() -> dict[str, str]:
    """Return where the engine and the control plane are, for a data directory that has neither."""
    from dotrain import config
    from dotrain.engine import locate

    engine = locate.find()
    if engine is None:
        sys.exit("There is no Pulumi CLI: run 'make engine' first.")
    return {"DOTRAIN_PULUMI": str(engine.path), "DOTRAIN_KUBERNETES": str(config.kubernetes())}


@contextmanager
def workplace() -> Iterator[tuple[Path, Path, dict[str, str]]]:
    """Point this process at a data directory of its own, with a sandbox that makes at once.

    Yields
    ------
    tuple of (pathlib.Path, pathlib.Path, dict)
        The data directory, the wrapper's notes, and the sandbox's url and token.
    """
    from dotrain import target

    found = programs()
    engine = found["DOTRAIN_PULUMI"]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        directory = Path(name)
        notes = directory / "processes"
        notes.touch()
        wrapper = directory / "counted" / "pulumi"
        wrapper.parent.mkdir()
        wrapper.write_text(f'#!/bin/sh\necho "$$" >> "{notes}"\nexec "{engine}" "$@"\n')
        wrapper.chmod(0o755)
        home = directory / "home"
        os.environ |= {
            **found,
            "DOTRAIN_HOME": str(home),
            "DOTRAIN_PULUMI": str(wrapper),
            "DOTRAIN_SANDBOX_DELAY": "0",
        }
        try:
            yield home, notes, target.start_sandbox()
        finally:
            target.stop_sandbox()


def import_seconds(statement: str) -> float:
    """Return how long a fresh interpreter takes for `statement`, less an empty one's time.

    The quickest of nine counts: whatever else the machine does only adds.
    """

    def run(text: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", text], check=True)
        return time.perf_counter() - start

    both = [(run(statement), run("pass")) for _ in range(9)]
    return min(one for one, _ in both) - min(empty for _, empty in both)


@dataclass(frozen=True)
class Target:
    """A number that should not be exceeded."""

    what: str
    measured: float
    most: float
    unit: str = ""

    def __str__(self) -> str:
        met = "met" if self.measured <= self.most else "**not met**"
        whole = isinstance(self.measured, int)
        measured = f"{self.measured}" if whole else f"{self.measured:.2g}"
        return f"| {self.what} | {measured}{self.unit} | {self.most:g}{self.unit} | {met} |"


def print_targets(targets: list[Target]) -> None:
    """Print a table of targets and whether they are met."""
    print("| | measured | at most | |\n|---|---|---|---|")
    for target in targets:
        print(target)
