"""Whether the clusters of a sandbox get a control plane, and of which programs."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from dotrain.sandbox.answers import invalid
from dotrain.sandbox.kubernetes.programs import ETCD, REST, SERVER

if TYPE_CHECKING:
    from dotrain.sandbox.answers import Doc
    from dotrain.sandbox.store import Store

_FACT = "kubernetes"


def set_programs(store: Store, directory: str) -> None:
    """Have a control plane for each cluster made from now on, of the programs in `directory`.

    Raises
    ------
    ApiError
        When not all that is needed is there.
    """
    if directory and not find_spec("trustme"):
        raise invalid("kubernetes: the Python package trustme is not installed.")
    if directory and not all(_has(directory, name) for name in (ETCD, SERVER)):
        raise invalid(f"kubernetes: {directory} has no {ETCD} and {SERVER}.")
    store.set_fact(_FACT, directory)


def of_new_cluster(store: Store) -> Doc | None:
    """Return what is known of the control plane of a cluster that is being made; None for none."""
    directory = store.fact(_FACT)
    if not directory:
        return None
    whole = all(_has(directory, name) for name in REST)
    return {"programs": directory, "whole": whole, "port": 0, "ready": False}


def _has(directory: str, name: str) -> bool:
    return os.access(Path(directory) / name, os.X_OK)
