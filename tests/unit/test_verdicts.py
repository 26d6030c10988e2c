"""What a sweep decides about a cluster: what is due is done, what is not known is not."""

from __future__ import annotations

import datetime as dt

import pytest

from dotrain import verdicts
from dotrain.verdicts import DOWN, KEEP, PAUSE, UNKNOWN, WARN, Seen, Verdict

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc)
MADE = "2026-01-01T00:00:00Z"


def pool(name: str, *states: str, made: str = MADE, tags: tuple[str, ...] = ()) -> dict:
    nodes = [{"status": {"state": one}, "created_at": made} for one in states]
    return {"id": name, "name": name, "count": len(nodes), "nodes": nodes, "tags": list(tags)}


SYSTEM = pool("system", "running", tags=("terraform:default-node-pool",))


def cluster(*tags: str, pools: tuple[dict, ...] = (pool("train", "running"),), **fields) -> dict:
    return {
        "name": "bert",
        "tags": ["k8s", "dotrain", "dotrain:bert", *tags],
        "created_at": MADE,
        "status": {"state": "running"},
        "node_pools": [SYSTEM, *pools],
        **fields,
    }


def actions(one: dict, seen: Seen = Seen()) -> list[str]:  # noqa: B008 - frozen
    return [verdict.action for verdict in verdicts.judge(one, seen, NOW)]


def hours_ago(hours: float) -> dt.datetime:
    return NOW - dt.timedelta(hours=hours)


@pytest.mark.parametrize(
    ("tags", "seen", "wanted"),
    [
        ((), Seen(), []),
        (("dotrain-max-age:23h",), Seen(), [DOWN]),
        (("dotrain-max-age:24h",), Seen(), [DOWN]),
        (("dotrain-max-age:25h",), Seen(), [WARN]),
        (("dotrain-max-age:2d",), Seen(), [KEEP]),
        (("dotrain-max-age:soon",), Seen(), [UNKNOWN]),
        (("dotrain-max-age:999999999w",), Seen(), [UNKNOWN]),
        (("dotrain-max-age:1000000000001h",), Seen(), [UNKNOWN]),
        (("dotrain-budget:0",), Seen(), [UNKNOWN]),
        (("dotrain-idle:1h",), Seen(idle_since=hours_ago(1)), [PAUSE]),
        (("dotrain-idle:1h",), Seen(idle_since=hours_ago(0.9)), [WARN]),
        (("dotrain-idle:1h",), Seen(idle_since=hours_ago(0.7)), [KEEP]),
        (("dotrain-idle:10h",), Seen(idle_since=hours_ago(9.1)), [WARN]),
        (("dotrain-idle:10h",), Seen(idle_since=hours_ago(8.9)), [KEEP]),
        (("dotrain-idle:1h",), Seen(), [KEEP]),
        (("dotrain-idle:1h",), Seen(idle_unknown="The API does not answer."), [UNKNOWN]),
        (("dotrain-budget:5000",), Seen(spent=1.0), [PAUSE]),
        (("dotrain-budget:5000",), Seen(spent=0.99), [WARN]),
        (("dotrain-budget:5000",), Seen(spent=0.79), [KEEP]),
        (("dotrain-budget:5000",), Seen(spent_unknown="No prices."), [UNKNOWN]),
        (
            ("dotrain-max-age:2d", "dotrain-idle:1h", "dotrain-budget:9"),
            Seen(idle_since=hours_ago(2), spent=0.5),
            [KEEP, KEEP, PAUSE],
        ),
    ],
)
def test_each_limit_is_acted_on_when_it_is_known_to_be_reached(tags, seen, wanted) -> None:
    assert actions(cluster(*tags), seen) == wanted


def test_a_node_that_is_being_made_ends_an_idle_time() -> None:
    new = pool("train", "provisioning", made="2026-01-01T23:10:00Z")
    one = cluster("dotrain-idle:1h", pools=(new,))
    (verdict,) = verdicts.judge(one, Seen(idle_since=hours_ago(20)), NOW)
    assert verdict == Verdict(WARN, "is idle for 50 min (at most 1h)")


