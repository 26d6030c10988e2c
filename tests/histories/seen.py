"""Hold the account, and what dotrain shows of it, against the model."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import pytest

import dotrain
from dotrain.sandbox import catalog
from dotrain.spec import ClusterSpec
from tests.histories import model
from tests.histories.account import Account
from tests.histories.model import Cluster, Grant, Wish

_OWN = ("nodes", "control-plane", "database")
_PRICES = {one["slug"]: float(one["price_hourly"]) for one in catalog.sizes()}
_FORWARDING = {
    "entry_protocol": "tcp",
    "entry_port": 80,
    "target_protocol": "tcp",
    "target_port": 30080,
}
_OUT = {"protocol": "tcp", "ports": "443", "destinations": {"addresses": ["0.0.0.0/0"]}}

Objects = Mapping[str, Any]
Clusters = Mapping[str, Cluster]


def wish_of(spec: ClusterSpec) -> Wish:
    """Return what a remembered spec asks for, without what has expired."""
    spec = spec.without_expired(dt.datetime.now(dt.timezone.utc))
    return Wish(
        tuple((one.name, one.size, one.count) for one in spec.pools),
        tuple(Grant(one.source, tuple(one.to)) for one in spec.allow),
        spec.egress[0],
        spec.database.engine if spec.database else None,
        spec.paused,
        spec.max_age,
        spec.budget,
        spec.region,
    )


def kubernetes_made(account: Account, cluster: Mapping[str, Any], kind: str, name: str) -> None:
    """Make what Kubernetes makes for a claim, or for a Service."""
    mark = f"k8s:{cluster['id']}"
    if kind == "volume":
        body = {"name": name, "region": cluster["region"], "size_gigabytes": 10}
        account.by_hand("POST", "/v2/volumes", **body, tags=[mark])
    else:
        balancer(account, cluster, name, mark)


def balancer(account: Account, cluster: Mapping[str, Any], name: str, *tags: str) -> None:
    """Make a load balancer in the network of a cluster."""
    body = {"name": name, "region": cluster["region"], "vpc_uuid": cluster["vpc_uuid"]}
    rules = [_FORWARDING]
    account.by_hand("POST", "/v2/load_balancers", **body, tags=tags, forwarding_rules=rules)


def strange(account: Account, kind: str, name: str) -> None:
    """Make something that is none of dotrain's."""
    if kind == "cluster":
        pool = {"name": "theirs", "size": "s-2vcpu-4gb", "count": 2}
        body = {"name": name, "region": "nyc3", "version": "1.34.1-do.0", "node_pools": [pool]}
        account.by_hand("POST", "/v2/kubernetes/clusters", **body)
    elif kind == "firewall":
        account.by_hand("POST", "/v2/firewalls", name=name, outbound_rules=[_OUT])
    elif kind == "volume":
        account.by_hand("POST", "/v2/volumes", name=name, region="nyc3", size_gigabytes=10)
    else:
        account.by_hand("POST", "/v2/tags", name=name)


def check_account(objects: Objects, name: str, cluster: Cluster | None) -> None:
    """Fail unless the account has what a cluster should be, or nothing of what should not be."""
    there = {
        "clusters": model.labelled(objects["clusters"], name),
        "firewalls": [one for one in objects["firewalls"] if one["name"] == f"dotrain-{name}"],
        "vpcs": [one for one in objects["vpcs"] if one["name"] == f"dotrain-{name}"],
        "databases": model.labelled(objects["databases"], name),
        "tags": [one for one in objects["tags"] if one["name"] == f"dotrain:{name}"],
    }
    counts = {kind: len(found) for kind, found in there.items()}
    if cluster is None:
        assert not any(counts.values()), f"of {name} there is still {counts}"
        return
    opened = model.in_force(objects, name)
    clusters = there["clusters"]
    wanted = cluster.wish.opens(cluster.me, clusters[0]["id"] if clusters else "")
    if not cluster.exact:
        wider = opened - cluster.may - wanted
        assert not wider, f"{name} lets in who was never to enter: {sorted(wider)}"
        return
    one_each = dict.fromkeys(counts, 1) | {"databases": int(bool(cluster.wish.database))}
    assert counts == one_each, f"of {name} there is {counts}"
    another = model.is_another(cluster.wish, objects, name)
    assert not another, f"{name} is not where it should be, or has another database"
    pools = {(one["name"], one["size"], one["count"]) for one in clusters[0]["node_pools"]}
    assert pools - cluster.leaving == cluster.wish.nodes(), f"{name} has the pools {pools}"
    assert opened == wanted, _differing(name, opened, wanted)


def _differing(name: str, opened: set[model.Rule], wanted: set[model.Rule]) -> str:
    more, less = sorted(opened - wanted), sorted(wanted - opened)
    return f"{name} opens {more} and should not, and does not open {less}"


