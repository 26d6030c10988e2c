"""What options of a command say of pools."""

from __future__ import annotations

import click
import pytest

from dotrain.cli.nodes import _parse, asked
from dotrain.errors import SpecError
from dotrain.pools import Pool

OLD = {"cpu": Pool("cpu", size="s-4vcpu-8gb", count=3, labels={"team": "nlp"})}


@pytest.mark.parametrize(
    ("text", "pool"),
    [
        ("name=gpu,size=gpu-h100x1-80gb,count=2", Pool("gpu", size="gpu-h100x1-80gb", count=2)),
        ("count=2", Pool(count=2)),
        ("name=a, min=0, max=4", Pool("a", min=0, max=4)),
        (
            "name=a,label=team=nlp,label=x.y/z=,taint=team=nlp:NoSchedule,taint=spot:NoExecute",
            Pool(
                "a",
                labels={"team": "nlp", "x.y/z": ""},
                taints=("team=nlp:NoSchedule", "spot:NoExecute"),
            ),
        ),
        # What is not said stays.
        ("name=cpu", OLD["cpu"]),
        ("name=cpu,count=4", Pool("cpu", size="s-4vcpu-8gb", count=4, labels={"team": "nlp"})),
        ("name=cpu,label=a=b", Pool("cpu", size="s-4vcpu-8gb", count=3, labels={"a": "b"})),
    ],
)
def test_a_pool_is_what_its_option_says(text, pool) -> None:
    assert _parse(text, OLD) == pool


@pytest.mark.parametrize(
    "text", ["", "name", "name=", "count=two", "count=-1", "colour=red", "label=team", "name=a,,"]
)
def test_what_is_not_understood_is_said_with_the_form(text) -> None:
    with pytest.raises(click.UsageError, match="name=NAME,size=SIZE") as caught:
        _parse(text, OLD)
    assert repr(text.split(",")[-1]) in caught.value.message


@pytest.mark.parametrize("text", ["name=Bert", "taint=spot", "min=2", "count=0", "label=a b=c"])
def test_what_no_pool_can_be_is_refused_as_in_a_notebook(text) -> None:
    with pytest.raises(SpecError):
        _parse(text, OLD)


def test_two_ways_to_say_it_are_one_too_many() -> None:
    with pytest.raises(click.UsageError, match="--pool alone"):
        asked("bert", "s-4vcpu-8gb", None, ["name=cpu"])
    assert asked("bert", None, None, ()) == {}
