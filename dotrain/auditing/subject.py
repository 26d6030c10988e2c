"""What to audit, and which findings are accepted for which reason."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from dotrain import egress, names
from dotrain.auditing.checks import CHECKS
from dotrain.auditing.estate import Estate
from dotrain.auditing.finding import Hit
from dotrain.errors import SpecError
from dotrain.sources import is_world, parse_network
from dotrain.spec import ClusterSpec


@dataclass(frozen=True)
class Suppression:
    """A finding that is accepted. It is still shown, with the reason.

    Parameters
    ----------
    id : str
        The id of the check.
    reason : str
        Why it is accepted.
    where : str
        The name of the object, with its kind before it or without; empty for all.

    Raises
    ------
    SpecError
        When there is no such check, or no reason.

    Examples
    --------
    >>> Suppression("DIG-0003", "Nodes pull images from the web.", "dotrain-bert")
    Suppression(id='DIG-0003', reason='Nodes pull images from the web.', where='dotrain-bert')
    """

    id: str
    reason: str
    where: str = ""

    def __post_init__(self) -> None:
        if self.id not in CHECKS:
            near = difflib.get_close_matches(str(self.id), CHECKS, 1, 0)
            raise SpecError(
                f"There is no check {self.id!r} to suppress.",
                fix=f"Did you mean {near[0]!r}? Checks are {', '.join(CHECKS)}.",
            )
        if not isinstance(self.reason, str) or not self.reason.strip():
            raise SpecError(
                f"{self.id} cannot be suppressed without a reason.",
                "The reason is shown in place of the warning.",
                "Say why it is accepted.",
            )

    def covers(self, hit: Hit) -> bool:
        """Return whether it is about the object of `hit`."""
        return self.where in ("", hit.name, f"{hit.kind} {hit.name}")


@dataclass(frozen=True)
class Subject(Estate):
    """What to audit: everything as the API describes it, and what is accepted.

    Parameters
    ----------
    clusters, firewalls, databases, load_balancers, droplets : tuple of mapping
        All of the account, or those to look at.
    trusted_sources : mapping
        Each database's firewall, by the database's id.
    own : mapping
        What dotrain knows about its own clusters, by their names.
    address : tuple of str
        The CIDRs of this machine now; empty when unknown.
    suppressions : tuple of Suppression
        What is accepted.
    """

    suppressions: tuple[Suppression, ...] = ()


def by_design(spec: ClusterSpec) -> tuple[Suppression, ...]:
    """Return suppressions of what the defaults of a cluster trip on purpose, for it alone.

    Parameters
    ----------
    spec : ClusterSpec
        What the cluster should be. ``egress="open"``, or a rule of one's own to
        everywhere, is no default, so it is not accepted here: who asks for it
        says why.
    """
    found = []
    reason = _of_egress(spec)
    if reason:
        found.append(Suppression("DIG-0003", reason, names.object_name(spec.name)))
    if not spec.auto_upgrade:
        reason = "An upgrade restarts nodes and ends the training run on them."
        found += [
            Suppression(key, reason, f"cluster {spec.name}")
            for key in ("DIG-0008", "kubernetes-kubernetes-autoupgrade-minor")
        ]
    if not spec.ha:
        reason = "Training goes on while the control plane is away, and ha=True costs more."
        found.append(
            Suppression("kubernetes-kubernetes-ha-enabled", reason, f"cluster {spec.name}")
        )
    return tuple(found)


def _of_egress(spec: ClusterSpec) -> str:
    """Return why the cluster's ways out to everywhere are accepted; empty when they are not."""
    everywhere = {
        way
        for way in egress.ways(spec.egress)
        if any(is_world(parse_network(network)) for network in way.to)
    }
    if everywhere <= set(egress.PRESETS["locked"]):
        return "Nodes may ask any server for names and the time, and reach nothing else everywhere."
    if everywhere <= set(egress.PRESETS["web"]):
        return (
            "Nodes pull images and data from the whole web, and reach nothing but DNS, NTP, HTTP "
            "and HTTPS there."
        )
    return ""
