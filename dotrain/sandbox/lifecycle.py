"""States as functions of time: nothing runs in the background.

`delay` is what a cluster takes to become ready; the rest follows from it.
"""

from __future__ import annotations

from datetime import datetime, timezone

_QUICK = 10


def stamp(moment: float) -> str:
    """Return a moment as the API writes it."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def gone(deleted: float | None, now: float, delay: float) -> bool:
    """Return whether what was deleted then has vanished by now."""
    return deleted is not None and now - deleted >= delay / 2


def cluster_state(
    created: float, upgraded: float | None, deleted: float | None, now: float, delay: float
) -> str:
    """Return the state of a cluster."""
    if deleted is not None:
        return "deleting"
    if now - created < delay:
        return "provisioning"
    if upgraded is not None and now - upgraded < delay / 2:
        return "upgrading"
    return "running"


def node_state(created: float, now: float, delay: float, *, deleting: bool) -> str:
    """Return the state of a node."""
    if deleting:
        return "deleting"
    return "provisioning" if now - created < delay / 2 else "running"


def database_state(
    created: float, change: str, changed: float | None, now: float, delay: float
) -> str:
    """Return the status of a database; `change` names what began at `changed`."""
    if now - created < delay:
        return "creating"
    if changed is not None and now - changed < delay / 2:
        return change
    return "online"


def firewall_state(changed: float, now: float, delay: float) -> str:
    """Return the status of a firewall: its rules reach the Droplets soon after a change."""
    return "waiting" if now - changed < delay / _QUICK else "succeeded"


def balancer_state(created: float, now: float, delay: float) -> str:
    """Return the status of a load balancer."""
    return "new" if now - created < delay / 2 else "active"
