"""Prices that DigitalOcean publishes, and does not tell through its API.

``/v2/sizes`` prices Droplets, and so the nodes of a cluster. What else a
cluster costs no answer of the API says: it stands on the pages named here, and
was read from them as of `AS_OF`. What is not here is not known: a database's
price depends on its engine and storage, a network or global load balancer's on
how much goes through it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

AS_OF = "July 2026"

HOURS_A_MONTH = 672
"""What a month is billed at most: 28 days.

Source: https://docs.digitalocean.com/products/kubernetes/details/pricing/
"""


@dataclass(frozen=True)
class Published:
    """A price on one of DigitalOcean's pages.

    Parameters
    ----------
    monthly : float
        US dollars a month.
    url : str
        The page.
    """

    monthly: float
    url: str


CONTROL_PLANE = Published(
    40.0, "https://docs.digitalocean.com/products/kubernetes/details/pricing/"
)
"""Of a highly available control plane; any other is free."""

BALANCER_NODE = Published(12.0, "https://www.digitalocean.com/pricing/load-balancers")
"""Of each node of a regional HTTP load balancer."""

VOLUME_GIB = Published(0.10, "https://docs.digitalocean.com/products/volumes/details/pricing/")
"""Of each GiB of a volume, attached or not."""

_NODES = {"lb-small": 1, "lb-medium": 3, "lb-large": 6}


def balancer(one: Mapping[str, Any]) -> float | None:
    """Return the US dollars a month of a load balancer as the API describes it.

    Only that of an external regional HTTP one is known.
    """
    if one.get("type") not in (None, "", "REGIONAL") or one.get("network") == "INTERNAL":
        return None
    nodes = one.get("size_unit") or _NODES.get(one.get("size") or "lb-small")
    return None if nodes is None else BALANCER_NODE.monthly * nodes


def volume(one: Mapping[str, Any]) -> float:
    """Return the US dollars a month of a volume as the API describes it."""
    return VOLUME_GIB.monthly * float(one["size_gigabytes"])
