"""What a cluster may be asked for, and what not."""

from __future__ import annotations

import datetime as dt
import inspect

import pytest

import dotrain
from dotrain import changes
from dotrain.spec import ClusterSpec

NOW = dt.datetime(2026, 7, 1, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize("key", ["name", "system", "paused", "max_agee"])
def test_what_up_does_not_take_is_refused_and_makes_no_other_cluster(key) -> None:
    with pytest.raises(TypeError, match=f"cannot be asked for '{key}'"):
        changes.asked(ClusterSpec("bert"), {key: "gpt"}, "bert", NOW)


def test_all_that_up_takes_can_be_asked_for() -> None:
    terms = {"name", "replace", "drain", "drain_timeout", "force", "wait", "then"}
    taken = inspect.signature(dotrain.up).parameters.keys() - terms
    assert taken == changes._ARGUMENTS
    own = inspect.signature(dotrain.Cluster.up).parameters.keys()
    assert own - {"self", "asked"} == terms - {"name", "wait", "then"}
