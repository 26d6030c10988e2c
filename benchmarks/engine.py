"""Measure what a user waits for: dotrain, the stock Automation API and the plain CLI side by side.

Prints a table: for each call the seconds (the median, and what 90 and 95 of a
hundred calls take at most), the processes of the Pulumi CLI and the requests to
the API; and a table of targets. All three do the same work on the same sandbox
in the same run, call by call, in another order in each round; the sandbox's own
delay is set to zero. Compare ratios: absolute times depend on the machine.
"""

from __future__ import annotations

import argparse
import tempfile

from measure import Meter, Row, Target, import_seconds, print_targets, workplace

REPEATED = 3


def main() -> None:
    """Run the rounds and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    rounds = parser.parse_args().rounds
    with (
        tempfile.TemporaryDirectory() as temporary,
        workplace() as (_, notes, sandbox),
    ):
        tempfile.tempdir = temporary
        meters = {name: Meter(notes, sandbox) for name in ("dotrain", "stock", "CLI")}
        for number in range(rounds):
            live(meters, number)
        tempfile.tempdir = None
        rows = {name: meter.rows for name, meter in meters.items()}
    print_rows(rows, rounds)
    print()
    print_targets(targets(rows))


def live(meters: dict[str, Meter], number: int) -> None:
    """Make a cluster in each of the three ways, work on it, and take it down."""
    import contenders

    makers = [
        ("dotrain", contenders.by_dotrain),
        ("stock", contenders.by_stock),
        ("CLI", contenders.by_cli),
    ]
    if number == 0:
        # The first operation of a kernel starts the process for operations.
        first = contenders.by_dotrain()
        meters["dotrain"].measure("up, the first of a kernel", first[contenders.UP])
        first[contenders.DOWN]()
    turned = makers[number % 3 :] + makers[: number % 3]
    ways = [(meters[name], make()) for name, make in turned]
    for call in ways[0][1]:
        quick = call in (contenders.SELECT, contenders.OUTPUTS, contenders.NOTHING)
        for _ in range(REPEATED if quick else 1):
            for meter, calls in ways:
                meter.measure(call, calls[call])


def print_rows(rows: dict[str, dict[str, Row]], rounds: int) -> None:
    """Print what each call cost, in each way."""
    print(f"{rounds} rounds; seconds are p50 / p90 / p95.\n")
    print(
        "| call | n | dotrain: s | CLI | API | stock: s | CLI | API "
        "| plain CLI: s | CLI | API | dotrain / stock | dotrain / CLI |"
    )
    print("|---" * 13 + "|")
    for call, ours in rows["dotrain"].items():
        others = [rows[name].get(call) for name in ("stock", "CLI")]
        ratios = [f"{ours.median / other.median:.2f}" if other else "" for other in others]
        shown = [str(ours), *(str(other) if other else " | | " for other in others), *ratios]
        print(f"| {call} | {len(ours.seconds)} | {' | '.join(shown)} |")


def targets(rows: dict[str, dict[str, Row]]) -> list[Target]:
    """Return what was asked for, with what was measured."""
    import contenders

    ours, stock = rows["dotrain"], rows["stock"]
    bare = "import sys, dotrain; dotrain.up, dotrain.get, dotrain.Cluster; "
    return [
        *(
            Target(f"{call}: dotrain / stock", ours[call].median / stock[call].median, most)
            for call, most in (
                (contenders.NOTHING, 0.4),
                (contenders.SELECT, 0.5),
                (contenders.OUTPUTS, 0.3),
                (contenders.ADDRESS, 0.6),
            )
        ),
        Target(contenders.NOTHING, ours[contenders.NOTHING].median, 0.6, " s"),
        Target(f"{contenders.NOTHING}: requests", max(ours[contenders.NOTHING].requests), 0),
        Target("`import dotrain`, over bare Python", import_seconds("import dotrain"), 0.1, " s"),
        Target(
            "the same, with all that `up` and `get` need here, and no pandas",
            import_seconds(f"{bare} assert 'pandas' not in sys.modules"),
            0.3,
            " s",
        ),
    ]


if __name__ == "__main__":
    main()
