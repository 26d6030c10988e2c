"""Measure what is left of many operations: files, memory, and how long a list of many takes.

Runs in a process that does what a kernel would and nothing else: changes of
address, one after the other, each a real operation of the engine; then
`clusters()` for as many stacks as asked for. The stacks are copies of one that
`up` made, and so are their clusters on the sandbox.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import httpx
import psutil
from measure import Meter, Target, print_targets, workplace

ADDRESSES = ("203.0.113.7", "198.51.100.4")
# By then everything that is imported or kept is there.
SETTLED = 10
MEASURED = 100


def main() -> None:
    """Measure, and print the table of targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=200)
    parser.add_argument("--stacks", type=int, default=50)
    options = parser.parse_args()
    with workplace() as (home, notes, sandbox):
        print_targets(
            [
                *lasting(home, max(options.operations, SETTLED + MEASURED)),
                *listing(home, Meter(notes, sandbox), sandbox, options.stacks),
            ]
        )


def lasting(home: Path, operations: int) -> list[Target]:
    """Return what so many operations leave."""
    import dotrain

    dotrain.use_sandbox()
    cluster = dotrain.up("bench")
    memory: dict[int, dict[str, int]] = {}
    for number in range(1, operations + 1):
        dotrain.use_sandbox(address=ADDRESSES[number % 2])
        cluster.allow_me()
        if number in (SETTLED, SETTLED + MEASURED):
            memory[number] = resident()
    before, after = memory[SETTLED], memory[SETTLED + MEASURED]
    left = [path for path in home.rglob("*") if path.is_file() and ours(home, path)]
    size = sum(path.stat().st_size for path in left) / 1e6
    return [
        Target(f"files after {operations} operations on a stack", len(left), 20),
        Target("their size", size, 2, " MB"),
        *(
            Target(
                f"memory of {name} ({before[name] / 1e6:.0f} MB), growth in {MEASURED} operations",
                100 * (after[name] / before[name] - 1),
                5,
                " %",
            )
            for name in before
        ),
    ]


def ours(home: Path, path: Path) -> bool:
    """Return whether a file is a stack's: neither the sandbox's nor what serves all stacks."""
    top = path.relative_to(home).parts[:2]
    return top not in {("sandbox", "server"), ("sandbox", "passphrase")} and top[0] != "standin"


def resident() -> dict[str, int]:
    """Return the bytes of memory of this process and of that for operations."""
    this = psutil.Process()
    found = {"the kernel": this.memory_info().rss}
    for child in this.children(recursive=True):
        if "dotrain.host" in child.cmdline():
            found["the process for operations"] = child.memory_info().rss
    return found


def listing(home: Path, meter: Meter, sandbox: dict[str, str], stacks: int) -> list[Target]:
    """Return what `clusters()` takes with so many stacks."""
    import dotrain

    copy(home / "sandbox" / "state" / ".pulumi" / "stacks" / "dotrain", sandbox, stacks)
    assert len(dotrain.clusters()) == stacks
    for _ in range(9):
        meter.measure("clusters()", dotrain.clusters)
    row = meter.rows["clusters()"]
    return [
        Target(f"`clusters()` with {stacks} stacks", row.median, 0.5, " s"),
        Target("its processes of the CLI", max(row.processes), 0),
    ]


def copy(directory: Path, sandbox: dict[str, str], stacks: int) -> None:
    """Make further stacks like the one in `directory`, and their clusters."""
    client = httpx.Client(
        base_url=sandbox["url"], headers={"Authorization": f"Bearer {sandbox['token']}"}
    )
    (made,) = client.get("/v2/kubernetes/clusters").json()["kubernetes_clusters"]
    text = (directory / "bench.json").read_text()
    for number in range(2, stacks + 1):
        name = f"bench{number}"
        body: dict[str, Any] = {
            "name": name,
            "region": made["region"],
            "version": made["version"],
            "tags": ["dotrain", f"dotrain:{name}"],
            "node_pools": [
                {"name": pool["name"], "size": pool["size"], "count": pool["count"]}
                for pool in made["node_pools"]
            ],
        }
        client.post("/v2/kubernetes/clusters", json=body).raise_for_status()
        copied = directory / f"{name}.json"
        copied.write_text(
            text.replace("::bench", f"::{name}").replace('\\"bench\\"', f'\\"{name}\\"')
        )


if __name__ == "__main__":
    main()
