"""Write the page of the sandbox's operations: ``python -m tests.sandbox.page FILE``.

FILE has what the clients proved (`coverage`), as ``make coverage`` collects it.
"""

import sys
from pathlib import Path

from . import coverage, recording
from .exceptions import EXCEPTIONS

_PAGE = """\
# What the sandbox answers

Each operation of the sandbox, and the clients that called it and got an answer of the shape that
DigitalOcean's own OpenAPI document describes. `make coverage` writes this page; `make test` fails
when an operation is proven by nobody.

- *official provider*: requests that the official Pulumi provider was recorded sending, sent again;
- *stand-in*: the provider that serves the sandbox where the official one cannot be had;
- *library*: dotrain itself;
- *pydo*: DigitalOcean's own Python client;
- *schemathesis*: requests generated from the document, right ones and wrong ones.

Beyond this table, each answer that a sandbox gave in any test is checked when the test ends it,
unless it was told to be wrong.

{operations}

## What the document does not have

{undocumented}

## Where recorded traffic and the document disagree

The traffic wins: the sandbox takes these requests, and answers so.

{disagreements}

## Where a check of Schemathesis does not hold

All its checks run on all operations. These failures are right:

{exceptions}
"""


def _table(head, rows):
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _code(pattern):
    # A bar would end the cell, and one backtick the code.
    return f"`` {pattern.strip()} ``".replace("|", "\\|")


def page(proven):
    """Return the page."""
    found = set().union(*(recording.disagreements(one) for _, one in recording.exchanges()))
    return _PAGE.format(
        operations=coverage.table(proven),
        undocumented=_table(
            ("path", "why"), ((f"`{path}`", why) for path, why in coverage.UNDOCUMENTED.items())
        ),
        disagreements=_table(
            ("operation", "where", "what was recorded, by the document"),
            ((f"`{operation}`", *rest) for operation, *rest in sorted(found)),
        ),
        exceptions=_table(
            ("check", "operations", "failures", "why"),
            ((f"`{check}`", _code(of), _code(words), why) for check, of, words, why in EXCEPTIONS),
        ),
    )


if __name__ == "__main__":
    lines = Path(sys.argv[1]).read_text().splitlines()
    coverage.PAGE.write_text(page({tuple(line.rsplit(" ", 2)) for line in lines}))
