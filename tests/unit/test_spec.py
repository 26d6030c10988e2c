"""Specs: checked when they are made, frozen, the same after a trip through JSON."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json

import pytest
from hypothesis import given

from dotrain.errors import InvalidName, SpecError
from dotrain.grants import NOBODY, Grant
from dotrain.pools import Pool
from dotrain.spec import ClusterSpec, Database, Resolved
from tests.unit.strategies import resolutions, specs


def refused(error: type[SpecError], make) -> SpecError:
    """Return the error, which is one paragraph and says what to do."""
    with pytest.raises(error) as caught:
        make()
    assert type(caught.value) is error
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)
    assert caught.value.fix
    return caught.value


@pytest.mark.parametrize(
    "name",
    [
        *("", "Bert", "bert_large", "-bert", "bert-", "1bert", "bert.large", "b" * 41, "bért"),
        *("bert\n", "../bert", "bert large", None, 7),
    ],
)
def test_a_bad_name_is_refused_for_clusters_and_pools(name) -> None:
    assert "cluster" in refused(InvalidName, lambda: ClusterSpec(name)).what
    assert "node pool" in refused(InvalidName, lambda: Pool(name=name)).what


@pytest.mark.parametrize("name", ["b", "bert-large", "b" * 40, "b1"])
def test_a_good_name_is_taken(name) -> None:
    assert ClusterSpec(name).name == name


@pytest.mark.parametrize("count", [0, -1, True, False, 1.0, "2", None])
def test_a_count_is_a_whole_number_of_at_least_one(count) -> None:
    assert repr(count) in refused(SpecError, lambda: Pool(count=count)).what
    assert repr(count) in refused(SpecError, lambda: Database(nodes=count)).what


@pytest.mark.parametrize("size", ["", None, 4])
def test_a_pool_needs_a_size(size) -> None:
    refused(SpecError, lambda: Pool(size=size))


def test_a_cluster_needs_a_pool() -> None:
    refused(SpecError, lambda: ClusterSpec("bert", pools=()))


def test_two_pools_of_one_name_are_refused() -> None:
    pools = (Pool(name="a"), Pool(name="b"), Pool(name="a", count=2))
    assert "'a'" in refused(SpecError, lambda: ClusterSpec("bert", pools=pools)).what


def test_a_pool_cannot_take_the_name_of_the_system_pool() -> None:
    error = refused(SpecError, lambda: ClusterSpec("bert", pools=(Pool(name="system"),)))
    assert "'system'" in error.what


def test_an_unknown_egress_lists_the_choices() -> None:
    error = refused(SpecError, lambda: ClusterSpec("bert", egress=("none",)))
    assert "web, open, locked" in error.why


def test_an_unknown_database_engine_lists_the_choices() -> None:
    assert "pg, mysql" in refused(SpecError, lambda: Database(engine="postgres")).fix


def test_a_spec_is_closed_by_default() -> None:
    spec = ClusterSpec("bert")
    assert spec.allow == (Grant("me"),)
    assert not spec.open_to_world
    assert spec.egress == ("web",)
    assert not spec.auto_upgrade


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ClusterSpec("bert").region = "ams3"


def test_changing_what_to_dict_returned_does_not_change_the_spec() -> None:
    spec = ClusterSpec("bert", database=Database())
    data = spec.to_dict()
    data["pools"][0]["count"] = 99
    data["system"]["count"] = 99
    data["database"]["nodes"] = 99
    counts = (spec.pools[0].count, spec.system.count, spec.database.nodes)
    # Before the assertion: the default pools are shared by all specs.
    data["pools"][0]["count"] = data["system"]["count"] = data["database"]["nodes"] = 1
    assert counts == (1, 1, 1)


@given(specs)
def test_a_spec_is_the_same_after_a_trip_through_json(spec) -> None:
    assert ClusterSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@given(resolutions)
def test_what_was_resolved_is_the_same_after_a_trip_through_json(resolved) -> None:
    assert Resolved.from_dict(json.loads(json.dumps(resolved.to_dict()))) == resolved


def test_a_spec_from_json_is_as_frozen_as_one_made_here() -> None:
    spec = ClusterSpec.from_dict(json.loads(json.dumps(ClusterSpec("bert").to_dict())))
    assert hash(spec) == hash(ClusterSpec("bert"))


@pytest.mark.parametrize(
    "change",
    [
        {"pools": None},
        {"pools": ["train"]},
        {"pools": [{"slug": "s-1vcpu-2gb"}]},
        {"allow": None},
        {"database": "pg"},
        {"system": []},
        {"name": None},
    ],
)
def test_what_is_no_spec_is_refused(change) -> None:
    data = {**ClusterSpec("bert").to_dict(), **change}
    with pytest.raises(SpecError) as caught:
        ClusterSpec.from_dict(data)
    assert "\n" not in str(caught.value)
    assert caught.value.fix


def test_a_spec_without_a_key_is_refused() -> None:
    for key in ("name", "pools", "allow", "system"):
        data = ClusterSpec("bert").to_dict()
        del data[key]
        with pytest.raises(SpecError):
            ClusterSpec.from_dict(data)


NOW = dt.datetime(2026, 7, 1, tzinfo=dt.timezone.utc)
OVER = Grant("203.0.113.9", ("api", "ssh"), "guest", "2026-06-30T23:00:00Z")


@pytest.mark.parametrize(
    ("others", "left"),
    [
        ((), (NOBODY,)),
        ((Grant("me", ("ssh",)),), (Grant("me", ("ssh",)), NOBODY)),
        # To the control plane its addresses are IPv4 only.
        ((Grant("2001:db8::/32"),), (Grant("2001:db8::/32"), NOBODY)),
        ((Grant("me"),), (Grant("me"),)),
    ],
)
def test_what_has_expired_goes_and_the_control_plane_is_left_to_nobody_rather_than_unsaid(
    others, left
) -> None:
    assert ClusterSpec("bert", allow=(*others, OVER)).without_expired(NOW).allow == left


def test_where_nothing_has_expired_nothing_is_added() -> None:
    spec = ClusterSpec("bert", allow=(Grant("me", ("ssh",)),))
    assert spec.without_expired(NOW) == spec
