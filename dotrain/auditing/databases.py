"""Checks of managed databases."""

from __future__ import annotations

from collections.abc import Iterator

from dotrain.auditing.estate import Estate, trusted
from dotrain.auditing.finding import Hit, listed
from dotrain.auditing.reach import V4, everybody

_MOST_PEERS = 5
_FIX = "Trust the cluster and the addresses that need it, for example cluster.allow('me')."


def no_trusted_sources(estate: Estate) -> Iterator[Hit]:
    """Find databases without a trusted source, to which everybody may connect.

    ScoutSuite's database-databases-postgres-trusted-sources, which in spite of
    its name looks at every engine.
    """
    for database in estate.databases:
        if estate.trusted_sources.get(database["id"], True):
            continue
        yield Hit("database", database["name"], "It has no trusted source.", _FIX)


def database_open(estate: Estate) -> Iterator[Hit]:
    """Find databases to which everybody may connect.

    They have no trusted source, or those they have are everybody, in one entry or in
    several. See
    https://docs.digitalocean.com/products/databases/postgresql/how-to/secure/
    """
    for database in estate.databases:
        sources = estate.trusted_sources.get(database["id"])
        if sources is None:
            continue
        found = trusted(database, sources)
        if everybody((one.block for one in found if one.block), V4):
            peers = listed((one.rule.peer for one in found), _MOST_PEERS)
            why = f"it trusts {peers}" if sources else "it has no trusted source"
            yield Hit("database", database["name"], f"Everybody may connect: {why}.", _FIX)
