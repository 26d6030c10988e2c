"""What the account has and nobody remembers is taken over whole, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from dotrain import preflight
from dotrain.errors import ReplacementRefused
from dotrain.pools import Pool
from dotrain.spec import ClusterSpec


def a_cluster(*pools: Pool) -> dict[str, Any]:
    """Return a cluster with these pools, as the API describes it."""
    made = [
        {"name": f"{pool.name}-{pool.size}", "labels": {"dotrain/pool": pool.name}}
        for pool in pools
    ]
    system = {"name": "system", "labels": {}}
    return {"tags": ["dotrain:bert"], "region": "nyc3", "node_pools": [system, *made]}


OLD, NEW, GPU = Pool("cpu"), Pool("cpu", size="s-4vcpu-8gb"), Pool("gpu")
BERT = ClusterSpec("bert", pools=(OLD,))


def test_what_is_asked_for_as_it_is_passes() -> None:
    preflight._refuse_other(BERT, [a_cluster(OLD)])


@pytest.mark.parametrize(
    ("there", "fix"),
    [
        ((OLD, GPU), "Ask for what it is, and it is taken over"),
        (
            (OLD, NEW, GPU),
            "Delete one of cpu-s-2vcpu-4gb and cpu-s-4vcpu-8gb in the control panel and ask for ",
        ),
    ],
)
def test_how_to_ask_for_what_there_is_can_be_followed(there, fix) -> None:
    with pytest.raises(ReplacementRefused) as caught:
        preflight._refuse_other(BERT, [a_cluster(*there)])
    assert caught.value.fix.startswith(fix)
