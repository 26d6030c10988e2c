"""Bodies and state, where the recording has no case of them."""

from dotrain.sandbox.provider import (
    cluster_data,
    credentials,
    database_data,
    database_firewall,
    pools,
    vpc,
)

TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
CLUSTER = {
    "name": "x",
    "region": "nyc3",
    "version": "1.34.1-do.0",
    "nodePool": {"name": "p", "size": "s", "nodeCount": 1},
}


def test_tags_of_the_api_and_of_the_provider_are_not_ours():
    tags = ["k8s", "k8s:worker", "k8s:1234", "terraform:default-node-pool", "k8s-node", "mine"]
    assert pools.own_tags(tags) == ["k8s-node", "mine"]


def test_taints_are_sent_with_capitals_and_read_in_any_case():
    pool = {"name": "p", "size": "s", "nodeCount": 1, "taints": [TAINT]}
    capitals = {"Key": "gpu", "Value": "yes", "Effect": "NoSchedule"}
    assert pools.create_body(pool)["taints"] == [capitals]
    assert pools.update_body(pool)["taints"] == [capitals]
    for answered in (capitals, TAINT):
        state = pools.state_of({"name": "p", "size": "s", "count": 1, "taints": [answered]})
        assert state["taints"] == [TAINT]


def test_a_pool_that_scales_itself_is_not_told_a_count():
    pool = {"name": "p", "size": "s", "autoScale": True, "minNodes": 1, "maxNodes": 4}
    assert pools.create_body(pool) == {
        "name": "p",
        "size": "s",
        "auto_scale": True,
        "min_nodes": 1,
        "max_nodes": 4,
    }
    assert "count" not in pools.update_body(pool)


def test_the_clusters_own_pool_keeps_its_mark_when_changed():
    tags = pools.update_body({"name": "p", "tags": ["mine"]}, pools.DEFAULT_TAG)["tags"]
    assert tags == ["mine", "terraform:default-node-pool"]


def test_a_surge_upgrade_switched_off_is_sent_at_creation_only():
    inputs = CLUSTER | {"surgeUpgrade": False}
    assert cluster_data.create_body(inputs)["surge_upgrade"] is False
    assert "surge_upgrade" not in cluster_data.update_body(inputs)


def test_what_is_set_of_a_cluster_is_sent():
    inputs = CLUSTER | {
        "ha": True,
        "tags": ["t"],
        "maintenancePolicy": {"day": "monday", "startTime": "04:00"},
        "routingAgent": {"enabled": True},
        "nfsCsiPlugin": {"enabled": True},
        "clusterAutoscalerConfigurations": [{"scaleDownUnneededTime": "1m"}],
    }
    for sent in (cluster_data.create_body(inputs), cluster_data.update_body(inputs)):
        assert sent["ha"] is True
        assert sent["tags"] == ["t"]
        assert sent["maintenance_policy"]["start_time"] == "04:00"
        assert sent["routing_agent"] == sent["nfs_csi_plugin"] == {"enabled": True}
        scaling = sent["cluster_autoscaler_configuration"]
        assert scaling["scale_down_unneeded_time"] == "1m"
        assert scaling["expanders"] is None


def test_the_kubeconfig_names_region_and_cluster():
    answer = {
        "server": "https://x",
        "certificate_authority_data": "Y2E=",
        "token": "t",
        "expires_at": "2999-01-01T00:00:00Z",
    }
    (found,) = credentials.state_of("x", "nyc3", answer)
    assert "current-context: do-nyc3-x\n" in found["rawConfig"]
    assert credentials.still_valid([found])
    assert not credentials.still_valid([found | {"expiresAt": "2001-01-01T00:00:00Z"}])
    assert not credentials.still_valid(None)


def test_a_database_keeps_the_password_that_later_answers_leave_out():
    answer = {
        "id": "d1",
        **dict.fromkeys(("name", "engine", "version", "size", "region"), "x"),
        "num_nodes": 1,
        "connection": {
            "uri": "postgres://doadmin@h:25060/db?sslmode=require",
            "user": "doadmin",
            "host": "h",
            "port": 25060,
            "database": "db",
        },
    }
    state = database_data.state_of(answer, {"password": "p@ss"})
    assert state["uri"] == "postgres://doadmin:p%40ss@h:25060/db?sslmode=require"
    assert state["clusterUrn"] == "do:dbaas:d1"


def test_seconds_that_the_api_adds_to_an_hour_are_no_change():
    window = {"day": "monday", "hour": "13:00:00"}
    answer = {
        "id": "d1",
        **dict.fromkeys(("name", "engine", "version", "size", "region"), "x"),
        "num_nodes": 1,
        "maintenance_window": window,
    }
    written = [{"day": "monday", "hour": "13:00"}]
    state = database_data.state_of(answer, {"maintenanceWindows": written})
    assert state["maintenanceWindows"] == written


def test_a_database_rule_that_stays_keeps_its_uuid():
    state = {"rules": [{"type": "k8s", "value": "c", "uuid": "u1"}]}
    inputs = {
        "rules": [{"type": "k8s", "value": "c"}, {"type": "ip_addr", "value": "1.1.1.1"}],
    }
    sent = database_firewall.body(inputs, state)["rules"]
    assert [rule["uuid"] for rule in sent] == ["u1", ""]


def test_a_vpc_sends_only_what_is_set():
    inputs = {"name": "v", "region": "nyc3", "ipRange": "10.0.0.0/20"}
    assert vpc.create_body(inputs) == {
        "name": "v",
        "region": "nyc3",
        "ip_range": "10.0.0.0/20",
    }
