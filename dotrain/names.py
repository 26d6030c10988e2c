"""What dotrain calls things on DigitalOcean, so that they are found without any state.

Clusters, node pools and databases carry the tags ``dotrain`` and
``dotrain:<name>``. A firewall's tags select Droplets and a VPC has none, so
those two carry the label in their names: ``dotrain-<name>``. What limits a cluster
stands on it as ``dotrain-<what>:<value>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dotrain.pools import Pool

LABEL = "dotrain"
POOL_LABEL = "dotrain/pool"
"""The label of a node pool, and of its nodes in Kubernetes, that says its name in the spec."""
_POOL = "pool-"
_LIMIT = re.compile(rf"{LABEL}-[a-z-]+:")


def label(cluster: str) -> str:
    """Return the tag on everything of a cluster: ``"dotrain:bert"``."""
    return f"{LABEL}:{cluster}"


def object_name(cluster: str) -> str:
    """Return the name of a cluster's firewall, VPC and database: ``"dotrain-bert"``."""
    return f"{LABEL}-{cluster}"


def pool_name(pool: Pool) -> str:
    """Return a pool's name on DigitalOcean: ``"train-s-4vcpu-8gb"``.

    The size is in it: another size is another pool, made beside the old one
    before that goes.
    """
    return f"{pool.name}-{pool.size}"


def pool_key(pool: Pool) -> str:
    """Return a pool's name in the program: ``"pool-train-s-4vcpu-8gb"``."""
    return key_of_pool(pool_name(pool))


def key_of_pool(name: str) -> str:
    """Return the name in the program of the pool that is called `name` on DigitalOcean."""
    return f"{_POOL}{name}"


def pool_of_key(key: str) -> str:
    """Return the name on DigitalOcean of the pool that is called `key` in the program."""
    return key.removeprefix(_POOL)


def is_pool_key(key: str) -> bool:
    """Return whether a name in the program is that of a pool of training nodes."""
    return key.startswith(_POOL)


def cluster_of(tags: Iterable[str]) -> str | None:
    """Return the cluster's name that `tags` carry, None when dotrain did not make it."""
    prefix = f"{LABEL}:"
    return next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), None)


def limit(what: str) -> str:
    """Return how a tag begins that says a limit of a cluster: ``"dotrain-max-age:"``."""
    return f"{LABEL}-{what}:"


def is_limit(tag: str) -> bool:
    """Return whether a tag says a limit of a cluster."""
    return _LIMIT.match(tag) is not None


def is_managed_by_doks(firewall: str) -> bool:
    """Return whether a firewall of this name is one that DigitalOcean manages itself."""
    return firewall.startswith("k8s-")
