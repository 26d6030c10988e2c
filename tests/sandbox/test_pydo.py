"""DigitalOcean's own Python client makes, reads, changes and deletes each kind of object."""

import pytest

from . import coverage
from .conftest import BALANCER, DATABASE, FIREWALL


@pytest.fixture(scope="module")
def pydo(server):
    """The client, whose own way to send a token is not for plain HTTP to this machine."""
    # Imported late: each process that collects tests would read its 21 MB.
    from azure.core.pipeline.policies import HeadersPolicy
    from pydo import Client

    token = server.card["token"]
    sent = HeadersPolicy({"Authorization": f"Bearer {token}"})
    with Client(token, endpoint=server.url, authentication_policy=sent) as client:
        yield client
    asked = server.get("/__sandbox__/requests")["requests"]
    coverage.whole("pydo", coverage.seen(asked))


@pytest.fixture
def cluster(pydo, server):
    """A cluster that runs."""
    pool = {"name": "default", "size": "s-1vcpu-2gb", "count": 1}
    body = {"name": "c", "region": "nyc3", "version": "1.33.4-do.0", "node_pools": [pool]}
    made = pydo.kubernetes.create_cluster(body)["kubernetes_cluster"]
    path = f"/v2/kubernetes/clusters/{made['id']}"
    server.until(path, lambda one: one.json()["kubernetes_cluster"]["status"]["state"] == "running")
    yield made["id"]
    pydo.kubernetes.delete_cluster(made["id"])
    server.until_gone(path)


def missing(read, *arguments):
    """Return whether reading something says that it is not there: as an answer, and no error."""
    return read(*arguments)["id"] == "not_found"


def test_accounts(pydo):
    assert pydo.account.get()["account"]["status"] == "active"
    assert pydo.balance.get()["account_balance"] == "0.00"
    assert "nyc3" in {one["slug"] for one in pydo.regions.list(per_page=200)["regions"]}
    assert "s-1vcpu-2gb" in {one["slug"] for one in pydo.sizes.list(per_page=200)["sizes"]}
    assert pydo.kubernetes.list_options()["options"]["versions"]
    assert "pg" in pydo.databases.list_options()["options"]


def test_clusters(pydo, cluster):
    from azure.core.exceptions import DecodeError

    kubernetes = pydo.kubernetes
    assert [one["id"] for one in kubernetes.list_clusters()["kubernetes_clusters"]] == [cluster]
    kubernetes.update_cluster(cluster, {"name": "d", "tags": ["mine"]})
    changed = kubernetes.get_cluster(cluster)["kubernetes_cluster"]
    assert changed["name"] == "d"
    assert "mine" in changed["tags"]
    assert kubernetes.get_credentials(cluster)["token"]
    with pytest.raises(DecodeError, match="application/yaml"):
        # It reads JSON alone, and this is none, here and there.
        kubernetes.get_kubeconfig(cluster)
    assert kubernetes.get_cluster_user(cluster)["kubernetes_cluster_user"]["username"]
    assert kubernetes.get_status_messages(cluster)["messages"] is not None
    version = kubernetes.get_available_upgrades(cluster)["available_upgrade_versions"][0]["slug"]
    kubernetes.upgrade_cluster(cluster, {"version": version})
    assert kubernetes.get_cluster(cluster)["kubernetes_cluster"]["version"] == version


def test_pools(pydo, cluster, server):
    from azure.core.exceptions import HttpResponseError

    kubernetes = pydo.kubernetes
    body = {"name": "b", "size": "c-2", "count": 2}
    pool = kubernetes.add_node_pool(cluster, body)["node_pool"]["id"]
    assert len(kubernetes.list_node_pools(cluster)["node_pools"]) == 2
    kubernetes.update_node_pool(cluster, pool, {"name": "b", "count": 3})
    read = kubernetes.get_node_pool(cluster, pool)["node_pool"]
    assert read["count"] == 3
    kubernetes.delete_node(cluster, pool, read["nodes"][0]["id"])
    kubernetes.recycle_node_pool(cluster, pool, {"nodes": [read["nodes"][1]["id"]]})
    droplet = pydo.droplets.list(tag_name=f"k8s:{cluster}")["droplets"][0]
    assert pydo.droplets.get(droplet["id"])["droplet"]["id"] == droplet["id"]
    with pytest.raises(HttpResponseError, match="Accepted"):
        # Done, and answered 202, as was recorded; the document, and so the client, has 204.
        kubernetes.delete_node_pool(cluster, pool)
    server.until_gone(f"/v2/kubernetes/clusters/{cluster}/node_pools/{pool}")
    assert missing(kubernetes.get_node_pool, cluster, pool)


