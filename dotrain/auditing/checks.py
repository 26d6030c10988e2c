"""The table of all checks.

Ids of others are kept as they publish them, so that a finding can be looked up
and compared; what each looks at is in its function's docstring. Their severities
are kept, too: Trivy names them, ScoutSuite's "danger" is HIGH and its "warning"
MEDIUM, and Checkov has none, so that CKV_DIO_4 is HIGH by choice. Ids that begin
with DOT are dotrain's own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dotrain.auditing import clusters, databases, droplets, firewalls, overlaps, own
from dotrain.auditing.estate import Estate
from dotrain.auditing.finding import CRITICAL, HIGH, LOW, MEDIUM, Hit

_TRIVY = (
    "https://github.com/aquasecurity/trivy-checks/blob/main/checks/cloud/digitalocean/compute/{}"
    ".rego"
)
_CHECKOV = (
    "https://github.com/bridgecrewio/checkov/blob/main/checkov/terraform/checks/resource/"
    "digitalocean/{}.py"
)
_SCOUT = (
    "https://github.com/nccgroup/ScoutSuite/blob/master/ScoutSuite/providers/do/rules/findings/{}"
    ".json"
)
_DOCS = "https://docs.digitalocean.com/products/"
_RULES = f"{_DOCS}networking/firewalls/how-to/configure-rules/"
_DOKS = f"{_DOCS}kubernetes/details/managed/"
_SECURE = f"{_DOCS}databases/postgresql/how-to/secure/"
_BALANCERS = f"{_DOCS}kubernetes/how-to/configure-load-balancers/"


@dataclass(frozen=True)
class Check:
    """One check.

    Parameters
    ----------
    id : str
        Its id, which stays.
    severity : str
        How bad what it finds is.
    title : str
        What should be, as a sentence.
    url : str
        Where it comes from, or where what it is about is documented.
    find : callable
        Yields a hit for each object that fails it.
    """

    id: str
    severity: str
    title: str
    url: str
    find: Callable[[Estate], Iterator[Hit]]

    @property
    def description(self) -> str:
        """What it looks at, in words: a line for each paragraph."""
        paragraphs = (inspect.getdoc(self.find) or "").split("\n\n")
        return "\n".join(" ".join(one.split()) for one in paragraphs)


def _scout(key: str, severity: str, title: str, find: Callable[[Estate], Iterator[Hit]]) -> Check:
    return Check(key, severity, title, _SCOUT.format(key), find)


_TABLE = (
    Check(
        "DIG-0001",
        CRITICAL,
        "A firewall does not let every address in",
        _TRIVY.format("no_public_ingress"),
        firewalls.unrestricted_ingress,
    ),
    Check(
        "DIG-0003",
        CRITICAL,
        "A firewall does not let traffic out to every address",
        _TRIVY.format("no_public_egress"),
        firewalls.unrestricted_egress,
    ),
    Check(
        "DIG-0005",
        MEDIUM,
        "A cluster upgrades by surge",
        _TRIVY.format("kubernetes_surge_upgrades"),
        clusters.surge_upgrade_off,
    ),
    Check(
        "DIG-0008",
        CRITICAL,
        "A cluster gets patches by itself",
        # The file has the name of another check; its rule is this one.
        _TRIVY.format("auto_upgrade_no_maintenance_policy"),
        clusters.auto_upgrade_off,
    ),
    Check(
        "CKV_DIO_4",
        HIGH,
        "A firewall's ingress is not wide open",
        _CHECKOV.format("FirewallIngressOpen"),
        firewalls.wide_open_ingress,
    ),
    _scout(
        "networking-firewalls-quad-zero",
        HIGH,
        "A firewall does not open all ports to everybody",
        firewalls.all_ports_public,
    ),
    _scout(
        "networking-firewalls-public-ports",
        MEDIUM,
        "A firewall opens no port to everybody",
        firewalls.public_ports,
    ),
    _scout(
        "droplet-droplets-port-22-exposed",
        MEDIUM,
        "A Droplet's port 22 is not open to everybody",
        droplets.port_22_exposed,
    ),
    _scout(
        "database-databases-postgres-trusted-sources",
        HIGH,
        "A database has trusted sources",
        databases.no_trusted_sources,
    ),
    _scout(
        "kubernetes-kubernetes-surge-upgrade",
        HIGH,
        "A cluster upgrades by surge",
        clusters.surge_upgrade_off,
    ),
    _scout(
        "kubernetes-kubernetes-ha-enabled",
        MEDIUM,
        "A cluster's control plane is highly available",
        clusters.ha_off,
    ),
    _scout(
        "kubernetes-kubernetes-autoupgrade-minor",
        MEDIUM,
        "A cluster gets patches by itself",
        clusters.auto_upgrade_off,
    ),
    Check(
        "DOT-001",
        CRITICAL,
        "A control plane does not admit everybody",
        _DOKS,
        clusters.control_plane_open,
    ),
    Check(
        "DOT-002",
        CRITICAL,
        "A database does not admit everybody",
        _SECURE,
        databases.database_open,
    ),
    Check(
        "DOT-003",
        CRITICAL,
        "A firewall's sources together are not everybody",
        _RULES,
        overlaps.open_by_parts,
    ),
    Check("DOT-004", HIGH, "No expired rule is in force", _RULES, own.expired_in_force),
    Check("DOT-005", MEDIUM, "Every rule in force was asked for", _RULES, own.unused_rules),
    Check("DOT-006", LOW, "No rule is covered by another", _RULES, overlaps.shadowed),
    Check("DOT-007", MEDIUM, "'me' is this machine", _RULES, own.own_address_stale),
    Check("DOT-008", MEDIUM, "Nodes that may go out may ask for names", _RULES, overlaps.no_dns),
    Check("DOT-009", LOW, "A firewall selects a Droplet", _RULES, droplets.selects_nothing),
    Check(
        "DOT-010",
        MEDIUM,
        "Nodes are behind a firewall of their owner's",
        _DOKS,
        droplets.unguarded_nodes,
    ),
    Check(
        "DOT-011",
        MEDIUM,
        "A cluster's load balancers are not public",
        _BALANCERS,
        clusters.public_load_balancer,
    ),
)
CHECKS = {check.id: check for check in _TABLE}
