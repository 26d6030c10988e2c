"""What jobs have left when their cluster goes: a matter of seconds, or done without.

A teardown has to work where the Kubernetes API is dead: nothing in here takes
longer than its patience, and what cannot be reached is left.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from dotrain.errors import DotrainError
from dotrain.jobs import finding, keeping, leaving
from dotrain.kube import Kube
from dotrain.target import Target
from dotrain.within import within

_PATIENCE = 20.0
_UNKNOWN = "Which jobs run on it is not known: its Kubernetes API does not answer."

Reach = Callable[[], Kube | None]
"""Returns a cluster's Kubernetes API; None where there is none."""


def describe(reach: Reach) -> str:
    """Return in words which jobs, and clusters of Ray and Dask, would be lost; empty for none."""

    def look() -> str:
        kube = reach()
        rows = finding.rows(kube) if kube else []
        running = [f"{row.name} ({row.status.phase})" for row in rows if not row.status.ended]
        said = [f"These jobs are lost: {', '.join(running)}."] if running else []
        clusters = finding.clusters(kube) if kube else []
        said += [f"So is what runs on {', '.join(clusters)}."] if clusters else []
        return " ".join(said)

    try:
        return within(_PATIENCE, look, _UNKNOWN)
    except DotrainError:
        return _UNKNOWN


def keep(target: Target, reach: Reach) -> None:
    """Keep what jobs have left that have ended, and of which nothing is kept yet."""

    def save() -> None:
        kube = reach()
        for record, status in finding.each(kube) if kube else ():
            if not kube or not status.ended:
                continue
            place = (record.namespace, record.name, record.uid)
            if not keeping.of(target, kube.cluster["name"], *place).ranks():
                with suppress(DotrainError):
                    leaving.keep(target, kube, record, status)

    with suppress(DotrainError):
        within(_PATIENCE, save, None)
