"""What is typed into a form so far, and what it means; for several threads at once."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dotrain.spec import ClusterSpec
from dotrain.widgets.form.asked import Asked, Known, ask
from dotrain.widgets.form.knowledge import Knowledge
from dotrain.widgets.form.offered import Offered
from dotrain.widgets.form.prefilled import prefilled
from dotrain.widgets.form.values import Values, of_spec

# What decides which databases there are to choose from, and what follows from it.
_DECIDES = ("engine", "database_nodes")
_FOLLOWS = ("database_nodes", "database_size", "database_version")


class Draft:
    """What stands in the fields, and what is asked for by it.

    Parameters
    ----------
    name : str or None
        The cluster's name.
    given : mapping
        Arguments of `dotrain.up` that are filled in.
    knowledge : Knowledge
        What is known beside that.

    Attributes
    ----------
    values : Values
        What stands in the fields.
    asked : Asked
        What is asked for by it.
    """

    def __init__(self, name: str | None, given: Mapping[str, Any], knowledge: Knowledge) -> None:
        self._lock = threading.RLock()
        self._knowledge = knowledge
        self.values, self._touched = prefilled(name, given, _now())
        self.asked = Asked("", {})
        self.judge()

    @property
    def named(self) -> bool:
        """Whether the name is the one that the form was made with."""
        return bool(self.values.name) and "name" not in self._touched

    def type(self, values: Values, field: str) -> None:
        """Take what somebody has typed into one field; the others may not show yet what is so."""
        with self._lock:
            self.values = replace(self.values, **{field: getattr(values, field)})
            self._touched.add(field)
            offered = self._knowledge.known("").offered
            if field in _DECIDES and offered is not None:
                self.values = _had(self.values, offered)
                self._touched |= set(_FOLLOWS)
            self.judge()

    def learn(self) -> None:
        """Judge anew, in the light of what is known now."""
        with self._lock:
            found = self._knowledge.found(self.values.name)
            if found is not None:
                self._fill(found.state.spec if found.state else None)
            self.judge()

    def judge(self) -> tuple[Asked, Known]:
        """Return what is asked for now, and what it was judged by."""
        with self._lock:
            known = self._knowledge.known(self.values.name)
            self.asked = ask(self.values, known, _now())
            return self.asked, known

    def _fill(self, spec: ClusterSpec | None) -> None:
        """Fill in what is, wherever nobody has typed or given anything else."""
        there = of_spec(spec.without_expired(_now())) if spec else Values(self.values.name)
        kept = {one: getattr(self.values, one) for one in self._touched | {"name"}}
        self.values = replace(there, **kept)


def _had(values: Values, offered: Offered) -> Values:
    """Return `values` with a database that its engine can have."""
    layouts = dict(offered.layouts(values.engine))
    if not layouts:
        return values
    nodes = values.database_nodes if values.database_nodes in layouts else next(iter(layouts))
    sizes, size = layouts[nodes], values.database_size
    versions = (offered.databases.get(values.engine) or {}).get("versions") or ()
    version = values.database_version
    return replace(
        values,
        database_nodes=nodes,
        database_size=size if size in sizes or not sizes else sizes[0],
        database_version=version if version in versions else None,
    )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)
