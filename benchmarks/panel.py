"""Measure what it costs a kernel to keep a panel up to date, as a cluster grows.

In a real kernel, with the widgets that a notebook has, on the sandbox. A refresh
is a look at the account and the drawing of all five tabs. Counted is the CPU
time of the whole kernel, so all threads, the main one too, and the sending of
what has changed; and the requests, by the sandbox's own count. "All new" is a
refresh in which each node has become another one and each time on the page
has changed; "nothing new" one that finds what the last one found. The last
columns are for a tick between two looks, which reads only the journals; for a
cell whose value is the cluster, so making its panel, looking, and showing both
the widget and the copy that stays; and for the tab of nodes, when somebody turns
to it, which is when its widgets are made.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from typing import Any

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from benchmarks.measure import programs

NODES = (5, 50, 200)
BEGIN = """
import dataclasses, datetime, json, statistics, time
import dotrain, httpx
from dotrain.widgets.panel import feed
from dotrain.widgets.panel.panel import of

ROUNDS = 15
target = dotrain.use_sandbox()
http = httpx.Client(base_url=target.url, headers={"Authorization": f"Bearer {target.token}"})


def last():
    return http.get("/__sandbox__/requests?after=999999999").json()["last"]


def spent(call):
    begun = time.process_time()
    call()
    return 1000 * (time.process_time() - begun)


def draw(panel, looks, *, new):
    seen = looks.look()
    if new:
        ROUND.append(len(ROUND))
        cluster = json.loads(json.dumps(seen.cluster))
        for pool in cluster["node_pools"]:
            for node in pool["nodes"]:
                node["id"] += str(len(ROUND))
                node["status"] = {"state": "running" if len(ROUND) % 2 else "provisioning"}
        seen = dataclasses.replace(
            seen,
            at=seen.at + datetime.timedelta(hours=len(ROUND)),
            observed=dataclasses.replace(seen.observed, cluster=cluster),
        )
    panel.show(seen)


ROUND = []
"""
MEASURE = """
feed.CALM = feed.SELDOM = feed.BUSY = float("inf")
cluster = dotrain.get("bench")


def show():
    cluster._ipython_display_()
    made.append(of(cluster, target))


made, making, turning = [], [], []
for _ in range(5):
    if made:
        made.pop().close()
    making.append(spent(show))
    turning.append(spent(lambda: made[0].tab("Nodes")))
panel, looks = made[0], feed.of(target, "bench")
for title in ("Access", "Activity", "Teardown"):
    panel.tab(title)
looks.look()
tick = [spent(looks.look) for _ in range(ROUNDS)]
feed.CALM = 0.0
looks.look()
before = last()
requests = []
for _ in range(3):
    draw(panel, looks, new=True)
    requests.append(last() - before)
    before = last()
new = [spent(lambda: draw(panel, looks, new=True)) for _ in range(ROUNDS)]
same = [spent(lambda: draw(panel, looks, new=False)) for _ in range(ROUNDS)]
rows = {"new": new, "same": same, "tick": tick, "making": making, "turning": turning}
rows = {name: [statistics.median(row), max(row)] for name, row in rows.items()}
print(json.dumps({"requests": max(requests), **rows}))
panel.close()
"""


def run(kernel: BlockingKernelClient, code: str) -> str:
    """Return what a cell prints."""
    said: list[str] = []

    def take(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
            said.append(message["content"]["text"])

    answer = kernel.execute_interactive(code, output_hook=take, timeout=600)
    if answer["content"]["status"] != "ok":
        raise RuntimeError("\n".join(answer["content"]["traceback"]))
    return "".join(said)


def main() -> None:
    """Grow a cluster, measure at each size, and print the table."""
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {**programs(), "DOTRAIN_HOME": home, "DOTRAIN_SANDBOX_DELAY": "0"}
        import dotrain
        from dotrain import target

        dotrain.use_sandbox()
        manager, kernel = start_new_kernel(kernel_name="python3")
        try:
            print("| nodes | requests | all new: ms | nothing new: ms | tick: ms", end="")
            print(" | shown: ms | tab: ms |")
            print("|---|---|---|---|---|---|---|")
            run(kernel, BEGIN)
            for nodes in NODES:
                dotrain.up("bench", pool=dotrain.Pool(size="s-4vcpu-8gb", count=nodes - 1))
                time.sleep(0.5)
                found = json.loads(run(kernel, MEASURE).splitlines()[-1])
                cells = " | ".join(
                    f"{found[name][0]:.0f} (at most {found[name][1]:.0f})"
                    for name in ("new", "same", "tick", "making", "turning")
                )
                print(f"| {nodes} | {found['requests']} | {cells} |", flush=True)
        finally:
            kernel.stop_channels()
            manager.shutdown_kernel(now=True)
            target.stop_sandbox()


if __name__ == "__main__":
    main()
