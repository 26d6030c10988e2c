"""What a change may destroy is known from the specs alone, before anybody is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dotrain.errors import ReplacementRefused
from dotrain.losses import dropped, require_named, suspects
from dotrain.names import pool_key
from dotrain.pools import Pool
from dotrain.spec import ClusterSpec, Database

OLD = ClusterSpec("bert", pools=(Pool("cpu"), Pool("gpu")), ha=True, database=Database("pg"))
ALL = {"cluster", "database", *map(pool_key, OLD.pools)}
WITHOUT_GPU = OLD.pools[:1]


@pytest.mark.parametrize(
    ("change", "causes"),
    [
        ({"region": "ams3"}, ["region: nyc3 → ams3"]),
        ({"ha": False}, ["ha: True → False"]),
        ({"database": None}, ["database: pg → none"]),
        ({"database": Database("mysql")}, ["database: pg → mysql"]),
        ({"pools": WITHOUT_GPU}, ["pools: without gpu"]),
        ({"region": "ams3", "pools": WITHOUT_GPU}, ["region: nyc3 → ams3", "pools: without gpu"]),
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
    assert suspects(OLD, replace(OLD, **change), ALL) == []


def test_what_does_not_exist_cannot_be_destroyed() -> None:
    new = replace(OLD, region="ams3", ha=False, database=None, pools=WITHOUT_GPU)
    assert suspects(OLD, new, {"vpc", "firewall"}) == []
    paused = replace(OLD, paused=True)
    assert dropped(paused, replace(paused, pools=WITHOUT_GPU), ALL) == []


@pytest.mark.parametrize("given", ["", "Bert", "bret", "bert ", "yes", True])
def test_only_the_clusters_own_name_names_it(given) -> None:
    with pytest.raises(ReplacementRefused, match="stays as it is"):
        require_named("bert", given)


@pytest.mark.parametrize("given", [None, "bert"])
def test_its_name_or_none_passes(given) -> None:
    require_named("bert", given)
