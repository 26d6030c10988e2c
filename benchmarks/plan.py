"""Measure how `plan` grows with who may enter: one source, and up to a thousand.

Each source is granted to ssh and the Kubernetes API, and no two of them are
neighbours that could be written as one. The rules are compared as
sets of addresses; the objects are asked of Pulumi, which is most of the time.
"""

from __future__ import annotations

import math
import os
import statistics
import tempfile
import time

ROUNDS = 5
SOURCES = (1, 10, 100, 900)


def main() -> None:
    """Plan each number of sources for one cluster, and print the table."""
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"DOTRAIN_HOME": home, "DOTRAIN_SANDBOX_DELAY": "0"}
        import dotrain
        from dotrain import target

        dotrain.use_sandbox()
        cluster = dotrain.up("bench")
        try:
            print("| sources | gained rules | plan(): s | growth |")
            print("|---|---|---|---|")
            before: tuple[int, float] | None = None
            for number in SOURCES:
                allow = ["me", *(f"198.18.{n // 125}.{n % 125 * 2 + 1}" for n in range(number))]
                seconds = []
                for _ in range(ROUNDS):
                    begun = time.perf_counter()
                    plan = cluster.plan(allow=allow)
                    seconds.append(time.perf_counter() - begun)
                taken = statistics.median(seconds)
                growth = ""
                if before:
                    growth = f"{math.log(taken / before[1]) / math.log(number / before[0]):.2f}"
                print(f"| {number:,} | {len(plan.gains):,} | {taken:.2f} | {growth} |", flush=True)
                before = number, taken
        finally:
            target.stop_sandbox()


if __name__ == "__main__":
    main()
