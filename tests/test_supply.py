"""What dotrain is made of: licences, known vulnerabilities, and no rule of security set aside."""

from __future__ import annotations

import re
from pathlib import Path

from scripts import audit, dependencies, licences

ROOT = Path(__file__).parents[1]


def package(licence: str, name: str = "one") -> dict[str, str]:
    return {"Name": name, "Version": "1.0", "License": licence}


def test_dependencies_are_those_of_run_time_with_their_own() -> None:
    found = dependencies.installed()
    assert {"httpx", "httpcore", "pulumi", "grpcio", "ipywidgets", "trustme"} <= found.keys()
    assert not {"pytest", "hypothesis", "schemathesis", "pydo", "dotrain"} & found.keys()


def test_a_licence_is_permissive_or_said() -> None:
    good = ["MIT License", "BSD-3-Clause", "Apache-2.0 OR GPL-2.0", "MIT AND ISC", "PSF-2.0"]
    assert licences.wrong(map(package, good)) == []
    bad = ["GPLv3", "MIT AND LGPL-2.1", "UNKNOWN", "Mozilla Public License 2.0 (MPL 2.0)"]
    assert len(licences.wrong(map(package, bad))) == len(bad)
    assert licences.wrong([package("MPL-2.0", "certifi")]) == []


def test_a_known_vulnerability_fails_and_what_nobody_looked_at_is_said() -> None:
    bug = {"id": "PYSEC-2026-1", "fix_versions": ["1.1"], "aliases": []}
    skipped = {"name": "two", "skip_reason": "not found"}
    report = {"dependencies": [{"name": "one", "version": "1.0", "vulns": [bug]}, skipped]}
    known, line = audit.verdict(report)
    assert known == ["one 1.0: PYSEC-2026-1, fixed in 1.1"]
    assert line.startswith("Audit: 1 of 2 packages, 1 known bugs. 1 could not be audited")
    assert audit.verdict({"dependencies": []}) == ([], "Audit: 0 of 0 packages, 0 known bugs.")


def test_an_index_that_is_not_reached_fails_nothing_and_a_broken_audit_does() -> None:
    said = "Traceback (most recent call last):\n  ...\nrequests.exceptions.{}: no route\n"
    assert audit.unreached(said.format("ProxyError"))
    assert not audit.unreached(said.format("JSONDecodeError"))
    assert not audit.unreached("No module named pip_audit")
    assert not audit.unreached("")


def test_no_rule_of_security_is_set_aside_in_dotrain_without_a_reason() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    assert 'select = ["ALL"]' in project
    ignored = project.split("[tool.ruff.lint.per-file-ignores]")[0].split("ignore = [")[-1]
    # Which has its reason beside it.
    assert re.findall(r'"(S\d+)"', ignored) == ["S603"]
    for path in (ROOT / "dotrain").rglob("*.py"):
        for line in path.read_text().splitlines():
            noted = re.search(r"# noqa: .*\bS\d{3}\b(.*)", line)
            assert not noted or re.search(r"\w", noted[1]), f"{path.name}: {line}"
