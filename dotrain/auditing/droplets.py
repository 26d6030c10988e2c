"""Checks of what selects a Droplet, and what a firewall selects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from dotrain.auditing.estate import Estate, Guard
from dotrain.auditing.finding import Hit, listed
from dotrain.auditing.reach import V4, V6, Block, everybody

_SSH = 22
_MOST_NAMES = 5


def port_22_exposed(estate: Estate) -> Iterator[Hit]:
    """Find Droplets whose port 22 is open to everybody.

    ScoutSuite's droplet-droplets-port-22-exposed asks for a public rule for
    "22", for one for all ports, or for no firewall at all (a test of a text
    that is always true makes it report every Droplet; here it does not). A
    range with 22 in it and sources that add up to everybody count, too.
    """
    known: dict[tuple[Guard, ...], str] = {}
    for droplet, guards in estate.guarded:
        # Nodes of one pool are behind the same firewalls: they are judged once.
        key = tuple(guards)
        if key not in known:
            known[key] = _exposure(guards)
        if known[key]:
            yield Hit(
                "droplet",
                droplet["name"],
                f"Everybody may reach its port 22: {known[key]}.",
                "Put a firewall on it that admits port 22 from the addresses that need it.",
            )


def _exposure(guards: Sequence[Guard]) -> str:
    if not guards:
        return "no firewall selects it"
    opening = {
        guard.name: [
            one.block for one in guard.going("inbound") if one.block and one.admits("tcp", _SSH)
        ]
        for guard in guards
    }
    # Each alone, before what they are together: that names who is to blame.
    alone = [name for name, blocks in opening.items() if _public(blocks)]
    together = [block for blocks in opening.values() for block in blocks]
    if alone or _public(together):
        some = sorted(alone or (name for name, blocks in opening.items() if blocks))
        return f"by firewall {listed(some, _MOST_NAMES)}"
    return ""


def _public(blocks: Sequence[Block]) -> bool:
    return any(everybody(blocks, bits) for bits in (V4, V6))


def selects_nothing(estate: Estate) -> Iterator[Hit]:
    """Find firewalls that select no Droplet, and so guard nothing.

    None of their ids is a Droplet's and none of their tags is on one: often a tag
    misspelt, or a cluster long gone. See
    https://docs.digitalocean.com/products/networking/firewalls/how-to/configure-rules/
    """
    selecting = {guard for _, guards in estate.guarded for guard in guards}
    for guard in estate.changeable:
        if guard in selecting:
            continue
        tags = listed(guard.doc.get("tags") or (), _MOST_NAMES)
        by = f"no Droplet carries {tags}" if tags else "it has no tag that a Droplet carries"
        yield Hit(
            "firewall",
            guard.name,
            f"It guards nothing: {by}, and it names none.",
            "Put its tag on the node pools, or delete it.",
        )


def unguarded_nodes(estate: Estate) -> Iterator[Hit]:
    """Find nodes that no firewall selects but DOKS' own.

    Those admit the private networks and the ports of NodePort services, and
    cannot be changed; no rule of one's own is in force for such a node. See
    https://docs.digitalocean.com/products/kubernetes/details/managed/
    """
    clusters = {one["id"]: one["name"] for one in estate.clusters}
    bare: dict[tuple[str, str], list[str]] = defaultdict(list)
    for droplet, guards in estate.guarded:
        tags = [tag for tag in droplet.get("tags") or () if tag == "k8s" or tag.startswith("k8s:")]
        if not tags or any(not guard.managed for guard in guards):
            continue
        cluster = next((clusters[tag[4:]] for tag in tags if tag[4:] in clusters), None)
        where = ("cluster", cluster) if cluster else ("droplet", droplet["name"])
        bare[where].append(droplet["name"])
    for (kind, name), nodes in bare.items():
        yield Hit(
            kind,
            name,
            f"No firewall of its owner selects {listed(nodes, _MOST_NAMES)}.",
            "Put the tag of a firewall on their node pools, or run cluster.up() where dotrain "
            "made them.",
        )
