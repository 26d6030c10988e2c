"""Fail when something that dotrain depends on at run time has a licence that is not permissive."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from scripts import dependencies

_PERMISSIVE = re.compile(
    r"MIT|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|Zlib|CC0|Unlicense|HPND|BlueOak",
    re.IGNORECASE,
)
EXCEPTIONS = {
    "certifi": "MPL 2.0, which asks for the source of its own files alone; used as it is",
    "fqdn": "likewise",
    "pykube-ng": "Apache 2.0 by its file LICENSE; a classifier of its says something else",
}


def wrong(packages: Iterable[Mapping[str, str]]) -> list[str]:
    """Return what is wrong with the licences of packages, a line each."""
    return [
        f"{one['Name']} {one['Version']}: {one['License']}"
        for one in packages
        if one["Name"] not in EXCEPTIONS and not _permissive(one["License"])
    ]


def _permissive(licence: str) -> bool:
    # Of "A OR B" one is enough; all that "A AND B" and "A; B" name holds.
    return any(
        all(_PERMISSIVE.search(part) for part in re.split(r" AND |;", choice))
        for choice in licence.split(" OR ")
    )


def main() -> None:
    """Print what is wrong and fail, or print how many packages were looked at."""
    names = sorted(dependencies.installed())
    said = subprocess.run(
        [
            *(sys.executable, "-m", "piplicenses", "--from=mixed", "--format=json"),
            *("--packages", *names),
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    packages = json.loads(said.stdout)
    found = wrong(packages)
    if found:
        sys.exit("Not permissive, and no exception:\n" + "\n".join(found))
    excepted = ", ".join(EXCEPTIONS)
    sys.stdout.write(f"Licences: {len(packages)} packages, permissive but for {excepted}.\n")


if __name__ == "__main__":
    main()
