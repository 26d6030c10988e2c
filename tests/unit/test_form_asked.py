"""What stands in the form becomes exactly a call of `up`, or a sentence for each mistake."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dotrain
from dotrain import changes
from dotrain.grants import Grant
from dotrain.pools import SYSTEM_POOL, Pool
from dotrain.spec import ClusterSpec, Database
from dotrain.widgets.form import summary
from dotrain.widgets.form import values as of
from dotrain.widgets.form.asked import Asked, Known, ask
from dotrain.widgets.form.values import PoolRow, SourceRow
from tests.unit import strategies
from tests.unit.forms import BERT, KNOWN, NOW, known

# Random specs, as they stand in the fields; a paused one cannot be asked for.
specs = strategies.specs.map(lambda spec: replace(spec, system=SYSTEM_POOL, paused=False))
# Fewer of them, where it is about what differs between two.
variants = st.builds(
    ClusterSpec,
    name=st.just("bert"),
    region=st.sampled_from(["nyc3", "ams3"]),
    pools=st.sampled_from(
        [(Pool(),), (Pool(count=2),), (Pool("a"),), (Pool(), Pool("a", min=0, max=2))]
    ),
    allow=st.lists(
        st.sampled_from(
            [Grant("me"), Grant("192.0.2.1/32", ("api",), "a"), Grant("0.0.0.0/0", ("https",))]
        ),
        min_size=1,
        unique=True,
    ).map(tuple),
    open_to_world=st.just(value=True),
    egress=st.sampled_from([("web",), ("locked", "tcp 443 to 203.0.113.0/24")]),
    database=st.sampled_from([None, Database(), Database("mysql", nodes=2)]),
    ha=st.booleans(),
    max_age=st.sampled_from([None, "12h"]),
    budget=st.sampled_from([None, 50]),
    reaper=st.booleans(),
)


def called(code: str) -> dict[str, Any]:
    """Return the arguments with which `code` calls `up`."""
    calls = []

    class Captured:
        Pool, Grant, Database = dotrain.Pool, dotrain.Grant, dotrain.Database

        @staticmethod
        def up(name: str, **arguments: Any) -> None:
            calls.append({"name": name, **arguments})

    exec(code, {"dotrain": Captured})
    (only,) = calls
    return only


def written(spec: ClusterSpec) -> dict[str, Any]:
    """Return a spec as a dictionary in which the order of grants is none."""
    data = spec.to_dict()
    return {**data, "allow": sorted(set(map(str, data["allow"])))}


def asked(**typed: Any) -> Asked:
    return ask(replace(BERT, **typed), KNOWN, NOW)


@given(specs)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_the_code_is_the_call_and_makes_what_is_asked_for(spec) -> None:
    shown = ask(of.of_spec(spec), Known(), NOW)
    if "allow" in shown.errors:  # of random grants none may reach the Kubernetes API
        return
    assert shown.errors == {}
    arguments = called(shown.code)
    assert arguments == {"name": spec.name, **shown.arguments}
    assert changes.asked(None, shown.arguments, spec.name, NOW) == shown.spec
    assert written(shown.spec) == written(spec)


@given(variants, variants)
def test_of_a_cluster_that_exists_only_what_changes_is_asked_for(before, after) -> None:
    if before.database and not after.database:
        after = replace(after, database=before.database)  # nothing takes one away but down
    typed = replace(of.of_spec(after), replace=before.name, force=True)
    shown = ask(typed, Known(state=known(before).state), NOW)
    if "allow" in shown.errors:
        return
    assert shown.errors == {}
    arguments = called(shown.code)
    assert arguments == {"name": before.name, **shown.arguments}
    assert arguments.pop("replace") == before.name
    assert arguments.pop("force") is True
    assert arguments.pop("name") == before.name
    assert written(changes.asked(before, arguments, before.name, NOW)) == written(after)
    unchanged = {
        key for key in arguments if key in vars(after) and getattr(before, key) == vars(after)[key]
    }
    assert unchanged <= {"open_to_world"}  # which a new list of grants takes back


@given(variants)
def test_what_is_as_it_is_needs_no_argument(spec) -> None:
    shown = ask(of.of_spec(spec), known(spec), NOW)
    assert shown.arguments == {}
    assert shown.changes == []
    assert shown.code == f'cluster = dotrain.up("{spec.name}")'


def test_defaults_are_left_out() -> None:
    assert asked().code == 'cluster = dotrain.up("bert")'
    assert asked().spec == ClusterSpec("bert")


def test_a_long_call_has_a_line_for_each_argument() -> None:
    rows = (PoolRow("train", "s-4vcpu-8gb", 2), PoolRow("gpu", "gpu-h100x1-80gb", 1, True, 0, 4))
    shown = asked(pools=rows, region="tor1", max_age="12h", budget="$50")
    assert shown.code == (
        "cluster = dotrain.up(\n"
        '    "bert",\n'
        '    region="tor1",\n'
        "    pools=[\n"
        '        dotrain.Pool(size="s-4vcpu-8gb", count=2),\n'
        '        dotrain.Pool("gpu", size="gpu-h100x1-80gb", min=0, max=4),\n'
        "    ],\n"
        '    max_age="12h",\n'
        '    budget="$50",\n'
        ")"
    )


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"name": "Bert"}, "name", "'Bert' cannot be the name of a cluster."),
        ({"name": ""}, "name", "'' cannot be the name of a cluster."),
        ({"region": "mars1"}, "region", "There is no region 'mars1' for Kubernetes."),
        ({"version": "1.1"}, "version", "There is no Kubernetes version '1.1'"),
        ({"pools": (PoolRow("A"),)}, "pools.0.name", "'A' cannot be the name of a node pool."),
        ({"pools": (PoolRow(size="huge"),)}, "pools.0.size", "no node size 'huge' (pool 'train')"),
        ({"pools": (PoolRow(count=0),)}, "pools.0.count", "It is a whole number of at least 1."),
        (
            {"pools": (PoolRow(autoscaled=True, count=9),)},
            "pools.0.count",
            "would begin with 9 nodes, and have 1 to 4",
        ),
        ({"pools": (PoolRow(labels="a b=c"),)}, "pools.0.labels", "is not a label of a node."),
        ({"pools": (PoolRow(labels="team"),)}, "pools.0.labels", "'team': None is not a label"),
        ({"pools": (PoolRow(taints="spot"),)}, "pools.0.taints", "'spot' is not a taint."),
        ({"pools": (PoolRow(), PoolRow())}, "pools", "Two node pools are called 'train'."),
        ({"pools": ()}, "pools", "A cluster without training nodes cannot train."),
        (
            {"pools": (PoolRow(size="gpu-h100x1-80gb"),)},
            "pools.0.size",
            "gpu-h100x1-80gb is not in nyc3; it is in nyc2, ams3, tor1.",
        ),
        ({"me": False}, "allow", "Nobody may enter the cluster."),
        ({"sources": (SourceRow(""),)}, "sources.0.source", "An empty address lets nobody in."),
        (
            {"sources": (SourceRow("10.0.0.1/8"),)},
            "sources.0.source",
            "the network it lies in is 10.0.0.0/8",
        ),
        ({"sources": (SourceRow("192.0.2.9", "shh"),)}, "sources.0.to", "'shh' is not a service."),
        ({"sources": (SourceRow("192.0.2.9", ""),)}, "sources.0.to", "lets nobody in."),
        (
            {"sources": (SourceRow("2001:db8::1", "api"),)},
            "sources.0.to",
            "cannot be let into the control-plane.",
        ),
        (
            {"sources": (SourceRow("192.0.2.9", label="<b>"),)},
            "sources.0.label",
            "'<b>' cannot be a label.",
        ),
        (
            {"sources": (SourceRow("192.0.2.9", expires="soon"),)},
            "sources.0.expires",
            "'soon' is not a span of time.",
        ),
        (
            {"sources": (SourceRow("192.0.2.9", expires="2020-01-01T00:00:00Z"),)},
            "sources.0.expires",
            "is over.",
        ),
        (
            {"sources": (SourceRow("0.0.0.0/0"),)},
            "open_to_world",
            "The cluster's ssh would be open to the world.",
        ),
        (
            {"sources": (SourceRow("192.0.2.1", label="a"), SourceRow("192.0.2.2", label="a"))},
            "allow",
            "Two grants are labelled 'a'.",
        ),
        (
            {"me": False, "sources": (SourceRow("192.0.2.9", "ssh"),)},
            "allow",
            "Nobody could reach the Kubernetes API of 'bert'.",
        ),
        ({"egress": "webs"}, "egress", "'webs' is not a choice of egress."),
        ({"egress": ""}, "egress", "Nodes that reach nothing cannot pull an image."),
        ({"engine": "pg", "database_nodes": 0}, "database_nodes", "It is a whole number"),
        ({"engine": "pg", "database_size": ""}, "database_size", "'' is not a size."),
        (
            {"engine": "pg", "database_version": "9"},
            "database_version",
            "There is no pg version '9' for new databases.",
        ),
        ({"max_age": "12"}, "max_age", "'12' is not a span of time."),
        ({"idle": "0h"}, "idle", "can be waited for."),
        ({"budget": "much"}, "budget", "'much' is not a sum of money."),
        ({"replace": "gpt"}, "replace", "What may be replaced was named 'gpt'."),
        ({"drain_timeout": "x"}, "drain_timeout", "'x' is not a span of time."),
    ],
)
def test_what_is_wrong_stands_beside_its_field(typed, field, sentence) -> None:
    shown = asked(**typed)
    assert list(shown.errors) == [field]
    assert sentence in shown.errors[field]
    assert shown.spec is None


def test_several_mistakes_are_said_at_once_in_the_order_of_reading() -> None:
    shown = asked(name="B", pools=(PoolRow(count=0, taints="x"),), egress="x", budget="x")
    assert list(shown.errors) == ["name", "pools.0.count", "pools.0.taints", "budget", "egress"]


def test_a_size_that_is_elsewhere_is_said_whatever_else_is_wrong() -> None:
    shown = asked(name="", pools=(PoolRow(size="gpu-h100x1-80gb"),), budget="x")
    assert list(shown.errors) == ["name", "pools.0.size", "budget"]


@pytest.mark.parametrize(
    "typed", [{"max_age": "12"}, {"budget": "much"}, {"sources": (SourceRow(""),)}]
)
def test_the_price_does_not_wait_for_what_has_none(typed) -> None:
    shown = asked(**typed, pools=(PoolRow(count=2),))
    assert shown.spec is None
    assert "pool train: 2 x s-2vcpu-4gb" in {line.item for line in shown.lines}
    told = "Who gains access is shown when nothing above is wrong." in summary.access(shown)
    assert told == ("sources" in typed)


def test_the_sentences_are_those_that_up_raises() -> None:
    for typed, arguments in (
        ({"sources": (SourceRow("0.0.0.0/0"),)}, {"allow": ["me", "0.0.0.0/0"]}),
        ({"egress": "webs"}, {"egress": "webs"}),
        ({"max_age": "12"}, {"max_age": "12"}),
        ({"budget": "much"}, {"budget": "much"}),
    ):
        with pytest.raises(dotrain.DotrainError) as raised:
            changes.asked(None, arguments, "bert", NOW)
        (said,) = asked(**typed).errors.values()
        assert said == str(raised.value)


def test_everybody_may_enter_where_that_is_said() -> None:
    shown = asked(sources=(SourceRow("0.0.0.0/0", "https"),), open_to_world=True)
    assert shown.errors == {}
    assert shown.arguments["open_to_world"] is True


def test_a_span_becomes_an_instant_that_the_code_names() -> None:
    shown = asked(sources=(SourceRow("192.0.2.9", "jupyter", "ben", "8h"),))
    grant = Grant("192.0.2.9/32", ("jupyter",), "ben", "2026-07-01T20:00:00Z")
    assert called(shown.code)["allow"] == ["me", grant]


def test_a_price_that_is_not_known_is_no_price_of_nothing() -> None:
    shown = asked(engine="pg")
    priced = {line.item: line.hourly for line in shown.lines}
    assert priced["pool train: 1 x s-2vcpu-4gb"] == pytest.approx(24 / 672, abs=1e-4)
    assert [item for item, hourly in priced.items() if hourly is None] == [
        item for item in priced if item.startswith("database")
    ]
    unread = ask(BERT, Known(), NOW)
    assert {line.hourly for line in unread.lines} == {None}


def test_price_and_access_are_shown_before_there_is_a_name() -> None:
    shown = asked(name="")
    assert shown.spec is None
    assert len(shown.lines) == 2
    assert {rule.peer for rule in shown.gained if rule.direction == "inbound"} == {"203.0.113.7/32"}


def test_an_address_that_is_not_known_yet_stands_as_me() -> None:
    shown = ask(BERT, replace(KNOWN, address=None), NOW)
    assert shown.errors == {}
    assert {rule.peer for rule in shown.gained if rule.direction == "inbound"} == {"me"}


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_whatever_is_typed_is_a_call_or_a_sentence(name, source, label) -> None:
    row = SourceRow(source, label, label, source)
    shown = asked(name=name, sources=(row,), egress=label, budget=source, idle=label)
    assert bool(shown.errors) == (shown.spec is None)
    compile(shown.code, "code", "exec")