def _shown(clusters: Clusters) -> dict[str, Cluster]:
    return {
        name: one for name, one in clusters.items() if one.known and one.alive and not one.going
    }


def check_rules(objects: Objects, clusters: Clusters) -> None:
    """Fail unless rules() shows what is wanted and what is in force, and how they differ."""
    for name, cluster in _shown(clusters).items():
        opened = model.in_force(objects, name)
        ids = [one["id"] for one in model.labelled(objects["clusters"], name)]
        wanted = cluster.wish.opens(cluster.me, ids[0] if ids else "")
        frame = dotrain.get(name).rules()
        columns = [frame[key] for key in ("layer", "direction", "protocol", "ports", "peer")]
        rows = list(zip(*columns, frame["drift"], strict=True))
        found = {
            drift: {row[:5] for row in rows if row[5] == drift and row[0] in _OWN}
            for drift in ("", "extra", "missing")
        }
        right = {"": opened & wanted, "extra": opened - wanted, "missing": wanted - opened}
        assert found == right, f"rules() of {name} shows {found}, and there is {right}"


def check_cost(objects: Objects, clusters: Clusters, _: str) -> None:
    """Fail unless cost() is what is there, priced."""
    for name in _shown(clusters):
        for one in model.labelled(objects["clusters"], name):
            bill = dotrain.get(name).cost()
            known = sum(line.hourly for line in bill.lines if line.hourly is not None)
            assert known == pytest.approx(model.hourly(objects, one, _PRICES)), str(bill)
            databases = model.labelled(objects["databases"], name)
            assert len(bill.unknown) == len(databases), str(bill)


def check_bill(objects: Objects, *_: object) -> None:
    """Fail unless bill() is the sum of what dotrain made."""
    bill = dotrain.bill()
    ours = [one for one in objects["clusters"] if "dotrain" in one["tags"]]
    right = sum(model.hourly(objects, one, _PRICES) for one in ours)
    # What outlives its cluster is in a network that does, too.
    alive = {one["vpc_uuid"] for one in ours}
    for one in objects["load_balancers"]:
        right += 0.0 if one["vpc_uuid"] in alive else 12.0 / 672
    found = sum(line.hourly for line in bill.lines if line.hourly is not None)
    assert found == pytest.approx(right), str(bill)


def check_leaks(objects: Objects, clusters: Clusters, _: str) -> None:
    """Fail unless leaks() is what no state knows, and what the clusters that are gone have left."""
    ids = {f"k8s:{one['id']}" for one in objects["clusters"]}
    unknown = {name for name, one in clusters.items() if not one.known}
    right = set()
    for name in unknown:
        right |= {one["id"] for one in model.labelled(objects["clusters"], name)}
        if not model.labelled(objects["clusters"], name):
            right |= {one["id"] for one in model.labelled(objects["databases"], name)}
    living = {one["vpc_uuid"] for one in objects["clusters"]}
    right |= {
        one["id"]
        for one in objects["volumes"]
        if any(tag.startswith("k8s:") and tag not in ids for tag in one["tags"])
    }
    right |= {one["id"] for one in objects["load_balancers"] if one["vpc_uuid"] not in living}
    found = dotrain.leaks()
    assert set(found["id"]) == right, f"leaks() shows {found}, and there is {right}"


def check_clusters(objects: Objects, clusters: Clusters, _: str) -> None:
    """Fail unless clusters() lists what the account has of dotrain's, and what is not whole."""
    found = dict(zip(*(dotrain.clusters()[key] for key in ("name", "nodes")), strict=True))
    right = {
        one["name"]: sum(pool["count"] for pool in one["node_pools"][1:])
        for one in objects["clusters"]
        if "dotrain" in one["tags"]
    }
    right |= {name: 0 for name, one in clusters.items() if one.known and name not in right}
    assert found == right, f"clusters() shows {found}, and there is {right}"


def check_audit(objects: Objects, clusters: Clusters, here: str) -> None:
    """Fail unless audit() finds doors that others have opened to the world, and who has moved."""
    for name, cluster in _shown(clusters).items():
        found = dotrain.get(name).audit()
        world = ("nodes", "inbound", "tcp", "22", "0.0.0.0/0") in model.in_force(objects, name)
        networks = {one["vpc_uuid"] for one in model.labelled(objects["clusters"], name)}
        world |= any(one["vpc_uuid"] in networks for one in objects["load_balancers"])
        moved = cluster.wish.says_me and cluster.me != here
        if world or cluster.exact:
            assert found.passed == (not world and not moved), f"{world}, {moved}: {found}"


LOOKS: tuple[Callable[[Objects, Clusters, str], None], ...] = (
    check_cost,
    check_leaks,
    check_audit,
    check_clusters,
    check_bill,
)
