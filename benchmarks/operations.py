"""Measure what a user waits for, beside the stock Automation API doing the same work.

Prints a table: seconds of dotrain and of stock, their ratio, and how many CLI
processes and API requests each took. Both run the same program on the same
sandbox in the same run, one after the other in each round; the seconds are
medians, and the sandbox's own delay is set to zero. Compare ratios: absolute
times depend on the machine.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

ROUNDS = 3
ADDRESSES = ("203.0.113.7", "198.51.100.4")


@dataclass
class Row:
    """What one call cost, over the rounds."""

    seconds: list[float] = field(default_factory=list)
    processes: int = 0
    requests: int = 0

    def __str__(self) -> str:
        return f"{statistics.median(self.seconds):.2f} | {self.processes} | {self.requests}"


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
        self._sandbox = sandbox

    def measure(self, name: str, call: Callable[[], object]) -> None:
        """Call, and note what it took under `name`."""
        row = self.rows.setdefault(name, Row())
        processes, requests = self._processes(), self._requests()
        start = time.perf_counter()
        call()
        row.seconds.append(time.perf_counter() - start)
        row.processes = self._processes() - processes
        row.requests = self._requests() - requests

    def _processes(self) -> int:
        return len(self._notes.read_text().splitlines())

    def _requests(self) -> int:
        answer = httpx.get(
            f"{self._sandbox['url']}/__sandbox__/requests?after=999999999",
            headers={"Authorization": f"Bearer {self._sandbox['token']}"},
        )
        return int(answer.raise_for_status().json()["last"])


def import_seconds(statement: str) -> float:
    """Return how long a fresh interpreter takes for `statement`, less an empty one's time."""

    def run(text: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", text], check=True)
        return time.perf_counter() - start

    return statistics.median(run(statement) - run("pass") for _ in range(5))


def prepare(home: Path) -> Path:
    """Point this process at a data directory of its own, and return the wrapper's notes."""
    from dotrain.engine import locate

    engine = locate.find()
    if engine is None:
        sys.exit("There is no Pulumi CLI: run 'make engine' first.")
    notes = home / "processes"
    notes.touch()
    wrapper = home / "counted" / "pulumi"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\necho "$$" >> "{notes}"\nexec "{engine.path}" "$@"\n')
    wrapper.chmod(0o755)
    os.environ |= {
        "DOTRAIN_HOME": str(home),
        "DOTRAIN_PULUMI": str(wrapper),
        "DOTRAIN_SANDBOX_DELAY": "0",
    }
    return notes


def run_dotrain(meter: Meter) -> None:
    """One round of dotrain's own calls."""
    import dotrain

    pool = dotrain.Pool(size="s-4vcpu-8gb", count=2)
    dotrain.use_sandbox(address=ADDRESSES[0])
    meter.measure("up", lambda: dotrain.up("bench", pool=pool))
    cluster = dotrain.get("bench")
    meter.measure("up, no change", lambda: dotrain.up("bench"))
    meter.measure("cluster.up(), which reads everything first", cluster.up)
    dotrain.use_sandbox(address=ADDRESSES[1])
    cluster = dotrain.get("bench")
    meter.measure("allow_me", cluster.allow_me)
    meter.measure("resize 2 to 4", lambda: cluster.resize(count=4))
    meter.measure("rules()", cluster.rules)
    meter.measure("clusters()", dotrain.clusters)
    meter.measure("plan()", cluster.plan)
    meter.measure("audit()", cluster.audit)
    meter.measure("down", lambda: cluster.down(confirm="bench"))


def run_stock(meter: Meter) -> None:
    """One round of the same work by `pulumi.automation` as its documentation has it."""
    from pulumi import automation

    import dotrain
    from dotrain.engine import locate, provider
    from dotrain.engine.workspace import PROJECT, Workspace
    from dotrain.program import create_program
    from dotrain.spec import ClusterSpec, Resolved
    from dotrain.target import current

    target, engine = current(), locate.find()
    assert engine is not None
    chosen = provider.choose(sandbox=True, engine=engine, progress=lambda _: None)
    environment = Workspace(target, "stock", engine, chosen).environment()
    # The stock class looks for "pulumi" in <root>/bin.
    root = Path(tempfile.mkdtemp())
    (root / "bin").mkdir()
    (root / "bin" / "pulumi").symlink_to(engine.path)

    def stack(spec: ClusterSpec, address: str) -> automation.Stack:
        resolved = Resolved("1.34.1-do.0", {"bench": (f"{address}/32",)})
        return automation.create_or_select_stack(
            "stock",
            PROJECT,
            create_program(spec, resolved),
            opts=automation.LocalWorkspaceOptions(
                work_dir=str(root),
                env_vars=environment,
                secrets_provider="passphrase",
                pulumi_command=automation.PulumiCommand(root=str(root)),
            ),
        )

    def down() -> None:
        one = stack(spec, ADDRESSES[1])
        unprotect = ["state", "unprotect", "--all", "--yes", "--stack", "stock"]
        one.workspace.pulumi_command.run(unprotect, str(root), environment)
        one.destroy()
        one.workspace.remove_stack("stock")

    spec = ClusterSpec("stock", pools=(dotrain.Pool(size="s-4vcpu-8gb", count=2),))
    larger = replace(spec, pools=(dotrain.Pool(size="s-4vcpu-8gb", count=4),))
    meter.measure("up", lambda: stack(spec, ADDRESSES[0]).up())
    meter.measure("up, no change", lambda: stack(spec, ADDRESSES[0]).up())
    meter.measure("allow_me", lambda: stack(spec, ADDRESSES[1]).up())
    meter.measure("resize 2 to 4", lambda: stack(larger, ADDRESSES[1]).up())
    meter.measure("down", down)


def main() -> None:
    """Run the rounds and print the table."""
    with tempfile.TemporaryDirectory() as name:
        notes = prepare(Path(name))
        from dotrain import target

        sandbox = target.start_sandbox()
        try:
            ours, stock = Meter(notes, sandbox), Meter(notes, sandbox)
            for _ in range(ROUNDS):
                run_dotrain(ours)
                run_stock(stock)
        finally:
            target.stop_sandbox()
    print("| call | dotrain: s | CLI | API | stock: s | CLI | API | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for call, row in ours.rows.items():
        other = stock.rows.get(call)
        ratio = (
            f"{statistics.median(row.seconds) / statistics.median(other.seconds):.2f}"
            if other
            else ""
        )
        print(f"| `{call}` | {row} | {other or ' | | '} | {ratio} |")
    light, heavy = import_seconds("import dotrain"), import_seconds("import dotrain.cluster")
    stock_import = import_seconds("import pulumi, pulumi_digitalocean, pandas")
    print(f"| `import dotrain` | {light:.3f} | 0 | 0 | {stock_import:.2f} | 0 | 0 |", end=" ")
    print(f"{light / stock_import:.2f} |")
    print(f"| `import dotrain`, first use of `up` | {heavy:.2f} | 0 | 0 | | | | |")


if __name__ == "__main__":
    main()
