"""Which handler answers which request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dotrain.sandbox import (
    account,
    associated,
    balancers,
    cluster_info,
    clusters,
    databases,
    droplets,
    firewalls,
    pool_calls,
    projects,
    tags,
    volumes,
    vpcs,
)
from dotrain.sandbox.answers import ApiError, not_found

if TYPE_CHECKING:
    from collections.abc import Callable

    from dotrain.sandbox.answers import Answer, Call

    Handler = Callable[[Call], Answer]

_MODULES = (
    account,
    associated,
    balancers,
    cluster_info,
    clusters,
    databases,
    droplets,
    firewalls,
    pool_calls,
    projects,
    tags,
    volumes,
    vpcs,
)


def _compiled(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


_TABLE: list[tuple[str, re.Pattern[str], Handler]] = [
    (method, _compiled(path), handler)
    for module in _MODULES
    for method, path, handler in module.ROUTES
]


def find(method: str, path: str) -> tuple[Handler, dict[str, str]]:
    """Return the handler of a request and the names in its path."""
    there = [
        (pattern, known, handler) for known, pattern, handler in _TABLE if pattern.fullmatch(path)
    ]
    if not there:
        raise not_found("The resource you were accessing could not be found.")
    # A path that is written out hides those with names in them, whatever the method.
    pattern = there[0][0]
    handlers = {known: handler for other, known, handler in there if other == pattern}
    if method not in handlers:
        raise ApiError(
            405, "method_not_allowed", f"There is no {method} {path}.", allow=", ".join(handlers)
        )
    found = pattern.fullmatch(path)
    return handlers[method], found.groupdict() if found else {}
