"""Rules and an audit as HTML and as text, for the Access tab and its saved copy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from dotrain.auditing.finding import SEVERITIES, Finding
from dotrain.auditing.report import passed
from dotrain.notation import format_rule
from dotrain.snapshot import Snapshot
from dotrain.widgets.access import entering
from dotrain.widgets.kit import html

_STATE = entering.HEADERS.index("State")
_FINDINGS = ("Severity", "Id", "Where", "What", "What to do")
UNKNOWN = "Its rules are not known yet."
UNSEEN = "The rules of its database have not been looked at yet."
GRANTS = ("Who", "For", "May reach", "Ends")
FOLDED = "Other rules: out of the nodes, and DigitalOcean's own"
_BADGES = {"CRITICAL": "bad", "HIGH": "bad", "MEDIUM": "warn"}


def entering_table(snapshot: Snapshot) -> str:
    """Return what may enter as a table; what is not as it should be stands out.

    Parameters
    ----------
    snapshot : Snapshot
        A look at the cluster.
    """
    tables = _tables(snapshot)
    if not tables:
        return html.notice(UNKNOWN)
    wanted = snapshot.spec is not None and snapshot.spec.database is not None
    unseen = html.notice(UNSEEN) if wanted and not snapshot.database else ""
    return html.Fragment(tables.get(entering.ENTERING, "") + unseen)


def other_tables(snapshot: Snapshot) -> str:
    """Return the other rules as tables: those out of the nodes, and DigitalOcean's own."""
    tables = _tables(snapshot)
    return html.Fragment(
        "".join(tables.get(one, "") for one in (entering.LEAVING, entering.MANAGED))
    )


def saved(snapshot: Snapshot) -> str:
    """Return grants and rules as HTML for a notebook without its kernel; the rest is folded."""
    spec = snapshot.spec
    rows = [
        (who, one.label, ", ".join(one.to), entering.ends(one.expires, snapshot.at))
        for one in (spec.allow if spec else ())
        for who in [entering.who(one, snapshot.resolved)]
    ]
    granted = html.table(GRANTS, rows, caption="Who is let in") if rows else ""
    others = other_tables(snapshot)
    folded = f"<details><summary>{html.text(FOLDED)}</summary>{others}</details>" if others else ""
    return html.Fragment(granted + entering_table(snapshot) + folded)


def _tables(snapshot: Snapshot) -> dict[str, str]:
    found = {}
    for title, rows in entering.groups(snapshot.rules, snapshot.at).items():
        marked = [(*row[:_STATE], _marked(row[_STATE])) for row in rows]
        found[title] = html.table(entering.HEADERS, marked, caption=title)
    return found


def _marked(state: str) -> str:
    kind = {"extra": "bad", "missing": "warn", "expired": "warn"}.get(state.partition(":")[0])
    return html.badge(state, kind) if kind else state


def lines(snapshot: Snapshot) -> list[str]:
    """Return the rules of dotrain's own layers as lines of text."""
    own = [one for one in snapshot.rules if one.rule.layer != "doks-managed"]
    said = [
        "  ".join(filter(None, (format_rule(one.rule), one.rule.label, one.drift)))
        for one in sorted(own, key=lambda one: one.rule)
    ]
    return said or [UNKNOWN]


def verdict(findings: Iterable[Finding]) -> tuple[str, str]:
    """Return what an audit says in a few words, and the kind of badge.

    Examples
    --------
    >>> verdict([])
    ('passed', 'ok')
    >>> verdict([Finding("DIG-0003", "HIGH", "Everybody enters.", "firewall x", "Close it.")])
    ('1 finding, worst HIGH', 'bad')
    """
    left = [one for one in findings if not one.suppressed]
    if not left:
        return "passed", "ok"
    worst = min((one.severity for one in left), key=SEVERITIES.index)
    counted = f"{len(left)} finding{'s' * (len(left) > 1)}, worst {worst}"
    if passed(left):
        return f"passed, with {counted}", "ok"
    return counted, _BADGES[worst]


def badge(findings: Iterable[Finding], at: dt.datetime, *, stale: bool) -> str:
    """Return what an audit says as a badge, and when it was done.

    Parameters
    ----------
    findings : iterable of Finding
        What it found.
    at : datetime.datetime
        When.
    stale : bool
        Whether the cluster has been changed since.
    """
    words, kind = verdict(findings)
    since = ", before the last change" if stale else ""
    when = html.text(f" as of {at:%Y-%m-%d %H:%M} UTC{since}")
    return html.Fragment(html.badge(f"audit: {words}", kind) + when)


def findings(found: Iterable[Finding]) -> str:
    """Return what an audit found as a table, worst first; what is accepted with its reason."""
    rows = [
        (
            html.badge(
                one.severity, "info" if one.suppressed else _BADGES.get(one.severity, "info")
            ),
            one.id,
            one.where,
            one.what,
            f"accepted: {one.suppressed}" if one.suppressed else one.fix,
        )
        for one in found
    ]
    if not rows:
        return html.notice("The audit found nothing.", "ok")
    return html.table(_FINDINGS, rows, caption="Findings")
