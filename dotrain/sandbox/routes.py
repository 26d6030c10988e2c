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
from dotrain.sandbox.answers import not_found

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
    for wanted, pattern, handler in _TABLE:
        found = pattern.fullmatch(path) if wanted == method else None
        if found:
            return handler, found.groupdict()
    raise not_found("The resource you were accessing could not be found.")
