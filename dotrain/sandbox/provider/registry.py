"""The resource types there are."""

from __future__ import annotations

from dotrain.sandbox.provider.cluster import Cluster
from dotrain.sandbox.provider.database import Database
from dotrain.sandbox.provider.database_firewall import DatabaseFirewall
from dotrain.sandbox.provider.firewall import Firewall
from dotrain.sandbox.provider.node_pool import NodePool
from dotrain.sandbox.provider.resource import Resource
from dotrain.sandbox.provider.tag import Tag
from dotrain.sandbox.provider.vpc import Vpc

RESOURCES: dict[str, Resource] = {
    resource.kind: resource
    for resource in (
        Tag(),
        Vpc(),
        Firewall(),
        Cluster(),
        NodePool(),
        Database(),
        DatabaseFirewall(),
    )
}
