"""Sizes: those that nodes can have, the cheapest that fits first, and nearest choices on errors."""

from __future__ import annotations

import pandas as pd
import pytest

from dotrain import frames
from dotrain.errors import SpecError, UnknownGpu, UnknownRegion
from dotrain.offers import Offer, Wanted, offers, select
from dotrain.sandbox import catalog

OPTIONS = catalog.kubernetes_options()
ALL = offers(catalog.sizes(), OPTIONS)


def found(**wanted: object) -> list[str]:
    asked = {"gpu": None, "gpu_memory": None, "max_price": None, "region": None, **wanted}
    return [one.slug for one in select(ALL, Wanted.parse(**asked), OPTIONS)]


def test_every_size_of_a_node_is_there_once_and_no_other() -> None:
    assert sorted(one.slug for one in ALL) == sorted(one["slug"] for one in OPTIONS["sizes"])
    assert "s-1vcpu-1gb" not in found()


def test_the_cheapest_is_first() -> None:
    assert found()[0] == "s-1vcpu-2gb"
    assert [one.hourly for one in ALL] == sorted(one.hourly for one in ALL)


@pytest.mark.parametrize("gpu", ["h100", "H100", "NVIDIA H100", "nvidia_h100", "H-100"])
def test_a_gpu_is_found_however_it_is_written(gpu) -> None:
    assert found(gpu=gpu) == ["gpu-h100x1-80gb", "gpu-h100x8-640gb"]


@pytest.mark.parametrize("memory", ["80GB", "80 GiB", "80", 80, 80.0, "0.078TB"])
def test_the_cheapest_whose_gpus_have_the_memory_comes_first(memory) -> None:
    fitting = found(gpu_memory=memory)
    assert fitting[:3] == ["gpu-mi300x1-192gb", "gpu-h100x1-80gb", "gpu-h200x1-141gb"]
    assert "gpu-l40sx1-48gb" not in fitting


def test_memory_is_that_of_all_gpus_of_a_node() -> None:
    assert found(gpu="h100", gpu_memory="500GB") == ["gpu-h100x8-640gb"]
    assert found(gpu_memory="2TB") == []


def test_filters_add_up() -> None:
    assert found(gpu="h", gpu_memory=80, max_price="$3.40", region="ams3") == ["gpu-h100x1-80gb"]
    assert found(max_price=0.02) == ["s-1vcpu-2gb"]
    assert found(gpu="h200", region="nyc3") == []


def size(slug: str, **changes: object) -> dict[str, object]:
    return {**catalog.size("c-2"), "slug": slug, **changes}


def made(*sizes: dict[str, object]) -> list[Offer]:
    listed = [{"slug": one["slug"]} for one in sizes]
    return offers(sizes, {"sizes": listed, "regions": OPTIONS["regions"]})


def test_what_cannot_be_had_or_has_no_price_is_never_the_cheapest() -> None:
    some = made(
        size("sold-out", price_hourly=0.001, available=False),
        size("unpriced", price_hourly=None, price_monthly=None),
        size("dear", price_hourly=9.0),
    )
    assert [one.slug for one in some] == ["dear", "unpriced", "sold-out"]
    cheap = select(some, Wanted(max_price=5.0), OPTIONS)
    assert [one.slug for one in cheap] == ["sold-out"]
    assert pd.isna(frames.sizes(some).hourly[1])


def test_a_region_without_kubernetes_is_no_region_of_a_size() -> None:
    (one,) = made(size("a", regions=["nyc3", "mars1"]))
    assert one.regions == ("nyc3",)


def test_an_unknown_region_or_gpu_comes_with_the_nearest() -> None:
    with pytest.raises(UnknownRegion) as caught:
        found(region="nyc33")
    assert caught.value.nearest[0] == "nyc3"
    with pytest.raises(UnknownGpu, match="nvidia_h100") as caught:
        found(gpu="nvidia_h1000")
    assert caught.value.nearest[0] == "nvidia_h100"


@pytest.mark.parametrize("wrong", ["much", "-80GB", "", 0, -1, True, float("nan"), None.__class__])
def test_memory_that_is_none_is_refused(wrong) -> None:
    with pytest.raises(SpecError, match="not an amount of memory"):
        found(gpu_memory=wrong)


@pytest.mark.parametrize("wrong", ["cheap", 0, -3, "5 EUR"])
def test_a_price_that_is_none_is_refused(wrong) -> None:
    with pytest.raises(SpecError, match="not a sum of money"):
        found(max_price=wrong)


@pytest.mark.parametrize("wanted", [{"gpu": ""}, {"gpu": 100}, {"gpu": "-"}, {"region": ["nyc3"]}])
def test_a_name_that_is_none_is_refused(wanted) -> None:
    with pytest.raises(SpecError, match="It is a name"):
        found(**wanted)


@pytest.mark.parametrize("some", [ALL, []])
def test_the_frame_has_the_documented_columns_and_types(some) -> None:
    types = {name: str(kind) for name, kind in frames.sizes(some).dtypes.items()}
    text = str(pd.Series(["x"]).astype("str").dtype)
    assert types == {
        "slug": text,
        "vcpus": "int64",
        "memory_gib": "float64",
        "gpus": "int64",
        "gpu": text,
        "vram_gib": "float64",
        "hourly": "float64",
        "monthly": "float64",
        "regions": text,
        "available": "bool",
    }