def test_what_a_cluster_leaves(pydo, server):
    body = {"region": "nyc3", "version": "1.34.1-do.0"}
    body["node_pools"] = [{"name": "default", "size": "s-1vcpu-2gb", "count": 1}]
    for how in ("selective", "dangerous"):
        made = pydo.kubernetes.create_cluster({**body, "name": how})["kubernetes_cluster"]["id"]
        left = pydo.kubernetes.list_associated_resources(made)
        assert set(left) == {"load_balancers", "volumes", "volume_snapshots"}
        if how == "selective":
            pydo.kubernetes.destroy_associated_resources_selective(made, {"volumes": []})
        else:
            pydo.kubernetes.destroy_associated_resources_dangerous(made)
        server.until_gone(f"/v2/kubernetes/clusters/{made}")


def test_firewalls_and_tags(pydo, cluster):
    pydo.tags.create({"name": "there"})
    firewall = pydo.firewalls.create({**FIREWALL, "tags": ["there"]})["firewall"]["id"]
    assert [one["id"] for one in pydo.firewalls.list()["firewalls"] if one["name"] == "fw"] == [
        firewall
    ]
    more = {"inbound_rules": [{**FIREWALL["inbound_rules"][0], "ports": "443"}]}
    droplet = pydo.droplets.list(tag_name=f"k8s:{cluster}")["droplets"][0]["id"]
    pydo.firewalls.add_rules(firewall, more)
    pydo.firewalls.add_tags(firewall, {"tags": [f"k8s:{cluster}"]})
    pydo.firewalls.assign_droplets(firewall, {"droplet_ids": [droplet]})
    read = pydo.firewalls.get(firewall)["firewall"]
    assert [rule["ports"] for rule in read["inbound_rules"]] == ["22", "443"]
    assert (read["tags"], read["droplet_ids"]) == (["there", f"k8s:{cluster}"], [droplet])
    pydo.firewalls.delete_rules(firewall, more)
    pydo.firewalls.delete_tags(firewall, {"tags": [f"k8s:{cluster}"]})
    pydo.firewalls.delete_droplets(firewall, {"droplet_ids": [droplet]})
    pydo.firewalls.update(firewall, {**FIREWALL, "name": "fw2", "tags": ["there"]})
    read = pydo.firewalls.get(firewall)["firewall"]
    assert (read["name"], read["tags"], read["droplet_ids"]) == ("fw2", ["there"], [])
    pydo.firewalls.delete(firewall)
    assert missing(pydo.firewalls.get, firewall)
    carried = {"resources": [{"resource_id": str(droplet), "resource_type": "droplet"}]}
    pydo.tags.assign_resources("there", carried)
    assert pydo.tags.get("there")["tag"]["resources"]["droplets"]["count"] == 1
    pydo.tags.unassign_resources("there", carried)
    assert "there" in {one["name"] for one in pydo.tags.list(per_page=200)["tags"]}
    pydo.tags.delete("there")
    assert missing(pydo.tags.get, "there")


