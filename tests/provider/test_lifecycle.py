"""With the real engine: what a user sees beyond the recorded scenario."""

import dataclasses
import json

import pytest

from tests.provider.programs import Scenario, one_cluster, one_tag
from tests.provider.replay import Exchange, recorded
from tests.provider.traffic import TRAFFIC, needs_recording

# The SDK does not close the event loops of inline programs.
pytestmark = [
    pytest.mark.long(60),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

ANSWERS = {
    "tag": "dotrain-x",
    "vpc": "634f7b4c-dc05-4b1e-918a-7000ed887a06",
    "db": "9bf70ab2-ecf9-4868-9160-9e9681b1bb78",
    "db-fw": "9bf70ab2-ecf9-4868-9160-9e9681b1bb78",
    "fw": "b9a50680-ad0f-4122-88e1-cf8271a15026",
    "cluster": "3f469d73-11ce-49a0-8c75-b53f35282135",
    "train": "9141324a-87b1-4be3-8e41-94c21c89efb4",
}


@needs_recording
def test_no_change_makes_no_request_and_no_secret_is_stored_in_the_open(
    stack_for, replay, tmp_path
):
    replay.load(recorded(TRAFFIC)["up (create)"])
    stack = stack_for(Scenario(), replay.url)
    stack.up()
    replay.load([])
    stack.workspace.program = Scenario(turned=True)
    assert stack.preview().change_summary == {"same": 8}
    assert stack.up().summary.resource_changes == {"same": 8}
    assert replay.requests == []

    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"kubeConfigs" in text for text in written)
    assert not any(b"dop_v1_secret" in text or b"u:p@h" in text for text in written)
    by_name = {
        resource["urn"].rpartition("::")[2]: resource["outputs"]
        for resource in stack.export_stack().deployment["resources"]
    }
    assert "dop_v1_secret_3f469d73" in json.dumps(by_name["cluster"]["kubeConfigs"])
    for name in ("password", "uri", "privateUri"):
        assert "plaintext" in by_name["db"][name], f"{name} is not a secret"
    assert by_name["cluster"]["nodePool"]["tags"] == ["k8s-node"]
    assert by_name["cluster"]["clusterUrn"] == f"do:kubernetes:{ANSWERS['cluster']}"


@needs_recording
def test_what_was_imported_by_id_is_then_all_the_same(stack_for, replay):
    steps = recorded(TRAFFIC)
    reads = [exchange for exchange in steps["up (create)"] if exchange.method == "GET"]
    (cluster,) = {
        json.dumps(exchange.response["kubernetes_cluster"])
        for exchange in steps["refresh"]
        if "kubernetes_cluster" in exchange.response
    }
    listed = {"kubernetes_clusters": [json.loads(cluster)], "meta": {"total": 1}}
    replay.load([*reads, Exchange("GET", "/v2/kubernetes/clusters", response=listed)])
    stack = stack_for(Scenario(imports=tuple(ANSWERS.items())), replay.url)
    # What only the program knows, to destroy what belongs to the cluster too, is noted afterwards.
    assert stack.up().summary.resource_changes == {"create": 1, "import": 7, "update": 1}
    assert {exchange.method for exchange in replay.requests} == {"GET"}

    stack.workspace.program = Scenario()
    assert stack.up().summary.resource_changes == {"same": 8}


@needs_recording
def test_a_refresh_sees_what_is_gone_and_what_another_hand_changed(stack_for, replay):
    steps = recorded(TRAFFIC)
    replay.load(steps["up (create)"])
    stack = stack_for(Scenario(), replay.url)
    stack.up()
    opened = [
        dataclasses.replace(exchange, response=_opened(exchange.response))
        for exchange in steps["refresh"]
        if "/tags/" not in exchange.path
    ]
    replay.load(opened)
    found = stack.refresh().summary.resource_changes
    assert found == {"same": 6, "delete": 1, "update": 1}
    assert stack.preview().change_summary == {"same": 6, "create": 1, "update": 1}


def _opened(answer):
    text = json.dumps(answer)
    return json.loads(text.replace('"ports": "22", ', '"ports": "1-1024", '))


def test_an_error_of_the_api_is_told_in_its_words_and_nothing_is_stored(stack_for, replay):
    answer = {"id": "unprocessable_entity", "message": "no such name", "request_id": "r-1"}
    replay.load([Exchange("POST", "/v2/tags", status=422, response=answer)])
    stack = stack_for(one_tag, replay.url)
    with pytest.raises(Exception, match="Error creating tag") as failure:
        stack.up()
    assert f'POST {replay.url}/v2/tags: 422 (request "r-1") no such name' in str(failure.value)
    kinds = [resource["type"] for resource in stack.export_stack().deployment["resources"]]
    assert not any(kind.endswith(":Tag") for kind in kinds)


def test_a_cluster_whose_wait_failed_is_not_in_the_state_as_with_the_official_one(
    stack_for, replay
):
    clusters = "/v2/kubernetes/clusters"
    failed = {"id": "c1", "status": {"state": "error", "message": "no capacity"}}
    answer = {"kubernetes_cluster": failed}
    replay.load(
        [
            Exchange("POST", clusters, status=201, response=answer),
            Exchange("GET", f"{clusters}/c1", response=answer),
        ]
    )
    stack = stack_for(one_cluster, replay.url)
    with pytest.raises(Exception, match="Error creating Kubernetes cluster: no capacity"):
        stack.up()
    kinds = [resource["type"] for resource in stack.export_stack().deployment["resources"]]
    assert not any(kind.endswith(":KubernetesCluster") for kind in kinds)
