"""Which client proved which of the sandbox's operations, and the page that says so.

An operation is proven by a client that called it and got what DigitalOcean's document describes.
Each sandbox that a test ends says who called what (`seen`). With DOTRAIN_COVERAGE it is written to
that file, from which `make coverage` writes the page.
"""

import os
import re
from functools import cache
from pathlib import Path

from dotrain.sandbox import routes

from . import openapi

PAGE = Path(__file__).parents[2] / "docs" / "sandbox-operations.md"
CLIENTS = ("official provider", "stand-in", "library", "pydo", "schemathesis")
UNDOCUMENTED = {
    "/v2/snapshots": "left out of the cut of the document that tests have; in DigitalOcean's own",
    "/v2/snapshots/{snapshot_id}": "likewise",
    "/v2/volumes/{volume_id}/snapshots": "likewise",
}
_AGENTS = {"dotrain": "library", "dotrain-provider": "stand-in"}
_NAMED = re.compile(r"\(\?P<(\w+)>\[\^/\]\+\)")


@cache
def operations():
    """Return (method, template, pattern) of each operation, as the sandbox looks for one."""
    return [
        (method, _NAMED.sub(r"{\1}", pattern.pattern), pattern)
        for method, pattern, _ in routes._TABLE
    ]


def operation(method, path):
    """Return the template of a call, None when the sandbox has no such operation."""
    path = path.partition("?")[0]
    return next(
        (name for known, name, one in operations() if known == method and one.fullmatch(path)), None
    )


def client(agent):
    """Return who says so of itself; a test that asks by itself is nobody."""
    if "pydo" in agent or "schemathesis" in agent:
        return "pydo" if "pydo" in agent else "schemathesis"
    if agent.startswith(("Terraform", "pulumi-digitalocean")):
        return "official provider"
    return _AGENTS.get(agent, "")


def seen(exchanges):
    """Return (client, method, template) of the exchanges that went well."""
    return {
        (client(one["agent"]), one["method"], template)
        for one in exchanges
        if one["status"] < 300 and not one["fault"] and client(one["agent"])
        if (template := operation(one["method"], one["path"]))
    }


def told(text):
    """Return (client, method, template) of each mark in the page's table."""
    cells = rf"((?: +✓? *\|){{{len(CLIENTS)}}})"
    rows = re.findall(rf"^\| `(\w+) (/\S+)` \|{cells}$", text, re.MULTILINE)
    return {
        (name, method, template)
        for method, template, marks in rows
        for name, mark in zip(CLIENTS, marks[:-1].split("|"), strict=True)
        if mark.strip()
    }


def _log(found):
    """Write what was proven for `make coverage`; return whether it is that which runs."""
    log = os.environ.get("DOTRAIN_COVERAGE")
    if log:
        with Path(log).open("a") as file:
            file.writelines(f"{' '.join(one)}\n" for one in found)
    return bool(log)


def note(exchanges):
    """Check what a sandbox was asked: answered as documented; `make coverage` is told of it."""
    openapi.check_all(exchanges)
    _log(seen(exchanges))


def whole(name, found):
    """Check that a client proved what the page says that it proves."""
    if not _log(found):
        assert {one for one in told(PAGE.read_text()) if one[0] == name} <= found


def table(proven):
    """Return the table of operations and clients, in Markdown."""
    lines = [f"| operation | {' | '.join(CLIENTS)} |", f"|---|{'---|' * len(CLIENTS)}"]
    for method, template, _ in sorted(operations(), key=lambda one: (one[1], one[0])):
        marks = ["✓" if (name, method, template) in proven else "" for name in CLIENTS]
        lines.append(f"| `{method} {template}` | {' | '.join(marks)} |")
    return "\n".join(lines)
