"""What there is to audit, and what of it belongs together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dotrain import names, rules
from dotrain.auditing.reach import Opening, openings
from dotrain.rules import Rule

Doc = Mapping[str, Any]


@dataclass(frozen=True)
class Own:
    """What dotrain knows about one cluster of its own.

    Parameters
    ----------
    wanted : tuple of Rule
        The rules its spec asks for now, resolved.
    expired : tuple of Rule
        The rules of its spec whose time is over.
    me : tuple of str
        The CIDRs that ``"me"`` stood for when it was last applied.
    """

    wanted: tuple[Rule, ...]
    expired: tuple[Rule, ...] = ()
    me: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Guard:
    """A firewall, whoever made it; equal to itself alone, and so fit for sets.

    Parameters
    ----------
    doc : mapping
        The firewall as the API describes it.
    openings : tuple of Opening
        What it lets pass.
    managed : bool
        Whether DigitalOcean manages it.
    """

    doc: Doc
    openings: tuple[Opening, ...]
    managed: bool

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.doc["name"])

    def going(self, direction: str) -> list[Opening]:
        """Return what it lets pass in one direction."""
        return [one for one in self.openings if one.rule.direction == direction]


@dataclass(frozen=True)
class Estate:
    """Everything as the API describes it, whether dotrain made it or not.

    Parameters
    ----------
    clusters, firewalls, databases, load_balancers, droplets : tuple of mapping
        All of the account, or those to look at.
    trusted_sources : mapping
        Each database's firewall, by the database's id. A database that is not
        in it is not judged: nobody asked for its sources.
    own : mapping
        What dotrain knows about its own clusters, by their names.
    address : tuple of str
        The CIDRs of this machine now; empty when unknown.
    """

    clusters: tuple[Doc, ...] = ()
    firewalls: tuple[Doc, ...] = ()
    databases: tuple[Doc, ...] = ()
    load_balancers: tuple[Doc, ...] = ()
    droplets: tuple[Doc, ...] = ()
    trusted_sources: Mapping[str, tuple[Doc, ...]] = field(default_factory=dict)
    own: Mapping[str, Own] = field(default_factory=dict)
    address: tuple[str, ...] = ()

    @cached_property
    def guards(self) -> tuple[Guard, ...]:
        """Every firewall."""
        return tuple(_guard(one) for one in self.firewalls)

    @cached_property
    def changeable(self) -> tuple[Guard, ...]:
        """The firewalls that their owner can change.

        Those of DOKS are not among them. DigitalOcean makes them with every
        cluster and reverts what anybody changes, so a finding about one is
        nobody's to mend. What they open to the world is worth knowing; the
        check that tells it says so at INFO.
        """
        return tuple(one for one in self.guards if not one.managed)

    @cached_property
    def _by_selector(self) -> dict[str | int, list[int]]:
        found: dict[str | int, list[int]] = {}
        for number, guard in enumerate(self.guards):
            for selector in (*(guard.doc.get("tags") or ()), *(guard.doc.get("droplet_ids") or ())):
                found.setdefault(selector, []).append(number)
        return found

    def guards_of(self, droplet: Doc) -> list[Guard]:
        """Return the firewalls that select a Droplet, by its id or by one of its tags."""
        selectors = (droplet["id"], *(droplet.get("tags") or ()))
        numbers = {number for one in selectors for number in self._by_selector.get(one, ())}
        return [self.guards[number] for number in sorted(numbers)]

    @cached_property
    def guarded(self) -> tuple[tuple[Doc, list[Guard]], ...]:
        """Every Droplet with the firewalls that select it."""
        return tuple((droplet, self.guards_of(droplet)) for droplet in self.droplets)

    def in_force(self, cluster: str) -> list[tuple[str, str, tuple[Opening, ...]]]:
        """Return what a cluster of dotrain's own lets pass, by kind and name of what guards it.

        A firewall on the cluster's tag counts whoever made it: it lets in, too.
        """
        tag = names.label(cluster)
        found = [
            ("firewall", guard.name, guard.openings)
            for guard in self.changeable
            if guard.name == names.object_name(cluster) or tag in (guard.doc.get("tags") or ())
        ]
        found += [
            ("cluster", one["name"], openings(rules.of_control_plane(one)))
            for one in self.clusters
            if tag in (one.get("tags") or ())
        ]
        found += [
            ("database", one["name"], trusted(one, self.trusted_sources[one["id"]]))
            for one in self.databases
            if tag in (one.get("tags") or ()) and one["id"] in self.trusted_sources
        ]
        return found


def trusted(database: Doc, sources: tuple[Doc, ...]) -> tuple[Opening, ...]:
    """Return what a database's trusted sources let pass."""
    return openings(rules.of_database(sources, rules.port_of(database)))


def _guard(firewall: Doc) -> Guard:
    # A rule that denies opens nothing. What it takes away from others is not
    # counted: better a finding too many.
    opening = {
        key: [one for one in firewall.get(key) or () if one.get("action") != "deny"]
        for key in ("inbound_rules", "outbound_rules")
    }
    managed = _managed(firewall)
    found = rules.of_firewall({**firewall, **opening}, "doks-managed" if managed else "nodes")
    return Guard(firewall, openings(found), managed)


def _managed(firewall: Doc) -> bool:
    # Anybody may begin a name with "k8s-", and would be out of sight with it.
    # Those of DOKS carry the tag of the cluster whose id they have in their name.
    name = firewall["name"]
    clusters = {
        tag.removeprefix("k8s:") for tag in firewall.get("tags") or () if tag.startswith("k8s:")
    }
    # Every node carries "k8s:worker", and that is no cluster.
    return names.is_managed_by_doks(name) and any(one in name for one in clusters - {"worker"})
