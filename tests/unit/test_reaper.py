"""What the reaper is in Kubernetes: least privilege, one secret in one place."""

from __future__ import annotations

import ast
import base64
import dataclasses
import datetime as dt
import json
import sys
from pathlib import Path

import pytest

from dotrain import durations, limits, objects, pricing, reaping, spending, timers
from dotrain.errors import ConfigError, MissingToken, SpecError
from dotrain.pools import Pool
from dotrain.reaper import installing, manifests, script
from dotrain.spec import ClusterSpec
from dotrain.target import Target
from tests.unit.conftest import Answer

TOKEN = "dop_v1_4ea9e4"
SPEC = ClusterSpec("bert", pools=(Pool(size="s-4"),), max_age="12h")
SIZES = [
    {"slug": "s-1vcpu-2gb", "price_hourly": 0.018, "price_monthly": 12.0},
    {"slug": "s-4", "price_hourly": 0.07, "price_monthly": 47.04},
]
PRICES = {"s-1vcpu-2gb": (0.018, 12.0), "s-4": (0.07, 47.04)}
ACCOUNT = Target("digitalocean", "https://api.digitalocean.com", "dop_v1_0wn", Path())

NOW = dt.datetime(2026, 2, 10, tzinfo=dt.timezone.utc)


def hours_ago(hours: float) -> str:
    return (NOW - dt.timedelta(hours=hours)).isoformat()


def pool(name: str, *made: float, state: str = "running", size: str = "s-4") -> dict:
    """Return a pool with a node for each number: made so many hours ago."""
    nodes = [{"created_at": hours_ago(one), "status": {"state": state}} for one in made]
    return {"name": name, "size": size, "count": len(nodes), "nodes": nodes}


def cluster(*tags: str, pools: tuple[dict, ...]) -> dict:
    nodes = [pool("system", 900), *pools]
    return {"tags": list(tags), "created_at": hours_ago(900), "node_pools": nodes}


@pytest.fixture
def made() -> dict[str, manifests.Manifest]:
    found = manifests.manifests(SPEC, "c1", TOKEN, {"s-4": PRICES["s-4"]})
    return {one["kind"]: one for one in found}


