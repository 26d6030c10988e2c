"""Measure an audit as an account grows: firewalls of 50 rules, and what else there is with them.

Prints a table: seconds for 1, 10 and 100 firewalls, and how often the time of
the row before. Ten times the firewalls should take about ten times as long.
Each rule has 5 sources, and each firewall belongs to a cluster of dotrain's own
with two nodes, a database and a spec that asks for all but one of its rules.
The last row is one firewall with as many sources as DigitalOcean takes.
The seconds are medians; addresses are parsed anew in each round.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from dotrain import rules
from dotrain.auditing import Own, Subject, audit, reach
from dotrain.auditing.report import frame, to_sarif

ROUNDS = 5
RULES = 50
SOURCES = 5
MOST_SOURCES = 1000


def firewall(number: int, sources: int) -> dict[str, Any]:
    """Return a firewall whose sources are its own, many of them next to each other."""
    start = number * RULES * sources
    return {
        "id": f"firewall-{number}",
        "name": f"dotrain-c{number}",
        "tags": [f"dotrain:c{number}"],
        "droplet_ids": [],
        "inbound_rules": [
            {
                "protocol": "tcp" if rule % 2 else "udp",
                "ports": f"{1000 + 10 * rule}-{1015 + 10 * rule}",
                "sources": {
                    "addresses": [address(start + rule * sources + n) for n in range(sources)]
                },
            }
            for rule in range(RULES - 1)
        ],
        "outbound_rules": [
            {"protocol": "udp", "ports": "53", "destinations": {"addresses": ["0.0.0.0/0"]}}
        ],
    }


def address(number: int) -> str:
    """Return one of 16 million addresses."""
    return f"11.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def subject(firewalls: int, sources: int = SOURCES) -> Subject:
    """Return an account with so many firewalls."""
    numbers = range(firewalls)
    made = tuple(firewall(number, sources) for number in numbers)
    return Subject(
        clusters=tuple(
            {
                "id": f"id-{number}",
                "name": f"c{number}",
                "tags": [f"dotrain:c{number}"],
                "vpc_uuid": f"vpc-{number}",
                "control_plane_firewall": {"enabled": True, "allowed_addresses": ["11.0.0.1"]},
            }
            for number in numbers
        ),
        firewalls=made,
        databases=tuple(
            {"id": f"db-{number}", "name": f"db{number}", "tags": [f"dotrain:c{number}"]}
            for number in numbers
        ),
        load_balancers=tuple(
            {"name": f"lb{number}", "vpc_uuid": f"vpc-{number}"} for number in numbers
        ),
        droplets=tuple(
            {"id": 2 * number + node, "name": f"n{number}-{node}", "tags": [f"dotrain:c{number}"]}
            for number in numbers
            for node in range(2)
        ),
        trusted_sources={f"db-{number}": ({"type": "tag", "value": "web"},) for number in numbers},
        own={
            f"c{number}": Own(tuple(rules.of_firewall(one, "nodes")[1:]))
            for number, one in zip(numbers, made, strict=True)
        },
    )


def seconds(wanted: Subject) -> tuple[float, float, int]:
    """Return the median seconds of an audit and of its reports, and the number of findings."""
    audits, reports = [], []
    findings = []
    for _ in range(ROUNDS):
        # What a subject has worked out, it keeps: each round gets a new one.
        fresh = Subject(**{key: value for key, value in vars(wanted).items() if key in FIELDS})
        reach.block.cache_clear()
        start = time.perf_counter()
        findings = audit(fresh)
        audits.append(time.perf_counter() - start)
        start = time.perf_counter()
        frame(findings)
        to_sarif(findings)
        reports.append(time.perf_counter() - start)
    return statistics.median(audits), statistics.median(reports), len(findings)


FIELDS = Subject.__dataclass_fields__


def main() -> None:
    """Measure and print the table."""
    frame([])  # pandas is imported once, and not by an audit
    print("| firewalls x rules x sources | findings | audit: s | growth | table and SARIF: s |")
    print("|---|---|---|---|---|")
    before = None
    for firewalls, sources in ((1, SOURCES), (10, SOURCES), (100, SOURCES), (1, MOST_SOURCES)):
        if sources != SOURCES:
            before = None
        took, reported, findings = seconds(subject(firewalls, sources))
        growth = f"x {took / before:.1f}" if before else ""
        row = f"{firewalls} x {RULES} x {sources} | {findings} | {took:.4f} | {growth}"
        print(f"| {row} | {reported:.4f} |")
        before = took


if __name__ == "__main__":
    main()
