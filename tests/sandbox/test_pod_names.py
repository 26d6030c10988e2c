"""What a Pod calls by a name of the cluster's network, and what that is on this machine."""

from __future__ import annotations

import pytest

from dotrain.sandbox.kubernetes.kubelet.local import Local

POD = {"metadata": {"name": "one", "namespace": "training"}, "spec": {}}


@pytest.mark.parametrize(
    ("said", "here"),
    [
        ("tcp://dask-scheduler.training.svc.cluster.local:8786", "tcp://127.0.0.1:8786"),
        ("ray-head-svc.training.svc:6379", "127.0.0.1:6379"),
        # Of another namespace, or of somebody else's network.
        ("board.default.svc.cluster.local", "board.default.svc.cluster.local"),
        ("https://training.svc.example.com", "https://training.svc.example.com"),
        # All interfaces of the Pod are not all of this machine.
        ("--host=0.0.0.0", "--host=127.0.0.1"),
        ("0.0.0.0:8787", "127.0.0.1:8787"),
        ("10.0.0.0.5", "10.0.0.0.5"),
    ],
)
def test_a_service_and_every_interface_are_on_this_machine_alone(said, here) -> None:
    assert Local(POD, {}, "10.244.0.7")(said) == here
