"""Run all checks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from dotrain.auditing.checks import CHECKS, Check
from dotrain.auditing.finding import SEVERITIES, Finding, Hit
from dotrain.auditing.subject import Subject, Suppression


def audit(subject: Subject) -> list[Finding]:
    """Return what is wrong, worst first.

    Parameters
    ----------
    subject : Subject
        What to look at. It is read and nothing else: no request is made.

    Returns
    -------
    list of Finding
        The same for the same subject. What is suppressed is in it, marked,
        after what is as bad and is not.
    """
    suppressions: dict[str, list[Suppression]] = defaultdict(list)
    for one in subject.suppressions:
        suppressions[one.id].append(one)
    found = [
        _finding(check, hit, suppressions[check.id])
        for check in CHECKS.values()
        for hit in check.find(subject)
    ]
    return sorted(
        found,
        key=lambda one: (
            SEVERITIES.index(one.severity),
            bool(one.suppressed),
            one.id,
            one.where,
            one.what,
        ),
    )


def _finding(check: Check, hit: Hit, suppressions: Sequence[Suppression]) -> Finding:
    # The reason given for the object says more than the one given for all.
    reasons = [one.reason for one in suppressions if one.where and one.covers(hit)]
    reasons += [one.reason for one in suppressions if not one.where]
    return Finding(
        check.id,
        hit.severity or check.severity,
        hit.what,
        f"{hit.kind} {hit.name}",
        hit.fix,
        reasons[0] if reasons else "",
    )
