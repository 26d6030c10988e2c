"""What ends a cluster that nothing works on: a sweep, and the reaper in the cluster itself."""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

import dotrain
from dotrain.errors import ConfigError, MissingToken
from dotrain.reaper import installing, manifests, script
from dotrain.target import Target
from tests.kubernetes import work
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(60)

GPU = dotrain.Pool("train", size="gpu-h100x8-640gb", count=2)
NAME = manifests.NAME
SPACE = manifests.NAMESPACE


@pytest.fixture(scope="module")
def timed(sandbox: Sandbox) -> Iterator[dotrain.Cluster]:
    """A cluster that may cost a cent, and may lie idle for a second, with a reaper in it."""
    made = dotrain.up("timed", pool=GPU, region="nyc2", idle="1s", reaper=True)
    yield made
    made.down(confirm="timed")


def swept(name: str = "timed") -> dict[str, tuple[str, str]]:
    """Sweep, and return why and how it went for each action on a cluster."""
    frame = dotrain.sweep()
    mine = frame[frame.cluster == name]
    return {row.action: (row.why, row.outcome) for row in mine.itertuples()}


def training(cluster: dotrain.Cluster) -> list[str]:
    return [one for one in cluster.nodes().pool if one != "system"]


class Reaper:
    """Runs the installed script with what its Pod would find: its token, its environment."""

    def __init__(self, cluster: dotrain.Cluster, home: Path) -> None:
        kube = cluster._kube()
        config = yaml.safe_load(cluster.kubeconfig().read_text())["clusters"][0]["cluster"]
        self.kube = kube
        self.url = config["server"]
        (home / "ca.crt").write_bytes(_decoded(config["certificate-authority-data"]))
        self.token = kube._send(
            "POST",
            url=f"serviceaccounts/{NAME}/token",
            namespace=SPACE,
            content='{"spec": {}}',
        )["status"]["token"]
        (home / "pod").write_text(self.token)
        secret = self.find(f"/api/v1/namespaces/{SPACE}/secrets/{NAME}")["data"]
        (home / "token").write_bytes(_decoded(next(iter(secret.values()))))
        source = self.find(f"/api/v1/namespaces/{SPACE}/configmaps/{NAME}")["data"]
        assert source == {"reap.py": Path(script.__file__).read_text()}
        job = self.find(f"/apis/batch/v1/namespaces/{SPACE}/cronjobs/{NAME}")
        (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        given = {one["name"]: one.get("value", "") for one in container["env"]}
        self.environment = {
            **given,
            "PATH": os.environ["PATH"],
            "DOTRAIN_TOKEN_FILE": str(home / "token"),
            "DOTRAIN_KUBERNETES_URL": self.url,
            "DOTRAIN_KUBERNETES_CA": str(home / "ca.crt"),
            "DOTRAIN_KUBERNETES_TOKEN_FILE": str(home / "pod"),
        }
        self.authority = str(home / "ca.crt")

    def find(self, path: str) -> dict[str, Any]:
        base, _, name = path.rpartition("/")
        return self.kube._send("GET", version="", base=base, url=name)

    def run(self) -> str:
        result = subprocess.run(
            [sys.executable, "-I", "-B", script.__file__],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        said = result.stdout + result.stderr
        assert result.returncode == 0, said
        assert self.token not in said
        return said

    def status(self, path: str, method: str = "GET") -> int:
        """Return how Kubernetes answers the reaper's own token."""
        context = ssl.create_default_context(cafile=self.authority)
        headers = {"Authorization": f"Bearer {self.token}"}
        with closing(httpx.Client(base_url=self.url, headers=headers, verify=context)) as http:
            return http.request(method, path).status_code


def _decoded(text: str) -> bytes:
    return base64.b64decode(text)


@pytest.fixture(scope="module")
def reaper(timed: dotrain.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Reaper:
    return Reaper(timed, tmp_path_factory.mktemp("reaper"))


def test_the_reaper_is_a_cron_job_that_pod_security_lets_run(timed, reaper) -> None:
    job = reaper.find(f"/apis/batch/v1/namespaces/{SPACE}/cronjobs/{NAME}")
    assert job["spec"]["schedule"] == manifests.EVERY
    space = reaper.find(f"/api/v1/namespaces/{SPACE}")
    level = "pod-security.kubernetes.io/enforce"
    assert space["metadata"]["labels"][level] == "restricted"
    # Started by hand, as the schedule would: admitted, given a node, and run.
    made = {
        "metadata": {"generateName": "now-", "namespace": SPACE},
        "spec": job["spec"]["jobTemplate"]["spec"],
    }
    reaper.kube._send(
        "POST",
        version="",
        base=f"/apis/batch/v1/namespaces/{SPACE}",
        url="jobs",
        content=json.dumps(made),
    )
    work.until(lambda: "Running" in set(timed.pods(SPACE).phase))
    (node,) = set(timed.pods(SPACE).node)
    assert node == "system-0"


def test_the_reapers_account_may_list_pods_nodes_and_events_and_no_more(reaper) -> None:
    allowed = {path: reaper.status(f"/api/v1/{path}") for path in ("pods", "nodes", "events")}
    assert set(allowed.values()) == {200}
    for method, path in (
        ("GET", "/api/v1/secrets"),
        ("GET", f"/api/v1/namespaces/{SPACE}/secrets/{NAME}"),
        ("GET", "/api/v1/configmaps"),
        ("DELETE", "/api/v1/nodes/system-0"),
        ("GET", "/apis/batch/v1/jobs"),
    ):
        assert reaper.status(path, method) == 403, (method, path)


def test_what_works_is_left_alone_by_both(timed, reaper) -> None:
    toleration = [{"operator": "Exists"}]
    with work.deployed(timed, "train", 1, tolerations=toleration):
        time.sleep(1)
        reaper.run()
        assert swept() == {"keep": ("is not idle (at most 1s)", "")}
    assert len(training(timed)) == 2


def test_who_is_not_let_in_changes_what_is_not_the_reapers_all_the_same(timed) -> None:
    dotrain.use_sandbox(address="198.51.100.9")
    try:
        dotrain.up("timed", max_age="12h", force=True, allow=["203.0.113.7"])
        timed.extend("1h")
    finally:
        dotrain.use_sandbox()
    assert timed.spec.max_age == "13h"
    dotrain.up("timed", max_age="none", allow="me")


def test_a_sweep_that_is_not_let_in_says_so_and_does_nothing(timed) -> None:
    dotrain.use_sandbox(address="198.51.100.9")
    try:
        (why, outcome) = swept()["unknown"]
    finally:
        dotrain.use_sandbox()
    assert "does not let this machine in" in why
    assert outcome == ""
    assert len(training(timed)) == 2


def test_the_reaper_takes_the_nodes_of_an_idle_cluster(timed, reaper) -> None:
    work.until(lambda: "train" not in _pools(timed, reaper))
    work.until(lambda: training(timed) == [])
    # Of this Pulumi knows nothing until it looks.
    timed.up()
    assert len(training(timed)) == 2


def _pools(cluster: dotrain.Cluster, reaper: Reaper) -> list[str]:
    reaper.run()
    return training(cluster)


def test_a_sweep_takes_the_nodes_of_an_idle_cluster_and_the_spec_says_so(timed) -> None:
    time.sleep(1.2)
    why, outcome = swept()["pause"]
    assert "is idle for" in why
    assert outcome == "done"
    assert training(timed) == []
    assert timed.spec.paused


def test_a_sweep_takes_the_nodes_when_the_budget_is_spent(timed) -> None:
    timed.resume()
    # Two of these nodes cost 48 dollars an hour.
    with pytest.warns(dotrain.errors.BudgetRunsOut, match="of its budget"):
        dotrain.up("timed", idle="none", budget="$0.01")
    why, outcome = swept()["pause"]
    assert "of its budget is spent" in why
    assert outcome == "done"
    assert training(timed) == []


def test_a_reaper_that_is_not_wanted_any_more_goes_as_soon_as_it_can_be_reached(
    timed, reaper
) -> None:
    dotrain.use_sandbox(address="198.51.100.9")
    try:
        with pytest.raises(dotrain.errors.AddressMoved):
            dotrain.up("timed", reaper=False, budget="none", allow=["203.0.113.7"], force=True)
    finally:
        dotrain.use_sandbox()
    dotrain.up("timed")
    path = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{NAME}"
    with pytest.raises(dotrain.errors.KubernetesNotFound):
        reaper.find(path)
    work.until(lambda: set(timed.pods(SPACE).phase) <= {"Succeeded"})


def test_a_reaper_needs_a_token_of_its_own(monkeypatch, tmp_path) -> None:
    real = Target("digitalocean", "https://api.digitalocean.com", "dop_v1_mine", tmp_path)
    monkeypatch.delenv("DOTRAIN_REAPER_TOKEN", raising=False)
    with pytest.raises(MissingToken, match="DOTRAIN_REAPER_TOKEN"):
        installing.token(real)
    monkeypatch.setenv("DOTRAIN_REAPER_TOKEN", "dop_v1_mine")
    with pytest.raises(ConfigError, match="works with"):
        installing.token(real)
