"""Have the reaper in a cluster that should have it, and in no other.

What was brought is noted beside the stack's settings. So an operation that
changes nothing about it asks the cluster's Kubernetes API nothing, which may be
out of reach from here; and taking it out is tried until it has worked.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import closing

from dotrain import departure
from dotrain.api import Api
from dotrain.engine.state import State
from dotrain.engine.workspace import Note
from dotrain.errors import MissingToken
from dotrain.reaper import installing, manifests
from dotrain.spec import ClusterSpec
from dotrain.target import Target
from dotrain.turn import Turn

_UNKNOWN = "?"


def bring(turn: Turn, spec: ClusterSpec, remembered: State | None) -> None:
    """Put the reaper into the cluster of `turn`, bring it up to date, or take it out.

    Parameters
    ----------
    turn : Turn
        The operation.
    spec : ClusterSpec
        What should be.
    remembered : State or None
        What the stack remembered before the operation.

    Raises
    ------
    ConfigError
        When there is no token for it.
    KubernetesError
        When it cannot be brought; the next operation tries it again.
    """
    target, note = turn.target, Note(turn.target, spec.name, "reaper")
    if remembered and remembered.spec and remembered.spec.reaper and not note.read():
        # Another machine has brought it.
        note.write(_UNKNOWN)
    if not (spec.reaper or note.read()):
        return
    known = remembered.resources.get("cluster", "") if remembered else ""
    if spec.reaper and _is_there(_wanted(target, spec, known), note.read()):
        return
    with departure.reached(target, spec.name) as kube:
        if kube is None:
            turn.progress.note("No reaper: this cluster has no Kubernetes API of its own.")
            return
        if spec.reaper:
            with closing(Api(target)) as api:
                sizes = list(api.pages("/v2/sizes", "sizes"))
            installing.install(kube.apply, target, spec, kube.cluster, sizes)
            note.write(" ".join(_wanted(target, spec, kube.cluster["id"])))
        else:
            installing.remove(kube.delete)
            note.write("")
    turn.progress.note(f"The reaper is {'in the cluster' if spec.reaper else 'gone'}.")


def _wanted(target: Target, spec: ClusterSpec, cluster: str) -> tuple[str, ...]:
    """Return what would be brought, in short: all but its token, and that where there is one."""
    sizes = sorted({pool.size for pool in (spec.system, *spec.pools)})
    what = _short(json.dumps([cluster, sizes, installing.image(), manifests.code()]))
    try:
        return what, _short(installing.token(target))
    except MissingToken:
        # Whoever changes something else need not have it.
        return (what,)


def _is_there(wanted: tuple[str, ...], noted: str) -> bool:
    return wanted == tuple(noted.split())[: len(wanted)]


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