@pytest.mark.parametrize(
    ("pools", "said"),
    [
        ((), "was not asked: no training nodes"),
        (
            (pool("t", "running", made="2026-01-01T23:30:00Z"),),
            "was not asked: its nodes are newer",
        ),
        ((pool("t", "running"),), "is not idle"),
    ],
)
def test_what_was_not_asked_is_not_said_to_work(pools, said) -> None:
    (verdict,) = verdicts.judge(cluster("dotrain-idle:1h", pools=pools), Seen(), NOW)
    assert verdict.action == KEEP
    assert said in verdict.why


def test_a_cluster_that_goes_down_is_not_paused_on_the_way() -> None:
    tags = ("dotrain-max-age:1h", "dotrain-idle:1h")
    assert actions(cluster(*tags), Seen(idle_since=hours_ago(5), spent=2.0)) == [DOWN]


def test_a_cluster_on_its_way_out_is_left_to_it() -> None:
    going = cluster("dotrain-max-age:1h", status={"state": "deleting"})
    assert actions(going) == [KEEP]


@pytest.mark.parametrize(
    "pools", [(), (pool("train", "deleting", "deleting"),), (pool("scaled-to-zero"),)]
)
def test_a_cluster_without_training_nodes_is_not_paused(pools) -> None:
    one = cluster("dotrain-idle:1h", pools=pools)
    assert actions(one, Seen(idle_since=hours_ago(5))) == [KEEP]


def test_the_pool_of_the_cluster_s_own_services_is_never_taken() -> None:
    assert [one["name"] for one in verdicts.training_pools(cluster())] == ["train"]
    # Wherever it stands in the list.
    turned = {**cluster(), "node_pools": [pool("train", "running"), SYSTEM]}
    assert verdicts.training_pools(turned) == []


@pytest.mark.parametrize(
    "tags",
    [
        ["k8s"],
        ["dotrain"],
        ["dotrain:bert"],
        ["dotrain", "dotrain:ernie"],
        ["dotrain", "dotrain-max-age:1h"],
    ],
)
def test_a_cluster_of_somebody_else_is_none_of_dotrain_s(tags) -> None:
    assert verdicts.name_of(cluster() | {"tags": tags}) is None
    assert verdicts.name_of(cluster()) == "bert"


def test_a_tag_without_its_cluster_is_told_and_counts_what_carries_it() -> None:
    def tag(name: str, count: int = 0) -> dict:
        return {"name": name, "resources": {"count": count}}

    stranger = cluster(pools=(pool("train", "running", tags=("dotrain:odd",)),))
    tags = [
        tag("dotrain:bert", 5),
        tag("dotrain:odd", 1),
        tag("dotrain:cut", 2),
        tag("dotrain:begun"),
        *(tag(one, 7) for one in ("dotrain", "dotrain:", "dotrain-max-age:1h", "k8s:1", "mine")),
    ]
    assert verdicts.leftovers(tags, [stranger]) == {"cut": 2, "begun": 0}
    assert "a teardown was cut off" in verdicts.leftover(2).why


@pytest.mark.parametrize(
    ("one", "asked"),
    [
        (cluster("dotrain-idle:1h"), True),
        (cluster("dotrain-idle:2d"), False),
        (cluster(), False),
        (cluster("dotrain-idle:1h", "dotrain-max-age:2h"), False),
        (cluster("dotrain-idle:1h", pools=()), False),
        (cluster("dotrain-idle:1h", pools=(pool("t", "running", made="2026-01-01T23:30:00Z"),)), 0),
        # In time to be warned of.
        (cluster("dotrain-idle:1h", pools=(pool("t", "running", made="2026-01-01T23:14:00Z"),)), 1),
    ],
)
def test_only_what_may_have_been_idle_that_long_is_asked(one, asked) -> None:
    assert verdicts.may_be_idle(one, NOW) == asked
