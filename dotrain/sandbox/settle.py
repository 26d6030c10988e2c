"""What time has done since the last request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dotrain.sandbox import droplets
from dotrain.sandbox.lifecycle import gone

if TYPE_CHECKING:
    from dotrain.sandbox.store import Store


def settle(store: Store, now: float, delay: float) -> None:
    """Remove the clusters and pools whose deletion has come to its end, with their Droplets."""
    changed = False
    for cluster in store.all("cluster"):
        pools = [pool for pool in cluster["pools"] if not gone(pool["deleted"], now, delay)]
        if gone(cluster["deleted"], now, delay):
            store.delete("cluster", cluster["id"])
        elif len(pools) < len(cluster["pools"]):
            store.put("cluster", {**cluster, "pools": pools})
        else:
            continue
        changed = True
    if changed:
        _forget_droplets(store)


def _forget_droplets(store: Store) -> None:
    alive = droplets.identifiers(store)
    for firewall in store.all("firewall"):
        rest = [key for key in firewall["droplet_ids"] if key in alive]
        if rest != firewall["droplet_ids"]:
            store.put("firewall", {**firewall, "droplet_ids": rest})
