"""Findings as a table, as JSON and as SARIF, which code hosts and editors read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from dotrain.auditing.checks import CHECKS, Check
from dotrain.auditing.finding import CRITICAL, HIGH, INFO, LOW, MEDIUM, Finding

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = tuple(field.name for field in fields(Finding))
_FAILING = (CRITICAL, HIGH, MEDIUM)
_LEVELS = {CRITICAL: "error", HIGH: "error", MEDIUM: "warning", LOW: "note", INFO: "note"}
# What code hosts sort by, on the scale of CVSS; "level" alone has three steps.
_SCORES = {CRITICAL: "9.5", HIGH: "8.0", MEDIUM: "5.5", LOW: "3.0", INFO: "0.0"}


def frame(findings: Iterable[Finding]) -> pd.DataFrame:
    """Return findings as a frame.

    Returns
    -------
    pandas.DataFrame
        Columns id, severity, what, where, fix, suppressed (all str), in the
        order of `findings`.
    """
    import pandas as pd

    rows = [[getattr(one, column) for column in _COLUMNS] for one in findings]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype("str")


def passed(findings: Iterable[Finding]) -> bool:
    """Return whether nothing of MEDIUM or worse is left unsuppressed.

    LOW and INFO are about tidiness, and about what cannot be changed: they
    should not fail anybody's CI.
    """
    return not any(one.severity in _FAILING and not one.suppressed for one in findings)


def to_json(findings: Iterable[Finding]) -> str:
    """Return ``{"passed": …, "findings": […]}``, each finding with the columns of `frame`."""
    found = list(findings)
    return json.dumps(
        {"passed": passed(found), "findings": [asdict(one) for one in found]}, indent=2
    )


def to_sarif(findings: Iterable[Finding], version: str = "") -> str:
    """Return findings as a SARIF 2.1.0 log.

    The rules are all checks, also those that found nothing: they ran.

    Parameters
    ----------
    findings : iterable of Finding
        What was found.
    version : str
        The version of dotrain, if it should be named.
    """
    numbers = {key: number for number, key in enumerate(CHECKS)}
    driver: dict[str, Any] = {
        "name": "dotrain",
        **({"version": version} if version else {}),
        "rules": [_rule(check) for check in CHECKS.values()],
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "results": [_result(one, numbers[one.id]) for one in findings],
            }
        ],
    }
    return json.dumps(log, indent=2)


def _rule(check: Check) -> dict[str, Any]:
    return {
        "id": check.id,
        "shortDescription": {"text": f"{check.title}."},
        "fullDescription": {"text": check.description},
        "helpUri": check.url,
        "help": {"text": check.description},
        "defaultConfiguration": {"level": _LEVELS[check.severity]},
        "properties": {
            "tags": ["security"],
            "security-severity": _SCORES[check.severity],
            "severity": check.severity,
        },
    }


def _result(finding: Finding, number: int) -> dict[str, Any]:
    # What makes two runs' results the same one: all but the fix, which is advice.
    text = f"{finding.id}\n{finding.where}\n{finding.what}"
    return {
        "ruleId": finding.id,
        "ruleIndex": number,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.where}: {finding.what} {finding.fix}"},
        # What is audited is an account: it has objects, and no files and lines.
        "locations": [
            {"logicalLocations": [{"fullyQualifiedName": finding.where, "kind": "resource"}]}
        ],
        "partialFingerprints": {"dotrain/v1": hashlib.sha256(text.encode()).hexdigest()},
        # An empty list says that nobody accepted it; none at all would say nothing.
        "suppressions": [{"kind": "external", "justification": finding.suppressed}]
        if finding.suppressed
        else [],
        "properties": {"severity": finding.severity, "fix": finding.fix},
    }
