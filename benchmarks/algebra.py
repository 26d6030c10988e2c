"""Measure the rule algebra, and how it grows with the number of addresses.

Prints a table: milliseconds of each operation on rules for 10, 100 and 1,000
addresses, each address with three port ranges, and the exponent of the growth
between neighbouring sizes: 1 is linear, 2 is quadratic. Each round has
addresses of its own, so that none has been parsed before; the times are
medians. Compare exponents: absolute times depend on the machine.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address

from dotrain.algebra import diff, normal, shadowed, union
from dotrain.rules import Rule

ROUNDS = 7
SIZES = (10, 100, 500, 1000)
PORTS = ("22", "443", "8000-9000")


@dataclass(frozen=True)
class Inputs:
    """Two lists of rules of which a half is the same."""

    before: list[Rule]
    after: list[Rule]


OPERATIONS: dict[str, Callable[[Inputs], object]] = {
    "normal": lambda inputs: normal(inputs.before),
    "diff": lambda inputs: diff(inputs.before, inputs.after),
    "union": lambda inputs: union(inputs.before, inputs.after),
    "shadowed": lambda inputs: shadowed(inputs.before),
}


def make(size: int, chance: random.Random) -> Inputs:
    """Return rules for `size` single addresses, before and after half of them moved."""

    def rules(addresses: list[int]) -> list[Rule]:
        return [
            Rule("nodes", "inbound", "tcp", ports, f"{IPv4Address(address)}/32")
            for address in addresses
            for ports in PORTS
        ]

    known, moved = (chance.sample(range(2**24, 2**32), size) for _ in range(2))
    return Inputs(rules(known), rules(known[: size // 2] + moved[size // 2 :]))


def seconds(operation: Callable[[Inputs], object], size: int, chance: random.Random) -> float:
    """Return the median time of an operation on fresh rules."""
    times = []
    for _ in range(ROUNDS):
        inputs = make(size, chance)
        start = time.perf_counter()
        operation(inputs)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Measure, and print the table."""
    chance = random.Random(0)
    print("| rule algebra |", " | ".join(f"{size:,} addresses: ms" for size in SIZES), end=" | ")
    print("growth |")
    print("|---" * (len(SIZES) + 2) + "|")
    for name, operation in OPERATIONS.items():
        times = [seconds(operation, size, chance) for size in SIZES]
        exponents = [
            math.log(times[place + 1] / times[place]) / math.log(SIZES[place + 1] / SIZES[place])
            for place in range(len(SIZES) - 1)
        ]
        print(f"| `{name}` |", " | ".join(f"{1000 * one:.1f}" for one in times), end=" | ")
        print(", ".join(f"{exponent:.2f}" for exponent in exponents), "|")


if __name__ == "__main__":
    main()
