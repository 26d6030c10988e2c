"""The provider as a process, and as a service that the engine asks."""

import os
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import (
    plugin_pb2,  # noqa: F401 - registers the messages below
    provider_pb2_grpc,
)
from pulumi.runtime.proto import provider_pb2 as pb

from dotrain.sandbox.provider import wire

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "dotrain.sandbox.provider"]
URN = "urn:pulumi:s::p::digitalocean:index/{}::n"


@pytest.fixture
def stub():
    """Return a client of a provider that runs."""
    environment = {**os.environ, "DIGITALOCEAN_API_URL": "http://127.0.0.1:9"}
    environment.pop("DIGITALOCEAN_TOKEN", None)
    with subprocess.Popen(
        COMMAND, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        port = process.stdout.readline().strip()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield provider_pb2_grpc.ResourceProviderStub(channel)
        process.kill()


def check(stub, kind, news, olds=None):
    request = pb.CheckRequest(
        urn=URN.format(kind), news=wire.dump(news), olds=wire.dump(olds or {}), randomSeed=b"1"
    )
    return stub.Check(request)


def test_it_prints_its_port_and_nothing_else_and_ends_with_what_started_it():
    start = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(60)"
    parent = [sys.executable, "-c", start, *COMMAND]
    with subprocess.Popen(parent, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert int(process.stdout.readline()) > 0
        process.kill()
        # The output ends when the last process that could write to it has ended.
        assert process.communicate(timeout=10)[0] == ""


def test_it_presents_itself_as_the_version_it_stands_in_for(stub):
    assert stub.GetPluginInfo(pb.google_dot_protobuf_dot_empty__pb2.Empty()).version == "4.84.1"
    assert "digitalocean" in stub.GetSchema(pb.GetSchemaRequest()).schema


def test_defaults_are_filled_in_and_noted(stub):
    pool = {"name": "p", "size": "s", "nodeCount": 1}
    news = {"name": "x", "region": "r", "version": "1", "nodePool": pool}
    found = wire.load(check(stub, "kubernetesCluster:KubernetesCluster", news).inputs)
    filled = {"ha": False, "surgeUpgrade": True, "destroyAllAssociatedResources": False}
    assert filled.items() <= found.items()
    assert found["nodePool"]["autoScale"] is False
    assert found["__defaults"] == sorted(filled)


def test_a_missing_name_is_made_up_once(stub):
    first = wire.load(check(stub, "tag:Tag", {}).inputs)
    assert first["name"].startswith("n-")
    assert first["__defaults"] == ["name"]
    assert wire.load(check(stub, "tag:Tag", {}, first).inputs) == first


def test_inputs_that_cannot_work_are_named(stub):
    rules = [{"protocol": "tcp", "portRange": "22", "sourceAddresses": [""]}]
    (failure,) = check(stub, "firewall:Firewall", {"inboundRules": rules}).failures
    assert failure.reason == "inboundRules[0].sourceAddresses[0] must not be empty"
    (failure,) = check(stub, "databaseCluster:DatabaseCluster", {"sqlMode": "ANSI"}).failures
    assert failure.property == "sqlMode"


def test_what_only_the_api_can_say_is_unknown_in_a_preview(stub):
    pool = {"name": "p", "size": "s", "nodeCount": 1}
    inputs = {"name": "x", "region": "r", "version": "1", "nodePool": pool}
    urn = URN.format("kubernetesCluster:KubernetesCluster")
    request = pb.CreateRequest(urn=urn, properties=wire.dump(inputs), preview=True)
    found = wire.load(stub.Create(request).properties)
    for name in ("endpoint", "kubeConfigs", "vpcUuid", "status"):
        assert found[name] == wire.UNKNOWN
    assert found["nodePool"] == {
        **pool,
        **dict.fromkeys(("id", "nodes", "actualNodeCount"), wire.UNKNOWN),
    }


def test_a_type_it_does_not_know_is_an_error_that_says_so(stub):
    request = pb.CreateRequest(urn=URN.format("droplet:Droplet"))
    with pytest.raises(grpc.RpcError) as failure:
        stub.Create(request)
    assert "no resource type digitalocean:index/droplet:Droplet" in failure.value.details()


def test_another_endpoint_is_refused_as_it_is_configured(stub):
    args = wire.dump({"apiEndpoint": "https://api.digitalocean.com"})
    with pytest.raises(grpc.RpcError) as failure:
        stub.Configure(pb.ConfigureRequest(args=args))
    assert "not on this machine" in failure.value.details()


def test_cancelling_is_answered(stub):
    stub.Cancel(pb.google_dot_protobuf_dot_empty__pb2.Empty())
