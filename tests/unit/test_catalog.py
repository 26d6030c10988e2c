"""The catalog: wrong values come with the nearest right ones, versions are numbers."""

from __future__ import annotations

import random

import pytest

from dotrain.catalog import check, database_version, kubernetes_version
from dotrain.errors import SpecError, UnknownRegion, UnknownSize, UnknownVersion
from dotrain.pools import Pool
from dotrain.spec import ClusterSpec

OPTIONS = {
    "regions": [{"slug": slug} for slug in ("nyc1", "nyc3", "ams3", "sfo3", "sgp1")],
    "sizes": [{"slug": slug} for slug in ("s-1vcpu-2gb", "s-2vcpu-4gb", "gpu-h100x1-80gb")],
    "versions": [
        {"slug": slug}
        for slug in ("1.9.9-do.0", "1.33.6-do.2", "1.34.1-do.10", "1.34.1-do.9", "1.33.10-do.0")
    ],
}


def test_what_is_offered_is_taken() -> None:
    check(ClusterSpec("bert", pools=(Pool(size="gpu-h100x1-80gb"),)), OPTIONS)


def test_an_unknown_region_comes_with_the_nearest() -> None:
    with pytest.raises(UnknownRegion, match="nyc2") as caught:
        check(ClusterSpec("bert", region="nyc2"), OPTIONS)
    assert caught.value.nearest[:2] in (("nyc1", "nyc3"), ("nyc3", "nyc1"))
    assert "nyc3" in caught.value.fix


def test_an_unknown_size_comes_with_the_nearest_and_its_pool() -> None:
    with pytest.raises(UnknownSize, match="'gpus'") as caught:
        check(ClusterSpec("bert", pools=(Pool("gpus", size="gpu-h100-80gb"),)), OPTIONS)
    assert caught.value.nearest[0] == "gpu-h100x1-80gb"


def test_a_value_near_to_nothing_still_comes_with_choices() -> None:
    with pytest.raises(UnknownRegion) as caught:
        check(ClusterSpec("bert", region="????"), OPTIONS)
    assert caught.value.nearest == ("nyc1", "nyc3", "ams3")


def test_the_newest_version_is_the_highest_number() -> None:
    for seed in range(5):
        versions = random.Random(seed).sample(OPTIONS["versions"], len(OPTIONS["versions"]))
        assert kubernetes_version(None, {"versions": versions}) == "1.34.1-do.10"


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ("1.33", "1.33.10-do.0"),
        ("1.33.6", "1.33.6-do.2"),
        ("1.34.1-do.9", "1.34.1-do.9"),
        ("1", "1.34.1-do.10"),
    ],
)
def test_a_version_means_its_newest_patch(wanted, meant) -> None:
    assert kubernetes_version(wanted, OPTIONS) == meant


@pytest.mark.parametrize("wanted", ["1.3", "1.33.1", "1.34.1-do.1", ".*", "", "latest", "1.35"])
def test_a_version_ends_where_its_number_does(wanted) -> None:
    with pytest.raises(UnknownVersion) as caught:
        kubernetes_version(wanted, OPTIONS)
    assert set(caught.value.nearest) <= {one["slug"] for one in OPTIONS["versions"]}
    assert caught.value.nearest


def test_an_empty_list_of_versions_is_an_error_of_its_own() -> None:
    with pytest.raises(SpecError, match="no Kubernetes version") as caught:
        kubernetes_version(None, {"versions": []})
    assert caught.value.fix


def test_a_database_gets_its_newest_version_by_number() -> None:
    options = {"pg": {"versions": ["9", "16", "14", "17"]}, "valkey": {"versions": ["8"]}}
    assert database_version("pg", None, options) == "17"
    assert database_version("pg", "14", options) == "14"
    assert database_version("valkey", None, options) == "8"


@pytest.mark.parametrize("wanted", [None, "1"])
@pytest.mark.parametrize("options", [{}, {"pg": {"versions": []}}, {"pg": None}])
def test_a_database_without_versions_is_an_unknown_version(wanted, options) -> None:
    with pytest.raises(UnknownVersion) as caught:
        database_version("pg", wanted, options)
    assert caught.value.fix


def test_an_unknown_database_version_comes_with_the_nearest() -> None:
    with pytest.raises(UnknownVersion) as caught:
        database_version("pg", "15", {"pg": {"versions": ["14", "16", "17"]}})
    assert caught.value.nearest
