"""The program whose traffic was recorded, told from the bodies, names and order in it."""

import warnings
from dataclasses import dataclass

import pulumi

with warnings.catch_warnings():  # The SDK deprecates parts of itself as it is imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    import pulumi_digitalocean as do


EVERYWHERE = ["0.0.0.0/0", "::/0"]


def one_tag():
    do.Tag("tag", name="dotrain-x")


def one_cluster():
    pool = do.KubernetesClusterNodePoolArgs(name="default", size="s-1vcpu-2gb", node_count=1)
    do.KubernetesCluster("c", name="x", region="nyc3", version="1.34.1-do.0", node_pool=pool)


@dataclass(frozen=True)
class Scenario:
    address: str = "203.0.113.7"
    size: str = "s-2vcpu-2gb"
    count: int = 3
    turned: bool = False
    """Lists in which order means nothing are written the other way round."""
    imports: tuple = ()
    """Names and ids of what is there already."""

    def _options(self, name, *after):
        return pulumi.ResourceOptions(import_=dict(self.imports).get(name), depends_on=[*after])

    def _turned(self, items):
        return items[::-1] if self.turned else items

    def __call__(self):
        tag = do.Tag("tag", name="dotrain-x", opts=self._options("tag"))
        vpc = do.Vpc("vpc", name="x-vpc", region="nyc3", opts=self._options("vpc"))
        database = do.DatabaseCluster(
            "db",
            name="x-db",
            engine="pg",
            version="16",
            size="db-s-1vcpu-1gb",
            region="nyc3",
            node_count=1,
            opts=self._options("db"),
        )
        firewall = do.Firewall(
            "fw",
            name="x-fw",
            tags=[tag.name],
            inbound_rules=self._turned(
                [
                    do.FirewallInboundRuleArgs(
                        protocol="tcp", port_range=port, source_addresses=[f"{self.address}/32"]
                    )
                    for port in ("22", "6443")
                ]
            ),
            outbound_rules=self._turned(
                [
                    do.FirewallOutboundRuleArgs(
                        protocol="udp",
                        port_range="all",
                        destination_addresses=self._turned(EVERYWHERE),
                    ),
                    do.FirewallOutboundRuleArgs(
                        protocol="icmp", destination_addresses=self._turned(EVERYWHERE)
                    ),
                    do.FirewallOutboundRuleArgs(
                        protocol="tcp",
                        port_range="all",
                        destination_addresses=self._turned(EVERYWHERE),
                    ),
                ]
            ),
            opts=self._options("fw"),
        )
        cluster = do.KubernetesCluster(
            "cluster",
            name="x",
            region="nyc3",
            version="1.34.1-do.0",
            vpc_uuid=vpc.id,
            destroy_all_associated_resources=True,
            node_pool=do.KubernetesClusterNodePoolArgs(
                name="default", size="s-1vcpu-2gb", node_count=1, tags=["k8s-node"]
            ),
            control_plane_firewall=do.KubernetesClusterControlPlaneFirewallArgs(
                enabled=True, allowed_addresses=[f"{self.address}/32"]
            ),
            opts=self._options("cluster", firewall),
        )
        do.KubernetesNodePool(
            "train",
            name=f"train-{self.size}",
            cluster_id=cluster.id,
            size=self.size,
            node_count=self.count,
            tags=["k8s-node"],
            labels={"dotrain/pool": "train"},
            opts=self._options("train"),
        )
        do.DatabaseFirewall(
            "db-fw",
            cluster_id=database.id,
            rules=self._turned(
                [
                    do.DatabaseFirewallRuleArgs(type="ip_addr", value=self.address),
                    do.DatabaseFirewallRuleArgs(type="k8s", value=cluster.id),
                ]
            ),
            opts=self._options("db-fw"),
        )
        pulumi.export("kubeconfig", cluster.kube_configs[0].raw_config)
