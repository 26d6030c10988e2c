"""Which pool a job runs in, and why none can: said before anything is made, with what it costs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dotrain.errors import ClusterPaused, TaskDoesNotFit
from dotrain.jobs import fitting
from dotrain.jobs.fitting import Place
from dotrain.jobs.task import Task
from dotrain.offers import Offer, offers
from dotrain.pools import Pool
from dotrain.sandbox import catalog
from dotrain.spec import ClusterSpec
from tests.unit.kubernetes import a_node, a_pod

OFFERS = offers(catalog.sizes(), catalog.kubernetes_options())
CPU = Pool(size="s-4vcpu-8gb", count=2)
GPU = Pool("gpu", size="gpu-h100x1-80gb", count=1)
BOTH = ClusterSpec("bert", region="nyc2", pools=(CPU, GPU))
GIB = 2**30
DISK = 150


def nodes_of(*pools: Pool) -> list[dict[str, Any]]:
    """The Nodes of pools, each with what its size has less 0.1 vCPU and 1 GiB."""
    found = []
    for pool in pools:
        offer = next(one for one in OFFERS if one.slug == pool.size)
        kind = "amd.com/gpu" if offer.gpu.startswith("amd") else "nvidia.com/gpu"
        allocatable = {
            "cpu": f"{offer.vcpus * 1000 - 100}m",
            "memory": f"{int(offer.memory_gib - 1) * 2**20}Ki",
            "ephemeral-storage": str(DISK * GIB),
            **({kind: str(offer.gpus)} if offer.gpus else {}),
        }
        labels = {"dotrain/pool": pool.name, "node.kubernetes.io/instance-type": pool.size}
        found += [
            a_node(f"{pool.name}-{n}", labels=labels, allocatable=allocatable)
            for n in range(pool.count)
        ]
    return found


DAEMONS = (500, GIB // 2)


def system_on(*nodes: str, owner: str = "DaemonSet") -> list[dict[str, Any]]:
    """What DigitalOcean runs on nodes: a Pod on each, as large as all of a DaemonSet together."""
    requests = {"cpu": f"{DAEMONS[0]}m", "memory": str(DAEMONS[1])}
    containers = [{"name": "main", "resources": {"requests": requests}}]
    return [
        a_pod(f"cilium-{node}", "kube-system", owner=owner, node=node, containers=containers)
        for node in nodes
    ]


def no_offers() -> list[Offer]:
    raise AssertionError("DigitalOcean was asked")


def place(
    spec: ClusterSpec = BOTH,
    *,
    there: Any = None,
    ask: Any = None,
    pods: Any = None,
    **task: Any,
) -> Place:
    there = nodes_of(*spec.pools) if there is None else there
    pods = system_on(*(one["metadata"]["name"] for one in there)) if pods is None else pods
    wanted = Task("python train.py", **{"image": "python:3.13-slim", **task})
    return fitting.place(wanted, spec, there, ask or (lambda: OFFERS), pods)


def refused(spec: ClusterSpec = BOTH, **task: Any) -> TaskDoesNotFit:
    with pytest.raises(TaskDoesNotFit) as caught:
        place(spec, **task)
    return caught.value


def only(pool: Pool, region: str = "nyc2", **changes: Any) -> ClusterSpec:
    return ClusterSpec("bert", region=region, pools=(pool,), **changes)


def test_a_job_gets_nine_tenths_of_what_the_system_leaves_unless_it_says_more() -> None:
    assert place() == Place("train", 2835, int(6.25 * GIB * 0.9), disk=DISK * GIB * 4 // 5)
    asked = place(cpus=3.25, memory="6Gi")
    assert (asked.millicpus, asked.memory) == (3250, 6 * GIB)


def test_the_pods_of_the_system_on_the_fullest_node_of_the_pool_are_left_their_own() -> None:
    daemons, more = system_on("train-0", "train-1"), system_on("train-0", owner="ReplicaSet")
    assert place(pods=daemons + more).millicpus == int((3900 - 1000) * 0.9)
    # These may go elsewhere: what needs their room is not refused.
    assert place(pods=daemons + more, cpus=3.4).millicpus == 3400
    ended = [{**one, "status": {"phase": "Succeeded"}} for one in more]
    elsewhere = system_on("gpu-0", "gpu-0", "gpu-0")
    assert place(pods=daemons + ended + elsewhere) == place()


def test_where_no_pod_of_a_daemon_set_is_yet_as_much_is_left_to_them_as_usual() -> None:
    assert place(pods=()).millicpus == int((3900 - 750) * 0.9)
    assert place(pods=()).memory == int((7 - 0.75) * GIB * 0.9)
    # So is it where some of them are: on a new node the others come later.
    assert place(pods=()) == place()


def test_who_takes_some_of_a_nodes_gpus_leaves_the_rest_of_it_too() -> None:
    eight = only(Pool("gpu", size="gpu-h100x8-640gb"))
    whole, some = place(eight, gpus_per_node=8), place(eight, gpus_per_node=2)
    assert (some.millicpus, some.memory) == (whole.millicpus // 4, whole.memory // 4)


def test_a_pool_of_which_nothing_is_known_is_no_matter_of_who_fits_another() -> None:
    unlisted = Pool("old", size="s-retired", count=1, min=0, max=2)
    spec = ClusterSpec("bert", region="nyc2", pools=(unlisted, CPU))
    assert place(spec, there=nodes_of(CPU)).pool == "train"
    for alone in ({"pool": "old"}, {"spec": only(unlisted)}):
        with pytest.raises(TaskDoesNotFit, match="Nothing is known of what a node of pool 'old'"):
            place(**{"spec": spec, "there": [], **alone})


def test_the_cheapest_pool_that_fits_is_taken() -> None:
    dear = Pool("big", size="g-8vcpu-32gb", count=4)
    spec = ClusterSpec("bert", region="nyc2", pools=(dear, CPU))
    assert place(spec).pool == "train"
    assert place(spec, there=nodes_of(dear, CPU), cpus=6).pool == "big"
    assert place(spec, pool="big").pool == "big"


def test_more_nodes_than_the_cheapest_pool_has_go_to_another() -> None:
    dear = Pool("big", size="g-8vcpu-32gb", count=4)
    spec = ClusterSpec("bert", region="nyc2", pools=(CPU, dear))
    assert place(spec, nodes=3).pool == "big"


@pytest.mark.parametrize(
    ("size", "kind"),
    [("gpu-h100x8-640gb", "nvidia.com/gpu"), ("gpu-mi300x8-1536gb", "amd.com/gpu")],
)
def test_gpus_are_asked_for_as_the_size_has_them(size, kind) -> None:
    pool = Pool("gpu", size=size)
    assert place(only(pool), gpus_per_node=8).gpu == kind
    # Its driver is not ready yet, or no node is there yet.
    assert place(only(pool), gpus_per_node=8, there=[]).gpu == kind
    bare = nodes_of(pool)
    del bare[0]["status"]["allocatable"][kind]
    assert place(only(pool), gpus_per_node=8, there=bare).gpu == kind


def test_a_job_without_gpus_asks_for_none_on_a_node_with_gpus() -> None:
    found = place(only(GPU))
    assert (found.pool, found.gpu, found.gpus) == ("gpu", "", 0)


def test_where_the_nodes_say_enough_digitalocean_is_not_asked() -> None:
    assert place(only(CPU), ask=no_offers).pool == "train"
    assert place(BOTH, gpus_per_node=1, ask=no_offers).pool == "gpu"


def test_a_pool_that_is_empty_now_is_known_by_its_size() -> None:
    pool = Pool("gpu", size="gpu-h100x8-640gb", count=1, min=0, max=4)
    found = place(only(pool), there=[], gpus_per_node=8)
    assert (found.gpus, found.millicpus, found.memory) == (
        8,
        (160_000 - 750) // 2,
        (1920 * GIB - GIB * 3 // 4) // 2,
    )


def test_the_autoscalers_most_nodes_count_and_not_those_there_are() -> None:
    scaled = Pool(size="s-4vcpu-8gb", count=1, min=1, max=4)
    assert place(only(scaled), nodes=4, ask=no_offers).pool == "train"
    advice = refused(only(scaled), nodes=5).fix
    assert "Call resize(max=5): 5 x s-4vcpu-8gb cost at most $0.357 an hour" in advice


def test_a_node_of_the_size_that_leaves_does_not_count() -> None:
    new = Pool(size="c-8", count=1)
    old = Pool(size="s-4vcpu-8gb", count=1)
    assert place(only(new), there=nodes_of(new, old), cpus=6).millicpus == 6000


def test_more_nodes_than_a_pool_has_are_refused_with_the_call_and_its_price() -> None:
    error = refused(only(CPU), nodes=4)
    assert error.what == "The job wants 4 nodes, and pool 'train' has 2."
    assert error.fix == (
        "Call resize(count=4): 4 x s-4vcpu-8gb cost $0.286 an hour instead of $0.143 an hour; "
        "or give nodes=2."
    )
    assert "Call resize(count=4, pool='train')" in refused(BOTH, nodes=4, pool="train").fix


def test_gpus_on_a_cpu_pool_are_refused_with_the_nearest_size_and_its_price() -> None:
    error = refused(only(CPU), gpus_per_node=8)
    assert error.what == "The job wants 8 GPUs on each node, and a node of pool 'train' has no GPU."
    assert error.nearest[0] == "gpu-h100x8-640gb"
    assert error.fix == (
        "The nearest size in nyc2 is gpu-h100x8-640gb: add a pool with dotrain.up('bert', "
        "pools=[*dotrain.get('bert').spec.pools, dotrain.Pool('gpu', size='gpu-h100x8-640gb', "
        "count=1)]) for $23.920 an hour."
    )


def test_an_image_for_amd_gets_the_nearest_of_amd() -> None:
    error = refused(only(CPU), image="rocm/pytorch:rocm7.0", gpus_per_node=8)
    assert error.nearest[0] == "gpu-mi300x8-1536gb"


def test_where_the_region_has_no_gpu_it_says_which_has() -> None:
    error = refused(only(CPU, region="nyc3"), gpus_per_node=1)
    assert error.nearest[0] == "gpu-4000adax1-20gb"
    assert "No size in nyc3 has; gpu-4000adax1-20gb has, in nyc2 and tor1" in error.fix
    assert "region='nyc2'" in error.fix
    assert "$0.760 an hour" in error.fix


def test_more_gpus_than_a_node_has_are_refused_with_the_size_of_the_same_gpu() -> None:
    error = refused(BOTH, gpus_per_node=4)
    assert error.what == "The job wants 4 GPUs on each node, and a node of pool 'gpu' has 1 GPU."
    assert error.nearest[0] == "gpu-h100x8-640gb"
    assert "call resize(size='gpu-h100x8-640gb', pool='gpu'), $23.920 an hour" in error.fix
    assert error.fix.endswith("or give gpus_per_node=1.")


def test_more_gpus_than_any_size_has_are_refused_with_the_most_there_are() -> None:
    error = refused(BOTH, gpus_per_node=16)
    assert error.fix == "No size has more than 8 GPUs: give gpus_per_node=8 or less."


def test_more_than_a_node_has_for_pods_is_refused_though_the_size_has_it() -> None:
    error = refused(only(CPU), cpus=3.5)
    assert "a node of pool 'train' has 3.4 for Pods" in error.what
    # Less than its own size has, and more than that leaves.
    assert CPU.size not in error.nearest
    assert "call resize(size='s-8vcpu-16gb')" in error.fix
    error = refused(only(CPU), memory="7Gi")
    assert "has 6.5 GiB for Pods" in error.what
    assert error.nearest[0] == "m-2vcpu-16gb"
    assert "call resize(size='m-2vcpu-16gb'), $0.250 an hour" in error.fix


def test_of_several_pools_the_one_that_comes_nearest_is_told_about() -> None:
    error = refused(BOTH, nodes=2, gpus_per_node=1)
    assert error.what == "The job wants 2 nodes, and pool 'gpu' has 1."
    assert "resize(count=2, pool='gpu')" in error.fix


def test_an_unknown_pool_is_refused_with_the_nearest() -> None:
    error = refused(BOTH, pool="gpus")
    assert error.nearest == ("gpu",)
    assert "Give pool='gpu'" in error.fix


def test_a_pool_with_taints_of_its_own_takes_only_who_names_it() -> None:
    own = Pool("own", size="c-8", taints=("team=nlp:NoSchedule", "slow:PreferNoSchedule"))
    spec = ClusterSpec("bert", pools=(CPU, own))
    assert place(spec).pool == "train"
    assert place(spec, pool="own").taints == own.taints
    assert "has 3.4 for Pods" in refused(spec, cpus=6).what
    assert "pool='own'" in refused(ClusterSpec("bert", pools=(own,))).fix


def test_the_taint_of_gpus_keeps_no_job_off() -> None:
    given = replace(GPU, taints=("nvidia.com/gpu:NoSchedule",))
    assert place(only(given), gpus_per_node=1).pool == "gpu"


def test_a_paused_cluster_is_refused_with_what_resuming_costs() -> None:
    with pytest.raises(ClusterPaused) as caught:
        place(replace(BOTH, paused=True))
    assert caught.value.fix == (
        "Call resume(), which makes 2 x s-4vcpu-8gb and 1 x gpu-h100x1-80gb again for $3.533 an "
        "hour."
    )


def test_a_price_that_is_not_known_is_not_taken_for_nothing() -> None:
    unknown = [replace(one, hourly=float("nan")) for one in OFFERS]
    with pytest.raises(TaskDoesNotFit, match="a price that is not known"):
        place(only(CPU), gpus_per_node=8, ask=lambda: unknown)
