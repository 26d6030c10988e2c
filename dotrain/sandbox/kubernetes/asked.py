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


def check_programs(directory: str) -> None:
    """Refuse a directory that lacks what is needed; an empty name is none, and good.

    Raises
    ------
    ApiError
        When it does.
    """
    if directory and not find_spec("trustme"):
        raise invalid("kubernetes: the Python package trustme is not installed.")
    if directory and not all(_has(directory, name) for name in (ETCD, SERVER)):
        raise invalid(f"kubernetes: {directory} has no {ETCD} and {SERVER}.")


def set_programs(store: Store, directory: str) -> None:
    """Have a control plane for each cluster made from now on, of these programs; empty for none."""
    store.set_fact(_FACT, directory)


def programs(store: Store) -> str:
    """Return the directory that `set_programs` was given last; empty for none."""
    return store.fact(_FACT) or ""


def of_new_cluster(store: Store) -> Doc | None:
    """Return what is known of the control plane of a cluster that is being made; None for none."""
    directory = programs(store)
    if not directory:
        return None
    whole = all(_has(directory, name) for name in REST)
    return {"programs": directory, "whole": whole, "port": 0, "ready": False}


def _has(directory: str, name: str) -> bool:
    return os.access(Path(directory) / name, os.X_OK)
