"""Pools: what Kubernetes and DigitalOcean would refuse is refused before; the rest is kept."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from dotrain.errors import SpecError
from dotrain.pools import Pool, parse_taint


def refused(**fields: object) -> SpecError:
    with pytest.raises(SpecError) as caught:
        Pool(**fields)
    assert caught.value.fix
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "labels",
    [
        {"team": "nlp"},
        {"example.com/team": "nlp.1_a-b"},
        {"team": ""},
        {"A" * 63: "b" * 63},
        {f"{'d' * 253}/team": "x"},
    ],
)
def test_kubernetes_labels_are_taken(labels) -> None:
    assert Pool(labels=labels).labels == labels


@pytest.mark.parametrize(
    "labels",
    [
        *({"": "a"}, {"a b": "c"}, {"a" * 64: ""}, {"a": "b" * 64}, {"-a": "b"}, {"a": "b-"}),
        *({"/a": "b"}, {"A.com/x": "b"}, {"a/b/c": "d"}, {"a\n": "b"}, {"é": "b"}),
        *({"a": 1}, {1: "a"}, {"a": None}, "team", ["team"], None, 7),
    ],
)
def test_what_is_no_label_is_refused(labels) -> None:
    assert "label" in refused(labels=labels).what


@pytest.mark.parametrize(
    "key",
    [
        *("dotrain/pool", "doks.digitalocean.com/gpu-brand", "kubernetes.io/hostname"),
        *("node.kubernetes.io/instance-type", "k8s.io/x", "node-role.k8s.io/gpu"),
    ],
)
def test_labels_that_others_set_are_taken(key) -> None:
    assert "is taken" in refused(labels={key: "x"}).what


@pytest.mark.parametrize(
    ("taint", "parts"),
    [
        ("team=nlp:NoSchedule", ("team", "nlp", "NoSchedule")),
        ("spot:NoExecute", ("spot", "", "NoExecute")),
        ("example.com/gpu=:PreferNoSchedule", ("example.com/gpu", "", "PreferNoSchedule")),
    ],
)
def test_taints_are_as_kubectl_writes_them(taint, parts) -> None:
    assert parse_taint(taint) == parts
    assert Pool(taints=[taint]).taints == Pool(taints=taint).taints == (taint,)


@pytest.mark.parametrize(
    "taint",
    [
        *("", "team", "team=nlp", "team:Never", ":NoSchedule", "=a:NoSchedule", "a b:NoSchedule"),
        *("a=b=c:NoSchedule", "a=b:noschedule", "a:NoSchedule:NoExecute", "a=é:NoSchedule"),
        *("a:NoSchedule\n", 7, None, ("a", "b")),
    ],
)
def test_what_is_no_taint_is_refused(taint) -> None:
    assert repr(taint) in refused(taints=[taint]).what


@pytest.mark.parametrize("scaling", [{"min": 0, "max": 1}, {"min": 1, "max": 4, "count": 3}])
def test_a_pool_between_two_numbers_is_autoscaled(scaling) -> None:
    assert Pool(**scaling).autoscaled
    assert not Pool().autoscaled


@pytest.mark.parametrize(
    "scaling",
    [
        *({"min": 1}, {"max": 4}, {"min": 3, "max": 2, "count": 2}, {"min": 2, "max": 4}),
        *({"min": -1, "max": 2}, {"min": 0, "max": 0}, {"min": 1, "max": 2, "count": 3}),
        *({"min": True, "max": 2}, {"min": 0, "max": 2.0}, {"min": "0", "max": "2"}),
    ],
)
def test_a_range_that_is_none_is_refused(scaling) -> None:
    assert "pool" in refused(**scaling).what.casefold()


@pytest.mark.parametrize("size", ["s-4vcpu-8gb", "gpu-h100x1-80gb", "c2-16vcpu-32gb"])
def test_a_size_in_the_place_of_the_name_is_noticed(size) -> None:
    assert f"size={size!r}" in refused(name=size).fix


def test_a_pool_shows_what_it_is_and_no_more() -> None:
    assert repr(Pool("cpu", "s-2vcpu-4gb", 2)) == "Pool('cpu', size='s-2vcpu-4gb', count=2)"
    full = Pool("gpu", min=0, max=4, labels={"team": "nlp"}, taints=["spot:NoExecute"])
    assert repr(full) == (
        "Pool('gpu', size='s-2vcpu-4gb', count=1, min=0, max=4, labels={'team': 'nlp'}, "
        "taints=('spot:NoExecute',))"
    )
    assert eval(repr(full)) == full


def test_a_pool_is_the_same_after_a_trip_through_json() -> None:
    pool = Pool("gpu", min=0, max=4, labels={"team": "nlp"}, taints=["spot:NoExecute"])
    assert Pool.from_dict(json.loads(json.dumps(asdict(pool)))) == pool


def test_what_an_older_dotrain_wrote_of_a_pool_is_read() -> None:
    assert Pool.from_dict({"size": "s-2vcpu-4gb", "count": 2, "name": "a"}) == Pool("a", count=2)


def test_a_pool_does_not_change_with_what_it_was_made_of() -> None:
    labels = {"team": "nlp"}
    pool = Pool(labels=labels)
    labels["team"] = "vision"
    assert pool.labels == {"team": "nlp"}
