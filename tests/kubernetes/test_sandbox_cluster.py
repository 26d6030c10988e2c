"""A sandbox cluster with a control plane, as dotrain sees it."""

from __future__ import annotations

import pytest

import dotrain
from dotrain import config
from dotrain.errors import SandboxError

pytestmark = pytest.mark.long(20)


def test_the_endpoint_is_that_of_a_real_api(cluster: dotrain.Cluster) -> None:
    server = cluster.outputs["k8s_cluster_endpoint"]
    assert server.startswith("https://127.0.0.1:")
    assert f"server: {server}\n" in cluster.kubeconfig().read_text()


def test_control_planes_stay_as_they_were_asked_for_until_something_else_is(sandbox) -> None:
    def programs() -> str:
        return sandbox.call("POST", "/__sandbox__/settings")["kubernetes"]

    try:
        dotrain.use_sandbox()
        assert programs() == str(config.kubernetes())
        dotrain.use_sandbox(kubernetes=False)
        dotrain.use_sandbox()
        assert programs() == ""
    finally:
        dotrain.use_sandbox(kubernetes=True)
    assert programs() == str(config.kubernetes())


def test_a_sandbox_without_a_control_plane_built_says_how_to_build_it(monkeypatch) -> None:
    monkeypatch.setenv("DOTRAIN_KUBERNETES", "/nonexistent")
    with pytest.raises(SandboxError, match="install-kubernetes"):
        dotrain.use_sandbox(kubernetes=True)
