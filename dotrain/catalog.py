"""What DigitalOcean offers, as choices, and the nearest ones to a wrong value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dotrain.errors import SpecError, UnknownChoice, UnknownRegion, UnknownSize, UnknownVersion
from dotrain.pools import Pool
from dotrain.spec import ClusterSpec


def check(spec: ClusterSpec, options: Mapping[str, Any]) -> None:
    """Raise unless DigitalOcean offers every region and size of `spec`.

    Parameters
    ----------
    spec : ClusterSpec
        What should be.
    options : mapping
        ``options`` of ``GET /v2/kubernetes/options``.

    Raises
    ------
    UnknownRegion, UnknownSize
        With the nearest valid values.
    """
    check_region(spec.region, options)
    for pool in (spec.system, *spec.pools):
        check_size(pool, options)


def check_region(region: str, options: Mapping[str, Any]) -> None:
    """Raise UnknownRegion unless there are clusters in `region`."""
    one_of(region, slugs(options["regions"]), UnknownRegion, "region", "for Kubernetes")


def check_size(pool: Pool, options: Mapping[str, Any]) -> None:
    """Raise UnknownSize unless the nodes of a cluster can have the size of `pool`."""
    sizes = slugs(options["sizes"])
    one_of(pool.size, sizes, UnknownSize, "node size", f"(pool {pool.name!r})")


def kubernetes_version(wanted: str | None, options: Mapping[str, Any]) -> str:
    """Return the version slug that `wanted` means: itself, its newest patch, or the newest of all.

    Examples
    --------
    >>> options = {"versions": [{"slug": "1.33.6-do.0"}, {"slug": "1.34.1-do.0"}]}
    >>> kubernetes_version(None, options), kubernetes_version("1.33", options)
    ('1.34.1-do.0', '1.33.6-do.0')
    """
    offered = sorted(slugs(options["versions"]), key=version_key, reverse=True)
    if not offered:
        raise SpecError(
            "DigitalOcean offers no Kubernetes version at the moment.",
            "Its list of versions is empty.",
            "Try again later.",
        )
    if wanted is None:
        return offered[0]
    # "1.3" is no prefix of "1.34": a version ends where its number does.
    matching = [slug for slug in offered if re.match(re.escape(wanted) + r"(?![0-9])", slug)]
    if matching:
        return matching[0]
    one_of(wanted, offered, UnknownVersion, "Kubernetes version", "for new clusters")
    return wanted


def database_version(engine: str, wanted: str | None, options: Mapping[str, Any]) -> str:
    """Return the version of a database engine that `wanted` means; None is the newest.

    Parameters
    ----------
    engine : str
        Such as ``"pg"``.
    wanted : str or None
        Such as ``"16"``.
    options : mapping
        ``options`` of ``GET /v2/databases/options``.
    """
    offered: list[str] = sorted((options.get(engine) or {}).get("versions") or (), key=version_key)
    if wanted is None and offered:
        return offered[-1]
    one_of(wanted or "newest", offered, UnknownVersion, f"{engine} version", "for new databases")
    return str(wanted)


def version_key(slug: str) -> tuple[int, ...]:
    """Return a key that sorts version slugs by their numbers: 1.9 before 1.10."""
    return tuple(int(number) for number in re.findall(r"\d+", slug))


def slugs(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the slugs of what DigitalOcean lists."""
    return [entry["slug"] for entry in entries]


def one_of(
    value: str, offered: Sequence[str], error: type[UnknownChoice], what: str, where: str
) -> None:
    """Raise `error` with the nearest of what is offered, unless `value` is offered."""
    if value in offered:
        return
    nearest = difflib.get_close_matches(value, offered, n=3, cutoff=0.3) or list(offered[:3])
    raise error(
        f"There is no {what} {value!r} {where}.",
        "DigitalOcean's list does not have it.",
        f"The nearest are {', '.join(nearest)}." if nearest else "The list is empty.",
        nearest=nearest,
    )