def pod(made: dict[str, manifests.Manifest]) -> manifests.Manifest:
    return made["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def test_it_may_look_at_what_works_and_nothing_else(made) -> None:
    assert made["ClusterRole"]["rules"] == [
        {"apiGroups": [""], "resources": ["pods", "nodes", "events"], "verbs": ["list"]}
    ]
    assert "Role" not in made
    assert made["ServiceAccount"]["automountServiceAccountToken"] is False


def test_its_token_is_in_the_secret_alone_and_shown_nowhere(made) -> None:
    secret = made.pop("Secret")
    hidden = base64.b64encode(TOKEN.encode()).decode()
    assert secret["data"] == {"token": hidden}
    for text in (TOKEN, hidden):
        assert text not in json.dumps(made)
        assert text not in repr(secret)


def test_its_pod_is_as_restricted_as_kubernetes_asks_for(made) -> None:
    enforced = made["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    assert enforced == "restricted"
    spec = pod(made)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all(mount["readOnly"] for mount in container["volumeMounts"])
    # It outlives the nodes that it takes.
    assert spec["nodeSelector"] == {"doks.digitalocean.com/node-pool": "system"}
    assert made["NetworkPolicy"]["spec"]["ingress"] == []


def test_it_runs_the_script_with_all_that_this_reads(made) -> None:
    code = made["ConfigMap"]["data"]["reap.py"]
    assert code == Path(script.__file__).read_text()
    given = {one["name"]: one["value"] for one in pod(made)["containers"][0]["env"]}
    assert json.loads(given["DOTRAIN_PRICES"]) == {"s-4": [0.07, 47.04]}
    assert set(given) <= {word for word in code.split('"') if word.startswith("DOTRAIN_")} | {
        "DOTRAIN_CLUSTER_ID"
    }


def test_the_script_needs_python_alone() -> None:
    tree = ast.parse(Path(script.__file__).read_text())
    imported = {
        name.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            node.names if isinstance(node, ast.Import) else [ast.alias(node.module or ".")]
        )
    }
    assert imported <= sys.stdlib_module_names


@pytest.mark.parametrize("span", ["1s", "90m", "1d1h30m", "2w"])
def test_it_reads_the_tags_as_they_are_written(span) -> None:
    spec = ClusterSpec("bert", max_age=span, idle=span)
    cluster = {"tags": timers.tags(spec)}
    for what in ("max-age", "idle"):
        assert script.limit(cluster, what) == durations.parse(span)


@pytest.mark.parametrize("span", ["soon", "999999999w", "1000000000001h", "3661d", "٣h", ""])
def test_it_acts_on_no_span_that_the_sweep_does_not_read(span) -> None:
    assert script.limit({"tags": [f"dotrain-idle:{span}"]}, "idle") is None
    with pytest.raises(SpecError):
        durations.parse(span)


@pytest.mark.parametrize("cents", ["0", "5000", "5.0", "٣", "²", "9" * 240])
def test_it_reads_budgets_as_the_sweep_does(cents) -> None:
    tags = [f"dotrain-budget:{cents}"]
    assert script.budget({"tags": tags}) == limits.budget(tags)


def test_each_object_has_its_place_in_the_api(made) -> None:
    assert objects.location(made["NetworkPolicy"]) == (
        "/apis/networking.k8s.io/v1/namespaces/dotrain-system/networkpolicies/dotrain-reaper"
    )
    assert objects.location(made["Namespace"]) == "/api/v1/namespaces/dotrain-system"
    assert objects.location(made["ClusterRole"]).endswith("/v1/clusterroles/dotrain-reaper")


def test_installing_applies_all_in_order_with_the_token_of_the_environment(monkeypatch) -> None:
    monkeypatch.setenv("DOTRAIN_REAPER_TOKEN", f" {TOKEN}\n")
    applied: list[tuple[str, dict]] = []
    removed: list[str] = []

    spec = dataclasses.replace(SPEC, reaper=True)
    installing.install(lambda *one: applied.append(one), ACCOUNT, spec, {"id": "c1"}, SIZES)
    kinds = [manifest["kind"] for _, manifest in applied]
    assert kinds[0] == "Namespace"
    assert kinds[-1] == "CronJob"
    assert kinds.index("Secret") < kinds.index("CronJob")
    (prices,) = [
        json.loads(one["value"])
        for one in pod({"CronJob": applied[-1][1]})["containers"][0]["env"]
        if one["name"] == "DOTRAIN_PRICES"
    ]
    assert prices == {slug: list(both) for slug, both in PRICES.items()}
    installing.remove(removed.append)
    everywhere = {path for path, _ in applied if "/namespaces/dotrain-system/" not in path}
    assert set(removed) == everywhere


def test_it_gets_a_token_of_its_own_or_none(monkeypatch) -> None:
    with pytest.raises(MissingToken, match="kubernetes:read and kubernetes:update"):
        installing.token(ACCOUNT)
    monkeypatch.setenv("DOTRAIN_REAPER_TOKEN", ACCOUNT.token)
    with pytest.raises(ConfigError, match="Make another") as caught:
        installing.token(ACCOUNT)
    assert ACCOUNT.token not in str(caught.value)
    # A real token is none of the sandbox's business.
    assert (
        installing.token(dataclasses.replace(ACCOUNT, kind="sandbox", token="sandbox_1"))
        == "sandbox_1"
    )


def test_a_pool_that_is_being_made_is_no_idle_one(serve) -> None:
    server = serve()
    # Kubernetes has no node of it yet, and nothing runs.
    server.answer = lambda _: Answer(200, b'{"items": []}')
    kubernetes = script.Api(server.url, "pod-token")

    def why(*hours: float, state: str) -> str:
        one = cluster("dotrain-idle:1h", pools=(pool("train", *hours, state=state),))
        return script.reason(one, {}, kubernetes, NOW)

    assert why(0.1, state="provisioning") == ""
    assert why(5, 0.1, state="provisioning") == ""
    assert "nothing works on it since" in why(5, 1, state="running")


@pytest.mark.parametrize("hours", [0.5, 100, 900, 5000])
def test_its_sum_is_that_of_the_bill_a_month_costs_no_more_than_a_month(hours) -> None:
    one = cluster("dotrain-budget:1", pools=(pool("train", hours, hours / 3),))
    one["node_pools"][0]["size"] = "s-1vcpu-2gb"
    # As the environment brings them.
    prices = json.loads(json.dumps(PRICES))
    bill = spending.spent(one, pricing.prices(SIZES), NOW)
    assert script.spent(one, prices, NOW) == pytest.approx(bill.so_far)


def test_its_image_is_the_one_that_the_environment_names(monkeypatch) -> None:
    monkeypatch.setenv("DOTRAIN_REAPER_TOKEN", TOKEN)

    def image() -> str:
        applied: list[dict] = []
        installing.install(lambda _, made: applied.append(made), ACCOUNT, SPEC, {"id": "c1"}, SIZES)
        return pod({"CronJob": applied[-1]})["containers"][0]["image"]

    assert image() == manifests.IMAGE
    before = reaping._wanted(ACCOUNT, SPEC, "c1")
    digest = f"registry.example.com/python@sha256:{'0' * 64}"
    monkeypatch.setenv("DOTRAIN_REAPER_IMAGE", digest)
    assert image() == digest
    # So the next operation brings it.
    assert reaping._wanted(ACCOUNT, SPEC, "c1") != before


def test_a_pool_without_nodes_is_nothing_to_take() -> None:
    going = pool("going", 5, state="deleting")
    one = cluster(pools=(pool("scaled-to-zero"), going, pool("train", 5)))
    assert [taken["name"] for taken in script.training_pools(one)] == ["train"]
