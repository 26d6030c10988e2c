"""The Pulumi program: a spec as DigitalOcean resources.

The order is part of the design. The tag is made first, then the firewall on
that tag, then the cluster whose nodes carry it and whose control plane is
closed in the very request that makes it: at no moment is there a cluster
without a firewall, wherever an operation is killed.

Facts behind the choices (all from the provider's source): nodes of another
size in the cluster's *first* pool replace the whole cluster, so that pool is
small and fixed, and training nodes have pools of their own; a version that
DigitalOcean upgraded meanwhile would replace it too, so it is ignored after
creation, and so is the number of nodes of a pool where the autoscaler chooses
it; without an explicit name Pulumi appends random characters to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pulumi
import pulumi_digitalocean as do

from dotrain import bodies, limits, rules, timers
from dotrain.account import Leaving
from dotrain.engine import state
from dotrain.losses import Lift
from dotrain.names import LABEL, POOL_LABEL, label, object_name, pool_key, pool_name
from dotrain.pools import Pool, parse_taint
from dotrain.spec import ClusterSpec, Database, Resolved

# Deleting a cluster waits for its machines to go, creating one for them to come.
_SLOW = pulumi.CustomTimeouts(create="45m", update="45m", delete="30m")


class _Cluster(pulumi.ComponentResource):
    """The parent of everything, which remembers the spec."""

    def __init__(self, spec: ClusterSpec, resolved: Resolved) -> None:
        super().__init__(state.COMPONENT, spec.name, {"record": state.record(spec, resolved)})


def create_program(
    spec: ClusterSpec,
    resolved: Resolved,
    adopt: Mapping[str, str] | None = None,
    *,
    leaving: Iterable[Leaving] = (),
    lift: Lift | None = None,
) -> Callable[[], None]:
    """Return the inline program that makes `spec`.

    Parameters
    ----------
    spec : ClusterSpec
        What should be.
    resolved : Resolved
        What its symbolic words stand for.
    adopt : mapping of str to str, optional
        Ids of objects that exist already and are taken into the state as they
        are, by their names in the program.
    leaving : iterable of Leaving
        Pools that are not wanted any more and stay as they are for now.
    lift : Lift, optional
        What may be destroyed; by default the engine refuses that.
    """
    ids = adopt or {}
    protect = lift is None
    anew = lift.kinds if lift else frozenset[str]()
    wanted = rules.desired(spec, resolved)

    def program() -> None:
        root = _Cluster(spec, resolved)

        def options(
            key: str,
            *,
            after: list[pulumi.Resource] | None = None,
            slow: bool = False,
            protect: bool = False,
            ignore: list[str] | None = None,
            replace: tuple[str, ...] = (),
        ) -> pulumi.ResourceOptions:
            # What is adopted may differ from the spec, and an import that
            # differs fails: take it as it is, and change it the next time.
            return pulumi.ResourceOptions(
                parent=root,
                depends_on=after,
                ignore_changes=["*"] if key in ids else ignore,
                import_=ids.get(key),
                protect=protect,
                custom_timeouts=_SLOW if slow else None,
                replace_on_changes=list(replace),
                # Two of one name cannot be there at once.
                delete_before_replace=True if replace else None,
            )

        tag = do.Tag("tag", name=label(spec.name), opts=options("tag"))
        # It can only go when the machines in it have gone.
        network = options("vpc", slow=True)
        vpc = do.Vpc("vpc", name=object_name(spec.name), region=spec.region, opts=network)
        firewall = do.Firewall(
            "firewall",
            name=object_name(spec.name),
            tags=[tag.name],
            inbound_rules=[
                do.FirewallInboundRuleArgs(
                    protocol=one.protocol,
                    port_range=one.ports or None,
                    source_addresses=list(one.addresses) or None,
                    source_tags=list(one.tags) or None,
                )
                for one in bodies.entries(wanted, "inbound")
            ],
            outbound_rules=[
                do.FirewallOutboundRuleArgs(
                    protocol=one.protocol,
                    port_range=one.ports or None,
                    destination_addresses=list(one.addresses),
                )
                for one in bodies.entries(wanted, "outbound")
            ],
            opts=options("firewall"),
        )
        cluster = do.KubernetesCluster(
            "cluster",
            name=spec.name,
            region=spec.region,
            version=resolved.version,
            vpc_uuid=vpc.id,
            ha=spec.highly_available(resolved.version),
            auto_upgrade=spec.auto_upgrade,
            surge_upgrade=True,
            tags=[LABEL, label(spec.name), *limits.tags(spec), *timers.tags(spec)],
            control_plane_firewall=do.KubernetesClusterControlPlaneFirewallArgs(
                enabled=True, allowed_addresses=bodies.allowed(wanted)
            ),
            node_pool=do.KubernetesClusterNodePoolArgs(
                name=spec.system.name,
                size=spec.system.size,
                node_count=spec.system.count,
                tags=[LABEL, label(spec.name)],
            ),
            # Load balancers and volumes that Kubernetes made go with the cluster.
            destroy_all_associated_resources=True,
            # The engine itself refuses to replace or delete it; a teardown lifts that.
            opts=options(
                "cluster",
                after=[firewall],
                slow=True,
                protect=protect,
                ignore=[] if "cluster" in anew else ["version"],
                replace=lift.inputs if lift else (),
            ),
        )
        for pool in spec.live_pools:
            ignore = ["nodeCount"] if pool.autoscaled else None
            _node_pool(spec, pool, cluster, options(pool_key(pool), slow=True, ignore=ignore))
        for old in leaving:
            do.KubernetesNodePool(
                old.key,
                cluster_id=cluster.id,
                name=old.name,
                size=old.size,
                node_count=old.count,
                opts=options(old.key, slow=True, ignore=["*"]),
            )
        if spec.database:
            # After the cluster, so that the list of trusted sources, which
            # names it, can close the database as soon as that is online.
            database = _database(
                spec,
                spec.database,
                resolved,
                vpc,
                options(
                    "database",
                    after=[cluster],
                    slow=True,
                    protect=protect,
                    ignore=[] if "database" in anew else ["version"],
                ),
            )
            trusted = bodies.trusted(wanted)
            _database_firewall(trusted, database, cluster, options("database-firewall"))
            pulumi.export("database_id", database.id)
            pulumi.export("database_host", database.private_host)
            pulumi.export("database_port", database.port)
        pulumi.export("k8s_cluster_endpoint", cluster.endpoint)
        pulumi.export("k8s_cluster_id", cluster.id)
        pulumi.export("firewall_id", firewall.id)
        pulumi.export("vpc_id", vpc.id)
        pulumi.export("tag", tag.name)
        pulumi.export("kubernetes_version", cluster.version)

    return program


def _node_pool(
    spec: ClusterSpec,
    pool: Pool,
    cluster: do.KubernetesCluster,
    opts: pulumi.ResourceOptions,
) -> do.KubernetesNodePool:
    taints = map(parse_taint, pool.taints)
    return do.KubernetesNodePool(
        pool_key(pool),
        cluster_id=cluster.id,
        name=pool_name(pool),
        size=pool.size,
        node_count=pool.count,
        auto_scale=pool.autoscaled or None,
        min_nodes=pool.min,
        max_nodes=pool.max,
        tags=[LABEL, label(spec.name)],
        labels={POOL_LABEL: pool.name, **pool.labels},
        taints=[
            do.KubernetesNodePoolTaintArgs(key=key, value=value, effect=effect)
            for key, value, effect in taints
        ]
        or None,
        opts=opts,
    )


def _database(
    spec: ClusterSpec,
    database: Database,
    resolved: Resolved,
    vpc: do.Vpc,
    opts: pulumi.ResourceOptions,
) -> do.DatabaseCluster:
    return do.DatabaseCluster(
        "database",
        name=object_name(spec.name),
        engine=database.engine,
        version=resolved.database_version,
        size=database.size,
        node_count=database.nodes,
        region=spec.region,
        private_network_uuid=vpc.id,
        tags=[LABEL, label(spec.name)],
        opts=opts,
    )


def _database_firewall(
    trusted: list[str],
    database: do.DatabaseCluster,
    cluster: do.KubernetesCluster,
    opts: pulumi.ResourceOptions,
) -> do.DatabaseFirewall:
    sources = [do.DatabaseFirewallRuleArgs(type="ip_addr", value=value) for value in trusted]
    return do.DatabaseFirewall(
        "database-firewall",
        cluster_id=database.id,
        rules=[*sources, do.DatabaseFirewallRuleArgs(type="k8s", value=cluster.id)],
        # To delete it is to empty the list, and an empty list lets everybody in
        # while the database lives on for a moment. It goes with the database.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True)),
    )
