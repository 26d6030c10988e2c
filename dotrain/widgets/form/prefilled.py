"""What stands in a form at first: the arguments that it was called with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dotrain import changes, checks, departure, losses
from dotrain.widgets.form.reading import TERMS
from dotrain.widgets.form.values import Values, of_spec

# Which fields an argument of `dotrain.up` fills.
_FILLS: Mapping[str, tuple[str, ...]] = {
    "pool": ("pools",),
    "allow": ("me", "sources", "open_to_world"),
    "database": ("engine", "database_size", "database_nodes", "database_version"),
}


def prefilled(
    name: str | None, given: Mapping[str, Any], now: dt.datetime
) -> tuple[Values, set[str]]:
    """Return what stands in the form at first, and which fields that is said of.

    Parameters
    ----------
    name : str or None
        The cluster's name.
    given : mapping
        The arguments; None is none.
    now : datetime.datetime
        The present.

    Raises
    ------
    SpecError
        What is given is wrong, as `dotrain.up` says it.
    """
    if name is not None:
        checks.check_name(name, "cluster")
    of_cluster = {key: one for key, one in given.items() if one is not None and key not in TERMS}
    terms = {key: one for key, one in given.items() if one is not None and key in TERMS}
    spec = changes.asked(None, of_cluster, name or "cluster", now)
    usual = Values()
    losses.require_named(name or "", terms.get("replace"))
    departure.terms(
        terms.get("drain", usual.drain), terms.get("drain_timeout", usual.drain_timeout)
    )
    touched = {field for key in of_cluster for field in _FILLS.get(key, (key,))} | terms.keys()
    return replace(of_spec(spec), name=name or "", **terms), touched
