"""The chooser of node sizes: found by what they have, marked where they are not, and chosen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dotrain import offers
from dotrain.sandbox import catalog
from dotrain.widgets.sizes import words as sizing
from dotrain.widgets.sizes.chooser import SizeChooser

OFFERS = offers.offers(catalog.sizes(), catalog.kubernetes_options())


def slugs(typed: str) -> list[str]:
    return [one.slug for one in sizing.matching(OFFERS, typed)]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("h100", ["gpu-h100x1-80gb", "gpu-h100x8-640gb"]),
        ("80gb", ["gpu-h100x1-80gb", "gpu-h100x8-640gb"]),
        ("80 GB h100 <$5", ["gpu-h100x1-80gb"]),
        ("80GiB < $ 5", ["gpu-h100x1-80gb"]),
        ("s-4", ["s-4vcpu-8gb", "s-4vcpu-8gb-amd"]),
        ("4vcpu <$.08", ["s-4vcpu-8gb"]),
        ("4 cpus <=0.08", ["s-4vcpu-8gb"]),
        ("amd_mi300x x8", ["gpu-mi300x8-1536gb"]),
        ("mi300 nyc2", ["gpu-mi300x1-192gb", "gpu-mi300x8-1536gb"]),
        ("nvidia h200 <4", ["gpu-h200x1-141gb"]),
        ("gpu ams3 <$4", ["gpu-h100x1-80gb"]),
        ("h1000", []),
    ],
)
def test_sizes_are_found_by_any_words_that_they_have(typed, found) -> None:
    assert slugs(typed) == found


@pytest.mark.parametrize("typed", ["", "  ", "<", "<$", "< $"])
def test_no_word_yet_is_all_sizes(typed) -> None:
    assert slugs(typed) == [one.slug for one in OFFERS]


def test_what_has_no_known_price_is_below_no_price() -> None:
    unpriced = replace(OFFERS[0], hourly=float("nan"))
    assert sizing.matching([unpriced], "<$99999") == []
    assert "a price that is not known" in sizing.sentence(unpriced, None)
    assert "no price" in sizing.columns([unpriced], None)[0]


def test_a_size_that_is_elsewhere_says_where() -> None:
    h200 = next(one for one in OFFERS if one.slug == "gpu-h200x1-141gb")
    assert sizing.refused(h200, "ams3") == "gpu-h200x1-141gb is not in ams3; it is in nyc2."
    assert sizing.refused(h200, "nyc2") == ""
    assert "cannot be had" in sizing.refused(replace(h200, available=False), "nyc2")
    assert sizing.columns([h200], "ams3")[0].endswith("not in ams3")


def test_choosing_says_what_it_is_and_tells_once() -> None:
    chooser = SizeChooser(OFFERS, value="s-2vcpu-4gb", region="nyc3")
    told: list[str] = []
    chooser.observe(told.append)
    assert "s-2vcpu-4gb has 2 vCPU, 4 GiB of memory, for $0.036/h a node." in chooser._said.value
    chooser.search.value = "h100"
    assert len(chooser.list.options) == 2
    assert chooser.value == "s-2vcpu-4gb"
    assert told == []
    chooser.list.index = 0
    assert chooser.value == "gpu-h100x1-80gb"
    assert told == ["gpu-h100x1-80gb"]
    assert "is not in nyc3; it is in nyc2, ams3, tor1." in chooser._said.value
    chooser.search.value = ""
    assert chooser._shown[chooser.list.index].slug == "gpu-h100x1-80gb"
    chooser.region = "tor1"
    assert "is not in" not in chooser._said.value
    assert told == ["gpu-h100x1-80gb"]


def test_what_nothing_has_is_said_and_the_choice_stays() -> None:
    chooser = SizeChooser(OFFERS, value="s-2vcpu-4gb")
    chooser.search.value = "<b>"
    assert chooser.list.options == ()
    assert chooser.value == "s-2vcpu-4gb"
    assert "None of the 28 sizes" in chooser._said.value
    assert "<b>" not in chooser._said.value


def test_a_choice_that_is_set_is_shown_and_told() -> None:
    chooser = SizeChooser((), value="s-2vcpu-4gb")
    assert chooser.list.index is None
    chooser.fill(OFFERS)
    assert chooser.list.options[chooser.list.index].startswith("s-2vcpu-4gb ")
    told: list[str] = []
    chooser.observe(told.append)
    chooser.value = "c-8"
    assert told == ["c-8"]
    assert chooser.list.options[chooser.list.index].startswith("c-8 ")