def test_databases(pydo, cluster, server):
    databases = pydo.databases
    made = databases.create_cluster(DATABASE)["database"]["id"]
    server.until(f"/v2/databases/{made}", lambda one: one.json()["database"]["status"] == "online")
    assert [one["id"] for one in databases.list_clusters()["databases"]] == [made]
    databases.update_firewall_rules(made, {"rules": [{"type": "k8s", "value": cluster}]})
    (rule,) = databases.list_firewall_rules(made)["rules"]
    assert (rule["type"], rule["value"]) == ("k8s", cluster)
    databases.update_cluster_size(made, {"size": "db-s-2vcpu-4gb", "num_nodes": 2})
    databases.update_region(made, {"region": "ams3"})
    databases.update_maintenance_window(made, {"day": "tuesday", "hour": "04:00"})
    databases.update_major_version(made, {"version": "17"})
    read = databases.get_cluster(made)["database"]
    assert (read["size"], read["num_nodes"], read["region"]) == ("db-s-2vcpu-4gb", 2, "ams3")
    assert (read["version"], read["maintenance_window"]["day"]) == ("17", "tuesday")
    assert databases.get_ca(made)["ca"]["certificate"]
    databases.destroy_cluster(made)
    assert missing(databases.get_cluster, made)


def test_networks_and_balancers(pydo):
    body = {"name": "net", "region": "nyc3", "ip_range": "10.9.0.0/24"}
    vpc = pydo.vpcs.create(body)["vpc"]["id"]
    pydo.vpcs.update(vpc, {"name": "net2", "description": "d"})
    pydo.vpcs.patch(vpc, {"name": "net3"})
    assert pydo.vpcs.get(vpc)["vpc"]["name"] == "net3"
    assert vpc in {one["id"] for one in pydo.vpcs.list()["vpcs"]}
    balancer = pydo.load_balancers.create({**BALANCER, "vpc_uuid": vpc})["load_balancer"]["id"]
    pydo.load_balancers.update(balancer, {**BALANCER, "name": "lb2"})
    assert pydo.load_balancers.get(balancer)["load_balancer"]["name"] == "lb2"
    assert [one["id"] for one in pydo.load_balancers.list()["load_balancers"]] == [balancer]
    pydo.vpcs.list_members(vpc)
    pydo.load_balancers.delete(balancer)
    pydo.vpcs.delete(vpc)
    assert missing(pydo.load_balancers.get, balancer)
    assert missing(pydo.vpcs.get, vpc)


def test_volumes_and_snapshots(pydo):
    body = {"name": "disk", "region": "nyc3", "size_gigabytes": 10}
    volume = pydo.volumes.create(body)["volume"]["id"]
    assert pydo.volumes.get(volume)["volume"]["size_gigabytes"] == 10
    assert [one["id"] for one in pydo.volumes.list(name="disk")["volumes"]] == [volume]
    one = pydo.volume_snapshots.create(volume, {"name": "copy"})["snapshot"]["id"]
    assert [found["id"] for found in pydo.volume_snapshots.list(volume)["snapshots"]] == [one]
    assert pydo.snapshots.get(one)["snapshot"]["name"] == "copy"
    assert [found["id"] for found in pydo.snapshots.list()["snapshots"]] == [one]
    pydo.snapshots.delete(one)
    assert missing(pydo.snapshots.get, one)
    pydo.volumes.delete(volume)
    assert missing(pydo.volumes.get, volume)
    pydo.volumes.create(body)
    pydo.volumes.delete_by_name(name="disk", region="nyc3")
    assert pydo.volumes.list()["volumes"] == []


def test_projects(pydo, cluster):
    projects = pydo.projects
    whole = {"name": "p", "description": "", "purpose": "train", "environment": "Staging"}
    project = projects.create({"name": "p", "purpose": "train"})["project"]["id"]
    projects.update(project, {**whole, "is_default": False})
    projects.patch(project, {"name": "p2"})
    assert projects.get(project)["project"]["name"] == "p2"
    assert project in {one["id"] for one in projects.list()["projects"]}
    urn = f"do:kubernetes:{cluster}"
    projects.assign_resources(project, {"resources": [urn]})
    assert [one["urn"] for one in projects.list_resources(project)["resources"]] == [urn]
    projects.assign_resources_default({"resources": [urn]})
    assert urn in {one["urn"] for one in projects.list_resources_default()["resources"]}
    projects.update_default({**whole, "name": "d", "is_default": True})
    projects.patch_default({"purpose": "all else"})
    assert projects.get_default()["project"]["purpose"] == "all else"
    projects.delete(project)
    assert missing(projects.get, project)
