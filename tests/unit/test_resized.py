"""A resize changes one pool, and says what it does not understand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dotrain.changes import resized
from dotrain.errors import SpecError
from dotrain.pools import Pool
from dotrain.spec import ClusterSpec

FIXED = ClusterSpec("bert", pools=(Pool("cpu", count=2, labels={"team": "nlp"}), Pool("gpu")))
SCALED = replace(FIXED, pools=(Pool("cpu", count=2, min=1, max=4), Pool("gpu")))
NEW_SIZE = "s-4vcpu-8gb"


@pytest.mark.parametrize(
    ("spec", "asked", "changed"),
    [
        (FIXED, {"count": 3}, {"count": 3}),
        (FIXED, {"size": NEW_SIZE}, {"size": NEW_SIZE}),
        (FIXED, {"least": 1, "most": 4}, {"min": 1, "max": 4}),
        # Where it is lies outside: as near as it can be.
        (FIXED, {"least": 3, "most": 4}, {"min": 3, "max": 4, "count": 3}),
        (FIXED, {"least": 0, "most": 1}, {"min": 0, "max": 1, "count": 1}),
        (FIXED, {"count": 4, "least": 0, "most": 8}, {"min": 0, "max": 8, "count": 4}),
        (SCALED, {"most": 8}, {"max": 8}),
        (SCALED, {"least": 0}, {"min": 0}),
        (SCALED, {"count": 2}, {"min": None, "max": None}),
        (SCALED, {"size": NEW_SIZE}, {"size": NEW_SIZE}),
        (SCALED, {"size": NEW_SIZE, "count": 3}, {"size": NEW_SIZE} | {"min": None, "max": None}),
        (
            SCALED,
            {"size": NEW_SIZE, "count": 4, "most": 8},
            {"size": NEW_SIZE, "count": 4, "max": 8},
        ),
    ],
)
def test_what_is_asked_for_changes_and_nothing_else(spec, asked, changed) -> None:
    expected = {"count": asked.get("count", 2)} | changed
    pools = (replace(spec.pools[0], **expected), spec.pools[1])
    assert resized(spec, **asked, pool="cpu") == replace(spec, pools=pools)


@pytest.mark.parametrize(
    ("spec", "asked", "why"),
    [
        (FIXED, {"pool": "cpu"}, "Neither a count nor a size"),
        (FIXED, {"count": 2}, "It has cpu, gpu"),
        (FIXED, {"count": 2, "pool": "tpu"}, "It has cpu, gpu"),
        (FIXED, {"least": 1, "pool": "cpu"}, "needs both"),
        (FIXED, {"most": 4, "pool": "cpu"}, "needs both"),
        (FIXED, {"least": 4, "most": 2, "pool": "cpu"}, "between min and max"),
        (FIXED, {"least": 0, "most": 0, "pool": "cpu"}, "at least 1"),
        (FIXED, {"count": 0, "pool": "cpu"}, "at least 1"),
        (SCALED, {"count": 3, "most": 8, "pool": "cpu"}, "Both a count and a range"),
    ],
)
def test_what_cannot_be_is_refused(spec, asked, why) -> None:
    with pytest.raises(SpecError, match=why) as caught:
        resized(spec, **asked)
    assert caught.value.fix
