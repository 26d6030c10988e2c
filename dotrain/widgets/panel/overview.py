"""How a cluster is, in words: the same in its repr, in its panel, and in a saved notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dotrain import durations, money
from dotrain.phases import DOING, DONE, FAILED, WAITING
from dotrain.widgets.kit import html

if TYPE_CHECKING:
    from dotrain.address import Address
    from dotrain.phases import Phase, PoolRow
    from dotrain.snapshot import Snapshot

SANDBOX = "sandbox: nothing here is real or costs money"
MOVED = "your address has moved: see Access"
NO_CLUSTER = "no cluster (up() makes it)"
PART = "nodes and control plane"
"""What the sums of a look are of: load balancers, volumes and the database are not in it."""

_GOOD, _BUSY = ("running",), ("provisioning", "upgrading", "being made", "being taken down")
_MARKS = {DONE: ("✓", "ok"), DOING: ("…", "info"), FAILED: ("✗", "bad"), WAITING: ("·", "warn")}
_SECONDS = 60


def kind_of_state(state: str) -> str:
    """Return the kind of a badge that says `state`."""
    if state in _GOOD:
        return "ok"
    return "info" if state in _BUSY else "warn" if state in ("gone", "no cluster") else "bad"


def pool(row: PoolRow) -> str:
    """Return a pool in a few words.

    Examples
    --------
    >>> from dotrain.phases import PoolRow
    >>> pool(PoolRow("gpu", "gpu-h100x1-80gb", 1, 1, 0, 4, "training"))
    '1/1 (0-4) gpu-h100x1-80gb (training)'
    """
    between = f" ({row.min}-{row.max})" if row.max is not None else ""
    return f"{_running(row)}{between} {row.size} ({row.role})"


def short(seen: Snapshot) -> dict[str, str]:
    """Return what the repr says of a cluster that there is, without its budget and operation."""
    cluster, spec = seen.cluster, seen.spec
    if cluster is None:
        return {}
    said = {
        "endpoint": str(cluster.get("endpoint") or "none yet"),
        "region": f"{cluster['region']}, Kubernetes {cluster['version']}",
        "nodes": ", ".join(map(pool, seen.pools)),
        "who may enter": ", ".join(seen.entering) or "nobody",
    }
    if spec is not None and spec.paused:
        said["paused"] = "resume() makes the training nodes again"
    return said


def limits(seen: Snapshot) -> dict[str, str]:
    """Return when the cluster ends, and how long it may lie idle, where it has such limits."""
    return {what: text for what, text in seen.ends.items() if what != "budget"}


def facts(seen: Snapshot) -> dict[str, str]:
    """Return all that a look says of a cluster, in the order in which one asks."""
    said = short(seen)
    if not said:
        return {}
    del said["nodes"]
    more = {
        "age": age(seen),
        "costs": costs(seen),
        "so far": so_far(seen),
        **limits(seen),
        "rules": drift(seen),
    }
    return {**said, **{what: text for what, text in more.items() if text}}


def age(seen: Snapshot) -> str:
    """Return how long there has been a cluster; empty without one."""
    if seen.age is None:
        return ""
    # Whole minutes, so that nothing changes on the page but once a minute.
    return durations.rough(seen.age) if seen.age.total_seconds() >= _SECONDS else "under a minute"


def costs(seen: Snapshot) -> str:
    """Return what the cluster costs, as far as a look at it says; empty without one."""
    if seen.cluster is None:
        return ""
    if seen.hourly is None:
        return f"not known: the price of {_unpriced(seen)} is not"
    text = f"${seen.hourly:.3f} an hour"
    if seen.monthly is not None:
        text += f" (${seen.monthly:,.2f} a month)"
    return f"{text} for {PART}"


def so_far(seen: Snapshot) -> str:
    """Return what the cluster has cost, as far as a look at it says; empty without one.

    It is the least that was spent: what stands beside the nodes is not in it,
    nor are nodes that are gone and that this machine has not seen.
    """
    if seen.cluster is None:
        return ""
    if seen.so_far is None:
        return "not known"
    spent = money.text(seen.so_far)
    if seen.spec is not None and seen.spec.budget:
        share = f"{seen.so_far / seen.spec.budget:.0%}"
        spent += f" of {money.text(seen.spec.budget)} so far ({share})"
    return f"{spent} for {PART}, as far as is known here"


def drift(seen: Snapshot) -> str:
    """Return how many rules are not as they should be; empty when all are."""
    count = seen.drifted
    if not count:
        return ""
    return f"{_number(count, 'rule')} not as it should be: up() mends that"


def _unpriced(seen: Snapshot) -> str:
    return " and ".join(line.item for line in seen.lines if line.hourly is None)


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count > 1 else ''} {'are' if count > 1 else 'is'}"


def head(seen: Snapshot, found: Address | None = None) -> str:
    """Return the line above everything: the name, the state, and what to know first.

    Parameters
    ----------
    seen : Snapshot
        A look at the cluster.
    found : Address, optional
        This machine's address, where that is known.
    """
    parts = [
        f"<strong>{html.text(seen.name)}</strong>",
        html.badge(seen.state, kind_of_state(seen.state)),
    ]
    if seen.drifted and not seen.going:
        parts.append(html.badge(f"{_number(seen.drifted, 'rule')} not as wanted", "warn"))
    if found is not None and seen.moved(found):
        parts.append(html.badge(MOVED, "warn"))
    if seen.spec is not None and seen.spec.paused:
        parts.append(html.badge("paused", "info"))
    if seen.target_kind == "sandbox":
        parts.append(html.badge(SANDBOX, "info"))
    return html.Fragment(f'<div class="dotrain-head">{" ".join(parts)}</div>')


def body(seen: Snapshot) -> str:
    """Return phases, pools and facts as HTML."""
    if seen.cluster is None and not seen.busy:
        return html.notice(absent(seen), "warn")
    said = [_phases(seen.phases), _pools(seen.pools), html.facts(facts(seen).items())]
    return html.Fragment("".join(said))


def absent(seen: Snapshot) -> str:
    """Return what there is to say of a cluster that is not there."""
    if seen.gone:
        return (
            f"There is no cluster {seen.name!r}: it is gone, or was never made. "
            f"dotrain.up({seen.name!r}) makes one, and this shows it then."
        )
    if seen.observed is None:
        return f"Nothing is known of the cluster {seen.name!r}."
    return (
        f"The account has no cluster {seen.name!r}, though its state says what it should be. "
        f"dotrain.up({seen.name!r}) makes it, and dotrain.down({seen.name!r}) clears the rest away."
    )


def lines(seen: Snapshot) -> list[str]:
    """Return the same as lines of text."""
    banner = f"  [{SANDBOX}]" if seen.target_kind == "sandbox" else ""
    said = [f"{seen.name}: {seen.state}{banner}"]
    if seen.cluster is None and not seen.busy:
        return [*said, absent(seen)]
    for one in seen.phases:
        detail = f": {one.detail}" if one.detail else ""
        said.append(f"  {_MARKS[one.mark][0]} {one.what} ({one.mark}{detail})")
    return said + [
        f"  {what}: {text}"
        for what, text in {"nodes": ", ".join(map(pool, seen.pools)), **facts(seen)}.items()
    ]


def _phases(found: tuple[Phase, ...]) -> str:
    items = "".join(
        f"<li>{html.text(one.what)} {html.badge(f'{_MARKS[one.mark][0]} {one.mark}', kind)}"
        f"{html.text(f' {one.detail}' if one.detail else '')}</li>"
        for one in found
        for kind in (_MARKS[one.mark][1],)
    )
    return html.Fragment(f'<ol class="dotrain-phases" aria-label="Phases">{items}</ol>')


def _pools(found: tuple[PoolRow, ...]) -> str:
    rows = [(row.name, row.size, _running(row), _range(row), row.role) for row in found]
    headers = ("pool", "size", "running/wanted", "autoscaler", "for")
    return html.table(headers, rows, caption="Nodes", numeric={2})


def _running(row: PoolRow) -> str:
    # Of a pool that is leaving, no node is wanted: "3/0" would only puzzle.
    return f"{row.running}, going" if row.role == "leaving" else f"{row.running}/{row.wanted}"


def _range(row: PoolRow) -> str:
    return f"{row.min}-{row.max}" if row.max is not None else "off"
