"""What DigitalOcean offers: what a form has to know before it can judge what is typed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dotrain import catalog
from dotrain import offers as sizes_of_nodes
from dotrain.api import Api
from dotrain.offers import Offer
from dotrain.target import Target

# What is known before anything is read.
_NOTHING: dict[str, Any] = {"regions": [], "versions": [], "sizes": []}


@dataclass(frozen=True)
class Offered:
    """The lists that say what a cluster can be made of.

    Parameters
    ----------
    sizes : tuple of mapping
        ``sizes`` of ``GET /v2/sizes``.
    options : mapping
        ``options`` of ``GET /v2/kubernetes/options``.
    databases : mapping
        ``options`` of ``GET /v2/databases/options``.
    """

    sizes: tuple[Mapping[str, Any], ...] = ()
    options: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    databases: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def offers(self) -> list[Offer]:
        """The sizes that nodes can have, as `dotrain.sizes` orders them."""
        return sizes_of_nodes.offers(self.sizes, self.options)

    @cached_property
    def by_slug(self) -> dict[str, Offer]:
        """The same by their names."""
        return {one.slug: one for one in self.offers}

    @cached_property
    def versions(self) -> list[str]:
        """The Kubernetes versions of new clusters, the newest first."""
        slugs = catalog.slugs(self.options["versions"])
        return sorted(slugs, key=catalog.version_key, reverse=True)

    def layouts(self, engine: str) -> list[tuple[int, list[str]]]:
        """Return how many nodes a database can have, each with their sizes."""
        found = (self.databases.get(engine) or {}).get("layouts") or ()
        return [(int(one["num_nodes"]), list(one["sizes"])) for one in found]


def read(target: Target) -> Offered:
    """Return what `target` offers: three lists, whatever is typed later.

    Raises
    ------
    ApiError
        When DigitalOcean does not answer, or refuses.
    """
    with closing(Api(target)) as api:
        return Offered(
            tuple(api.pages("/v2/sizes", "sizes")),
            api.get("/v2/kubernetes/options")["options"],
            api.get("/v2/databases/options")["options"],
        )
