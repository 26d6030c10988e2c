"""What a change may destroy is known from the specs alone, before anybody is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dotrain.errors import ReplacementRefused
from dotrain.losses import dropped, require_named, suspects, without
from dotrain.names import pool_key
from dotrain.pools import Pool
from dotrain.spec import ClusterSpec, Database

OLD = ClusterSpec("bert", pools=(Pool("cpu"), Pool("gpu")), ha=True, database=Database("pg"))
ALL = {"cluster", "database", *map(pool_key, OLD.pools)}
WITHOUT_GPU = OLD.pools[:1]


def there(**labels: str) -> tuple[dict[str, str], dict[str, object]]:
    """Return what a state knows of pools, and the cluster; given are their sizes and labels."""
    known = {"cluster": "c"} | {f"pool-{size}": size for size in labels}
    pools = [
        {"id": size, "name": size, "count": 2, "labels": {"dotrain/pool": label} if label else {}}
        for size, label in labels.items()
    ]
    return known, {"node_pools": pools}


@pytest.mark.parametrize(
    ("change", "causes"),
    [
        ({"region": "ams3"}, ["region: nyc3 → ams3"]),
        ({"ha": False}, ["ha: True → False"]),
        ({"database": None}, ["database: pg → none"]),
        ({"database": Database("mysql")}, ["database: pg → mysql"]),
        ({"region": "ams3", "ha": False}, ["region: nyc3 → ams3", "ha: True → False"]),
    ],
)
def test_what_may_destroy_something_is_named(change, causes) -> None:
    assert suspects(OLD, replace(OLD, **change), ALL) == causes


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"auto_upgrade": True},
        {"egress": ("open",)},
        {"database": Database("pg", size="db-s-2vcpu-4gb", nodes=2)},
        {"pools": (*OLD.pools, Pool("tpu"))},
        # Other sizes are drained and deleted when the new ones run; so is what is paused.
        {"pools": (Pool("cpu", size="s-4vcpu-8gb"), Pool("gpu", count=3, min=1, max=4))},
        {"paused": True},
    ],
)
def test_what_destroys_nothing_costs_no_question(change) -> None:
    new = replace(OLD, **change)
    assert (suspects(OLD, new, ALL), without(OLD, new)) == ([], set())


def test_what_does_not_exist_cannot_be_destroyed() -> None:
    new = replace(OLD, region="ams3", ha=False, database=None, pools=WITHOUT_GPU)
    assert suspects(OLD, new, {"vpc", "firewall"}) == []
    assert dropped(OLD, new, *there()) == {}
    paused = replace(OLD, paused=True)
    left = there(**{"gpu-s-2vcpu-4gb": "gpu"})
    assert dropped(paused, replace(paused, pools=WITHOUT_GPU), *left) == {}


def test_a_pool_goes_with_all_its_sizes_and_not_with_those_of_another_name() -> None:
    """A resize of gpu was cut off; gpu-big is another pool, and its name begins alike."""
    old = replace(OLD, pools=(Pool("cpu"), Pool("gpu", size="s-4vcpu-8gb"), Pool("gpu-big")))
    sizes = {
        "cpu-s-2vcpu-4gb": "cpu",
        "gpu-s-2vcpu-4gb": "gpu",
        "gpu-s-4vcpu-8gb": "gpu",
        "gpu-big-s-2vcpu-4gb": "gpu-big",
    }
    kept = replace(old, pools=(old.pools[0], old.pools[2]))
    assert dropped(old, kept, *there(**sizes)) == {"gpu": 4}
    del sizes["gpu-s-4vcpu-8gb"]
    assert dropped(old, kept, *there(**sizes)) == {"gpu": 2}
    assert dropped(old, replace(old, pools=old.pools[:2]), *there(**sizes)) == {"gpu-big": 2}
    # Whose label is gone is known by the spec, or may be any.
    sizes = dict.fromkeys(sizes, "")
    assert dropped(old, kept, *there(**sizes)) == {"gpu-s-2vcpu-4gb": 2}
    assert dropped(old, old, *there(**sizes)) == {}


def test_what_was_dropped_before_is_no_loss_again() -> None:
    """Its owner has named the cluster for it, and it is still being drained."""
    now = replace(OLD, pools=WITHOUT_GPU)
    known = there(**{"cpu-s-2vcpu-4gb": "cpu", "gpu-s-2vcpu-4gb": "gpu"})
    assert dropped(now, replace(now, pools=(Pool("tpu"),)), *known) == {"cpu": 2}


@pytest.mark.parametrize("given", ["", "Bert", "bret", "bert ", "yes", True])
def test_only_the_clusters_own_name_names_it(given) -> None:
    with pytest.raises(ReplacementRefused, match="stays as it is"):
        require_named("bert", given)


@pytest.mark.parametrize("given", [None, "bert"])
def test_its_name_or_none_passes(given) -> None:
    require_named("bert", given)
