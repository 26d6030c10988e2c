"""Fail when something that dotrain depends on has a vulnerability that is known.

pip-audit asks the package index about each version. One that knows of no
vulnerabilities, or is not reached, says nothing of that package: such packages
are counted, and nothing is said to be safe that nobody looked at.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts import dependencies


def verdict(report: Mapping[str, Any]) -> tuple[list[str], str]:
    """Return the known vulnerabilities of a report of pip-audit's, and a line about the rest."""
    packages = report["dependencies"]
    known = [
        f"{one['name']} {one['version']}: {bug['id']}, fixed in {', '.join(bug['fix_versions'])}"
        for one in packages
        for bug in one.get("vulns") or ()
    ]
    skipped = sum("skip_reason" in one for one in packages)
    line = f"Audit: {len(packages) - skipped} of {len(packages)} packages, {len(known)} known bugs."
    if skipped:
        line += f" {skipped} could not be audited: this package index says nothing of them."
    return known, line


def unreached(said: str) -> bool:
    """Return whether pip-audit ended because it reached no index."""
    last = said.strip().rpartition("\n")[2]
    kinds = ("ConnectionError", "ProxyError", "SSLError", "ConnectTimeout", "ReadTimeout")
    return last.startswith(tuple(f"requests.exceptions.{kind}:" for kind in kinds))


def main() -> None:
    """Print the verdict; fail when something is known."""
    pins = [f"{name}=={version}\n" for name, version in dependencies.installed().items()]
    with tempfile.TemporaryDirectory() as directory:
        pinned = Path(directory) / "requirements.txt"
        pinned.write_text("".join(pins))
        said = subprocess.run(
            [
                *(sys.executable, "-m", "pip_audit", "--requirement", str(pinned), "--no-deps"),
                *("--disable-pip", "--progress-spinner=off", "--format=json", "--timeout=15"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    if not said.stdout:
        if unreached(said.stderr):
            sys.stdout.write(f"Audit: 0 of {len(pins)} packages: no package index was reached.\n")
            return
        sys.exit(f"Audit: pip-audit said nothing but: {said.stderr.strip()[-500:]}")
    known, line = verdict(json.loads(said.stdout))
    sys.stdout.write(f"{line}\n")
    if known:
        sys.exit("\n".join(known))


if __name__ == "__main__":
    main()
