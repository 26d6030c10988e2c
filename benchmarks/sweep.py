"""Measure a sweep of 200 clusters beside the way that asks for each of them.

All of them have a max age that is not over, so that nothing is done and the
time is that of finding this out. The naive way reads the list of names, and
then asks for each cluster by itself, over one connection. Median of 5 rounds,
the two in turn; the requests are those that the sandbox counted. DigitalOcean
takes 250 a minute.
"""

from __future__ import annotations

import datetime as dt
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing

import httpx

CLUSTERS = 200
ROUNDS = 5
A_MINUTE = 250
PATH = "/v2/kubernetes/clusters"


def main() -> None:
    """Make the clusters, sweep them in both ways, and print the table."""
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"DOTRAIN_HOME": home, "DOTRAIN_SANDBOX_DELAY": "0"}
        import dotrain
        from dotrain import target

        dotrain.use_sandbox()
        running = target.start_sandbox()
        headers = {"Authorization": f"Bearer {running['token']}"}
        try:
            with httpx.Client(base_url=running["url"], headers=headers, timeout=30) as sandbox:
                for number in range(CLUSTERS):
                    make(sandbox, f"bench-{number}")
                measure(sandbox)
        finally:
            target.stop_sandbox()


def make(sandbox: httpx.Client, name: str) -> None:
    """Make a cluster as dotrain does, without what stands around it."""
    pools = [("system", "s-1vcpu-2gb"), ("train-s-2vcpu-4gb", "s-2vcpu-4gb")]
    body = {
        "name": name,
        "region": "nyc3",
        "version": "1.34.1-do.0",
        "tags": ["dotrain", f"dotrain:{name}", "dotrain-max-age:12h"],
        "node_pools": [{"name": pool, "size": size, "count": 1} for pool, size in pools],
    }
    sandbox.post(PATH, json=body).raise_for_status()


def measure(sandbox: httpx.Client) -> None:
    """Sweep in both ways, in turn, and print the table."""
    import dotrain

    ways: dict[str, Callable[[], int]] = {
        "`sweep()`": lambda: len(dotrain.sweep(dry_run=True)),
        "one request per cluster": naive,
    }
    took: dict[str, list[float]] = {way: [] for way in ways}
    requests: dict[str, int] = {}
    for _ in range(ROUNDS):
        for way, run in ways.items():
            before = last_request(sandbox)
            begun = time.perf_counter()
            found = run()
            took[way].append(time.perf_counter() - begun)
            requests[way] = last_request(sandbox) - before
            if found != CLUSTERS:
                raise SystemExit(f"{way} found {found} of {CLUSTERS} clusters")
    print(f"| {CLUSTERS} clusters | s | requests | sweeps a minute that the API takes |")
    print("|---|---|---|---|")
    for way in ways:
        often = A_MINUTE / requests[way]
        print(f"| {way} | {statistics.median(took[way]):.3f} | {requests[way]} | {often:.1f} |")
    first, second = took.values()
    ratio = statistics.median(a / b for a, b in zip(first, second, strict=True))
    print(f"| ratio | {ratio:.3f} | | |")


def naive() -> int:
    """Return how many clusters have a max age, asking for each of them."""
    from dotrain import target, timers
    from dotrain.api import Api

    now = dt.datetime.now(dt.timezone.utc)
    with closing(Api(target.current())) as api:
        ids = [one["id"] for one in api.pages(PATH, "kubernetes_clusters")]
        clusters = [api.get(f"{PATH}/{key}")["kubernetes_cluster"] for key in ids]
    return sum(bool(timers.outlook(one, now)) for one in clusters)


def last_request(sandbox: httpx.Client) -> int:
    """Return the number of the last request that the sandbox was asked."""
    return int(sandbox.get("/__sandbox__/requests?after=999999999").json()["last"])


if __name__ == "__main__":
    main()
