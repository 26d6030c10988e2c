"""What is billed and belongs to nothing, told from what belongs to a living cluster."""

from __future__ import annotations

import pytest

from dotrain import contents, frames, leftovers
from dotrain.belongings import Object

CLUSTER = {
    "id": "c1",
    "name": "bert",
    "tags": ["k8s", "k8s:c1", "dotrain", "dotrain:bert"],
    "vpc_uuid": "v1",
    "created_at": "2026-01-01T00:00:00Z",
    "node_pools": [{"name": "system", "size": "s-1", "count": 1}],
}
SIZES = [{"slug": "s-1", "price_hourly": 0.02}, {"slug": "s-4", "price_hourly": 0.07}]
NOTHING: dict[str, list] = {key: [] for key in (*leftovers._LISTS, "sizes")}
VPCS = [{"id": "v1", "name": "dotrain-bert"}, {"id": "v0", "name": "dotrain-old"}]


def found(stacks=("bert",), **listed) -> dict[str, leftovers.Leak]:
    account = {**NOTHING, "kubernetes_clusters": [CLUSTER], "vpcs": VPCS, "sizes": SIZES, **listed}
    return {one.name: one for one in leftovers.find(account, stacks)}


def thing(name: str, *tags: str, **fields) -> dict:
    return {"id": f"id-{name}", "name": name, "tags": list(tags), **fields}


DISK = {"size_gigabytes": 10}
# A month has 672 hours in DigitalOcean's bills.
OF_DISK, OF_BALANCER = pytest.approx(1.0 / 672), pytest.approx(12.0 / 672)
OWN = {
    "droplets": [thing("node", "k8s:c1", "k8s:worker", "dotrain:bert")],
    "load_balancers": [thing("lb", vpc_uuid="v1")],
    "volumes": [thing("pvc", "k8s:c1", **DISK)],
    "snapshots": [thing("copy", "k8s:c1", resource_id="id-pvc")],
    "databases": [thing("dotrain-bert", "dotrain", "dotrain:bert")],
}
FOREIGN = {
    "kubernetes_clusters": [{**CLUSTER, "id": "c9", "name": "other", "tags": ["k8s", "k8s:c9"]}],
    "droplets": [thing("web", "prod"), thing("theirs", "k8s:c9", "k8s:worker")],
    "load_balancers": [thing("front", vpc_uuid="v9")],
    "volumes": [thing("data"), thing("their-pvc", "k8s:c9")],
    "snapshots": [thing("backup", resource_id="id-data")],
    "databases": [thing("shop", "prod")],
}


def test_what_belongs_to_a_living_cluster_is_no_leak() -> None:
    assert found(**OWN) == {}


def test_what_others_have_is_no_leak() -> None:
    assert found((), **FOREIGN) == {}


def test_what_a_cluster_left_is_one_with_its_name_where_that_is_known() -> None:
    left = found(
        (),
        kubernetes_clusters=[],
        droplets=[thing("node", "k8s:c0", "dotrain:old", size={"price_hourly": 0.07})],
        load_balancers=[thing("lb", vpc_uuid="v0"), thing("lb2", "k8s:c0")],
        volumes=[thing("pvc", "k8s:c0", **DISK), thing("named", "k8s:c0", "dotrain:old", **DISK)],
        snapshots=[thing("copy", resource_id="id-named")],
    )
    of = {name: (one.kind, one.cluster, one.hourly) for name, one in left.items()}
    assert of == {
        "node": ("Droplet", "old", 0.07),
        "lb": ("load balancer", "old", OF_BALANCER),
        "lb2": ("load balancer", "", OF_BALANCER),
        "pvc": ("volume", "", OF_DISK),
        "named": ("volume", "old", OF_DISK),
        "copy": ("volume snapshot", "old", None),
    }
    assert "cannot be told" in left["pvc"].why


def test_what_has_the_label_and_no_state_is_one_with_its_price() -> None:
    left = found((), **OWN)
    assert {one.kind for one in left.values()} == {"cluster"}
    assert left["bert"].hourly == 0.02
    assert "No state" in left["bert"].why
    beside = found((), kubernetes_clusters=[], databases=OWN["databases"])
    assert beside["dotrain-bert"].kind == "database"


@pytest.mark.parametrize("rows", [[], list(found(()).values())])
def test_the_frame_has_the_same_types_also_when_there_is_nothing(rows) -> None:
    frame = frames.leaks(rows)
    assert list(frame.columns) == ["kind", "id", "name", "cluster", "hourly", "why"]
    assert str(frame.hourly.dtype) == "float64"


def test_what_a_teardown_takes_is_said_with_what_it_costs() -> None:
    things = [
        Object("cluster", "c1", "bert", "", CLUSTER),
        Object("Droplet", "1", "system-0", "", {"name": "system-0"}),
        Object("load balancer", "2", "lb", "", {"name": "lb"}),
        Object("volume", "3", "pvc", "", {"name": "pvc", **DISK}),
        Object("database", "5", "dotrain-bert", "", {"name": "dotrain-bert"}),
        Object("VPC", "4", "dotrain-bert", "", {"name": "dotrain-bert"}),
    ]
    said = str(contents.of("bert", things, SIZES)).splitlines()
    assert said[1:6] == [
        "  cluster bert (1 x s-1)",
        "  load balancer lb",
        "  volume pvc",
        "  database dotrain-bert",
        "  VPC dotrain-bert",
    ]
    assert "$0.039 an hour" in said[6]
    assert "plus database dotrain-bert (price unknown)" in said[6]
    assert said[6].endswith("What is on each database and volume is lost.")


def test_free_things_cost_nothing_and_unknown_prices_are_not_zero() -> None:
    vpc = Object("VPC", "4", "dotrain-bert", "", {"name": "dotrain-bert"})
    assert str(contents.of("bert", [vpc], SIZES)).endswith("It costs nothing.")
    pool = {"name": "new", "size": "s-9", "count": 1}
    costly = {**CLUSTER, "node_pools": [*CLUSTER["node_pools"], pool]}
    assert found((), kubernetes_clusters=[costly])["bert"].hourly is None
