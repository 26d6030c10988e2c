"""The reaper's script as in a Pod: DigitalOcean is the sandbox, Kubernetes a small server."""

from __future__ import annotations

import datetime as dt
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from dotrain.reaper import manifests, script
from tests.live import labelled
from tests.live.conftest import Sandbox, needed_scopes
from tests.unit.conftest import Answer, Request, Server, _serving

pytestmark = pytest.mark.long(20)

LONG_AGO = "2020-01-01T00:00:00Z"
NOW = dt.datetime.now(dt.timezone.utc)


def pod(namespace: str, phase: str, owner: str = "Job") -> dict[str, Any]:
    metadata = {"namespace": namespace, "creationTimestamp": LONG_AGO}
    return {
        "metadata": {**metadata, "ownerReferences": [{"kind": owner}]},
        "status": {"phase": phase, "startTime": LONG_AGO},
    }


IDLE = [
    pod("kube-system", "Running"),
    pod("dotrain-system", "Running"),
    pod("gpu-operator", "Running", "DaemonSet"),
    pod("default", "Succeeded"),
    pod("default", "Failed"),
]


class Kubernetes:
    """A Kubernetes API with lists of its own, two objects to a page."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.pods: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.status = 200
        server.answer = self.answer

    def answer(self, request: Request) -> Answer:
        assert request.authorization == "Bearer pod-token"
        where = urlsplit(request.path)
        items = {"/api/v1/pods": self.pods, "/api/v1/events": self.events}.get(where.path, [])
        start = int(parse_qs(where.query).get("continue", ["0"])[0])
        more = {"continue": str(start + 2)} if len(items) > start + 2 else {}
        body = {"items": items[start : start + 2], "metadata": more}
        return Answer(self.status, json.dumps(body).encode())


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def kubernetes(authority: trustme.CA) -> Iterator[Kubernetes]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with _serving(context) as server:
        yield Kubernetes(server)


class Reaper:
    """Runs the script for a cluster of the sandbox."""

    def __init__(self, sandbox: Sandbox, cluster: str, kubernetes: str, home: Path) -> None:
        (home / "token").write_text(f"{sandbox.token}\n")
        (home / "pod").write_text("pod-token")
        self.token = sandbox.token
        self.environment = {
            "PATH": os.environ["PATH"],
            "DOTRAIN_CLUSTER_ID": cluster,
            "DOTRAIN_API_URL": sandbox.url,
            "DOTRAIN_TOKEN_FILE": str(home / "token"),
            "DOTRAIN_KUBERNETES_URL": kubernetes,
            "DOTRAIN_KUBERNETES_CA": str(home / "ca.crt"),
            "DOTRAIN_KUBERNETES_TOKEN_FILE": str(home / "pod"),
            "DOTRAIN_PRICES": '{"s-1vcpu-2gb": [0.018, 12], "s-2vcpu-4gb": [0.036, 24]}',
        }

    def __call__(self, status: int = 0, **changed: str) -> str:
        """Run it, and return what it said."""
        result = subprocess.run(
            [sys.executable, "-I", "-B", script.__file__],
            env={**self.environment, **changed},
            capture_output=True,
            text=True,
            check=False,
        )
        said = result.stdout + result.stderr
        assert result.returncode == status, said
        assert self.token not in said
        assert "Traceback" not in said
        return said


@pytest.fixture
def reaper(
    sandbox: Sandbox, kubernetes: Kubernetes, authority: trustme.CA, tmp_path: Path
) -> Iterator[Reaper]:
    cluster = labelled.bare(sandbox, "reaped")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.crt"))
    yield Reaper(sandbox, cluster["id"], kubernetes.server.url, tmp_path)
    sandbox.call("POST", "/__sandbox__/reset")


def staying(sandbox: Sandbox) -> list[str]:
    (cluster,) = sandbox.objects("clusters")
    pools = cluster["node_pools"]
    return [one["name"] for one in pools if one["nodes"][0]["status"]["state"] != "deleting"]


BOTH, SYSTEM = ["system", "train-s-2vcpu-4gb"], ["system"]


def test_without_limits_nothing_is_asked_of_kubernetes_and_nothing_done(
    reaper: Reaper, sandbox: Sandbox, kubernetes: Kubernetes
) -> None:
    assert "may stay" in reaper()
    assert kubernetes.server.requests == []
    assert staying(sandbox) == BOTH


def test_what_is_too_old_loses_its_training_nodes_once(reaper: Reaper, sandbox: Sandbox) -> None:
    labelled.retag(sandbox, "reaped", "dotrain-max-age:1s")
    time.sleep(1)
    before = sandbox.last_request()
    assert "older than" in reaper()
    assert needed_scopes(sandbox.requests(before)) <= set(manifests.SCOPES)
    assert staying(sandbox) == SYSTEM
    before = sandbox.last_request()
    assert "no training nodes" in reaper()
    assert sandbox.changes(before) == []


@pytest.mark.parametrize("phase", ["Running", "Pending", "Unknown"])
def test_what_runs_or_waits_is_work(
    reaper: Reaper, sandbox: Sandbox, kubernetes: Kubernetes, phase: str
) -> None:
    labelled.retag(sandbox, "reaped", "dotrain-idle:1s")
    kubernetes.pods = [*IDLE, pod("default", phase)]
    assert "may stay" in reaper()
    # The last page was read, too.
    assert len(kubernetes.server.requests) == 3
    assert staying(sandbox) == BOTH


def test_what_is_idle_loses_its_training_nodes(
    reaper: Reaper, sandbox: Sandbox, kubernetes: Kubernetes
) -> None:
    kubernetes.pods = IDLE
    labelled.retag(sandbox, "reaped", "dotrain-idle:12h")
    assert "may stay" in reaper()
    labelled.retag(sandbox, "reaped", "dotrain-idle:1s")
    time.sleep(1)
    assert "nothing works on it since" in reaper()
    assert staying(sandbox) == SYSTEM


def test_a_job_that_was_deleted_a_moment_ago_is_known_by_its_events(
    reaper: Reaper, sandbox: Sandbox, kubernetes: Kubernetes
) -> None:
    labelled.retag(sandbox, "reaped", "dotrain-idle:1s")
    later = (dt.datetime.now(dt.timezone.utc) + dt.timedelta(minutes=5)).isoformat()
    about = {"kind": "Pod", "namespace": "default"}
    kubernetes.events = [
        {"metadata": {"creationTimestamp": LONG_AGO}, "involvedObject": about, "eventTime": later}
    ]
    assert "may stay" in reaper()
    assert staying(sandbox) == BOTH


def test_what_is_not_known_is_not_acted_on(
    reaper: Reaper, sandbox: Sandbox, kubernetes: Kubernetes
) -> None:
    labelled.retag(sandbox, "reaped", "dotrain-idle:1s", "dotrain-budget:1000000")
    kubernetes.status = 403
    assert "answered 403" in reaper(1)
    kubernetes.status = 200
    kubernetes.pods = [pod("default", "Running")]
    assert "price of s-1vcpu-2gb" in reaper(1, DOTRAIN_PRICES="{}")
    assert "in the clear" in reaper(1, DOTRAIN_API_URL="http://192.0.2.1")
    assert "token" in reaper(1, DOTRAIN_TOKEN_FILE="/nowhere/token")
    assert staying(sandbox) == BOTH


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_clock_that_is_wrong_takes_nothing(
    reaper: Reaper, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    labelled.retag(sandbox, "reaped", "dotrain-max-age:1s")
    for name, value in reaper.environment.items():
        monkeypatch.setenv(name, value)
    wrong = dt.datetime.now(dt.timezone.utc) + dt.timedelta(minutes=minutes)
    monkeypatch.setattr(script, "_now", lambda: wrong)
    with pytest.raises(script.Unknown, match="the clock says"):
        script.reap()
    assert staying(sandbox) == BOTH


def test_a_token_goes_to_nobody_who_is_not_who_was_meant(
    reaper: Reaper, sandbox: Sandbox, kubernetes: Kubernetes, tmp_path: Path
) -> None:
    labelled.retag(sandbox, "reaped", "dotrain-idle:1s")
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.crt"))
    said = reaper(1, DOTRAIN_KUBERNETES_CA=str(tmp_path / "other.crt"))
    assert "certificate verify failed" in said
    assert kubernetes.server.requests == []
    kubernetes.server.answer = lambda _: Answer(302, headers={"location": "/elsewhere"})
    assert "answered 302" in reaper(1)
    assert len(kubernetes.server.requests) == 1


def test_a_spent_budget_is_seen_by_the_nodes_there_are() -> None:
    hour_ago = (NOW - dt.timedelta(hours=10)).isoformat()
    cluster = {
        "tags": ["dotrain-budget:500", "dotrain-budget:none"],
        "node_pools": [{"size": "big", "nodes": [{"created_at": hour_ago}] * 2}],
        "created_at": hour_ago,
    }
    assert script.budget(cluster) == 5.0
    assert script.spent(cluster, {"big": [0.25, 168]}, NOW) == pytest.approx(5.0)
    no_api: Any = None
    assert "$5.00 of $5.00" in script.reason(cluster, {"big": [0.25, 168]}, no_api, NOW)
    assert script.reason(cluster, {"big": [0.2, 134]}, no_api, NOW) == ""
