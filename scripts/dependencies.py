"""What dotrain depends on at run time, with all that those packages depend on."""

from __future__ import annotations

from importlib import metadata

from packaging.requirements import Requirement

_EXTRAS = ("notebook", "sandbox", "dask", "ray", "trainer", "spaces")


def installed() -> dict[str, str]:
    """Return the versions of these packages, as far as they are installed here."""
    found: dict[str, str] = {}
    done: set[tuple[str, frozenset[str]]] = set()
    queue = [("dotrain", frozenset(_EXTRAS))]
    while queue:
        name, extras = one = queue.pop()
        if one in done:
            continue
        done.add(one)
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found[package.name] = package.version
        for needed in map(Requirement, package.requires or ()):
            marker = needed.marker
            if marker is None or any(marker.evaluate({"extra": one}) for one in ("", *extras)):
                queue.append((needed.name, frozenset(needed.extras)))
    del found["dotrain"]
    return found
