"""Read what stands in the form: the arguments of `dotrain.up`, and a sentence for each mistake.

No rule is made here: each sentence is the one that `dotrain.up` raises.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from dotrain import changes, departure, durations, egress, grants, losses, money
from dotrain.checks import check_name
from dotrain.errors import DotrainError, OpenToWorld
from dotrain.grants import Grant
from dotrain.pools import Pool
from dotrain.sources import ME
from dotrain.spec import ClusterSpec, Database
from dotrain.widgets.form.values import SIMPLE_ME, PoolRow, SourceRow, Values, parts

_T = TypeVar("_T")
_FLAGS = ("reaper", "ha", "auto_upgrade")
TERMS = ("replace", "drain", "drain_timeout", "force")
"""The arguments of `dotrain.up` that say how something changes, and not what should be."""

_ORDER = (
    *("name", "region", "version", "pools", "me", "sources", "open_to_world", "allow"),
    *("engine", "database_nodes", "database_size", "database_version"),
    *("max_age", "idle", "budget", "egress", "drain_timeout", "force", "replace", "form"),
)
_BELOW = 10_000
# An address to check with what else stands in a row, where its own is wrong.
_SOME = "203.0.113.7"


class Reader:
    """Reads the fields, and keeps what is wrong with which.

    Parameters
    ----------
    values : Values
        What stands in the form.
    base : ClusterSpec or None
        What the cluster is now, less what has expired; None for a new one.
    now : datetime.datetime
        The present.

    Attributes
    ----------
    errors : dict of str to str
        A sentence for each field that is wrong.
    pools : dict of str to Pool
        The pools that can be, by where they stand.
    database : Database or None
        The database, where it can be.
    """

    def __init__(self, values: Values, base: ClusterSpec | None, now: dt.datetime) -> None:
        self._values = values
        self._base = base
        self._now = now
        self.errors: dict[str, str] = {}
        self.pools: dict[str, Pool] = {}
        self.database: Database | None = None

    @property
    def ordered(self) -> dict[str, str]:
        """The same in the order of reading the form."""
        return dict(sorted(self.errors.items(), key=lambda one: _place(one[0])))

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of `dotrain.up`, its name not among them; what stays is left out."""
        values, given = self._values, {}
        was = self._base or ClusterSpec("new")
        self.tried("name", lambda: check_name(values.name, "cluster"))
        if values.region != was.region:
            given["region"] = values.region
        if values.version != was.version and values.version is not None:
            given["version"] = values.version
        given |= self._pools(was)
        given |= self._access(was)
        given |= self._database(was)
        given |= self._limits(was)
        given |= {
            flag: getattr(values, flag)
            for flag in _FLAGS
            if getattr(values, flag) != getattr(was, flag)
        }
        return given | self._terms()

    def tried(self, field: str, make: Callable[[], _T]) -> _T | None:
        """Return what `make` does; what it raises stands beside `field` from now on."""
        try:
            return make()
        except DotrainError as error:
            self.errors.setdefault(field, str(error))
            return None

    def _pools(self, was: ClusterSpec) -> dict[str, Any]:
        pools = [self._pool(row, f"pools.{place}") for place, row in enumerate(self._values.pools)]
        whole = tuple(pool for pool in pools if pool is not None)
        if len(whole) < len(pools):
            return {}
        self.tried("pools", lambda: ClusterSpec("new", pools=whole))
        if whole == was.pools:
            return {}
        # pool= alone is for the one pool that there is: others would have to be named.
        alone = len(whole) == 1 and {pool.name for pool in was.pools} == {whole[0].name}
        if len(whole) == 1 and (alone or self._base is None):
            return {"pool": whole[0]}
        return {"pools": list(whole)}

    def _pool(self, row: PoolRow, field: str) -> Pool | None:
        named = self.tried(f"{field}.name", lambda: Pool(row.name))
        name = row.name if named else Pool().name
        scaling: dict[str, Any] = {"count": row.count}
        if row.autoscaled:
            scaling |= {"min": row.min, "max": row.max}
        labels: dict[str, Any] = {}
        for part in parts(row.labels):
            key, given, value = part.partition("=")
            labels[key.strip()] = value.strip() if given else None
        taints = parts(row.taints)
        made = [
            named,
            self.tried(f"{field}.size", lambda: Pool(name, size=row.size)),
            self.tried(f"{field}.count", lambda: Pool(name, **scaling)),
            self.tried(f"{field}.labels", lambda: Pool(name, labels=labels)),
            self.tried(f"{field}.taints", lambda: Pool(name, taints=taints)),
        ]
        if None in made:
            return None
        pool = Pool(name, size=row.size, labels=labels, taints=taints, **scaling)
        self.pools[field] = pool
        return pool

    def _access(self, was: ClusterSpec) -> dict[str, Any]:
        values = self._values
        rows = [self._grant(row, f"sources.{place}") for place, row in enumerate(values.sources)]
        granted = [*([SIMPLE_ME] if values.me else []), *(one for one in rows if one is not None)]
        given: dict[str, Any] = {}
        if None not in rows:
            self._stand_together(granted)
            if set(granted) != set(was.allow):
                allow = [_shortly(one) for one in dict.fromkeys(granted)]
                given["allow"] = allow[0] if len(allow) == 1 else allow
        # A new list is for nobody in the world, unless that is said with it.
        if values.open_to_world != ("allow" not in given and was.open_to_world):
            given["open_to_world"] = values.open_to_world
        ways = parts(values.egress)
        self.tried("egress", lambda: egress.check(ways))
        if ways != was.egress:
            given["egress"] = ways[0] if len(ways) == 1 else list(ways)
        return given

    def _grant(self, row: SourceRow, field: str) -> Grant | None:
        services = parts(row.to)
        make = grants.make
        source, now = row.source.strip(), self._now
        end = self.tried(f"{field}.expires", lambda: durations.ends(row.expires.strip(), now))
        named = self.tried(f"{field}.source", lambda: make(source, "ssh", now=now))
        reaching = self.tried(f"{field}.to", lambda: make(_SOME, services, now=now))
        called = self.tried(f"{field}.label", lambda: make(ME, label=row.label.strip(), now=now))
        if end is None or named is None or reaching is None or called is None:
            return None
        return self.tried(
            f"{field}.to", lambda: Grant(named.source, reaching.to, called.label, end)
        )

    def _stand_together(self, granted: Sequence[Grant]) -> None:
        try:
            grants.check(granted, open_to_world=self._values.open_to_world)
        except OpenToWorld as error:
            self.errors["open_to_world"] = str(error)
        except DotrainError as error:
            self.errors["allow"] = str(error)

    def _database(self, was: ClusterSpec) -> dict[str, Any]:
        values = self._values
        if not values.engine:
            return {}
        nodes, size = values.database_nodes, values.database_size.strip()
        self.tried("database_nodes", lambda: Database(nodes=nodes))
        self.tried("database_size", lambda: Database(size=size))
        made = self.tried(
            "engine", lambda: Database(values.engine, version=values.database_version)
        )
        if made is None or {"database_nodes", "database_size"} & self.errors.keys():
            return {}
        database = Database(values.engine, size, nodes, values.database_version)
        self.database = database
        return {} if database == was.database else {"database": database}

    def _limits(self, was: ClusterSpec) -> dict[str, Any]:
        given: dict[str, Any] = {}
        readers: dict[str, Callable[[object], Any]] = {
            "max_age": durations.text,
            "idle": durations.text,
            "budget": money.budget,
        }
        for limit, read in readers.items():
            typed = getattr(self._values, limit).strip()
            if typed.lower() in ("", changes.NONE):
                if getattr(was, limit) is not None:
                    given[limit] = changes.NONE
                continue
            meant = self.tried(limit, partial(read, typed))
            if meant is not None and meant != getattr(was, limit):
                given[limit] = typed
        return given

    def _terms(self) -> dict[str, Any]:
        values, usual = self._values, Values()
        named = values.replace.strip() or None
        self.tried("replace", lambda: losses.require_named(values.name, named))
        timeout = values.drain_timeout.strip()
        self.tried("drain_timeout", lambda: departure.terms(values.drain, timeout))
        given = {"drain": values.drain, "drain_timeout": timeout, "force": values.force}
        kept = {key: one for key, one in given.items() if one != getattr(usual, key)}
        return {**({"replace": named} if named else {}), **kept}


def _place(field: str) -> tuple[int, int]:
    """Return a key that sorts fields as they stand in the form."""
    first, _, rest = field.partition(".")
    number, _, _ = rest.partition(".")
    # What is wrong with all rows stands below them.
    return _ORDER.index(first), int(number) if number else _BELOW


def _shortly(one: Grant) -> str | Grant:
    """Return a grant as it is written where nothing about it is special."""
    return one.source if one == Grant(one.source) else one
