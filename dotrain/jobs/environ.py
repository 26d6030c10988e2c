"""The environment that a job's processes find each other by, the same for every launcher.

Facts: ``torch.distributed`` reads MASTER_ADDR, MASTER_PORT, WORLD_SIZE and RANK
(https://docs.pytorch.org/docs/stable/distributed.html); torchrun takes each of
its options from ``PET_<OPTION>``, so that a bare ``torchrun train.py`` finds the
others, and sets the former four anew for each process that it starts
(https://docs.pytorch.org/docs/stable/elastic/run.html); the rank of a node is
the Pod's index, which Kubernetes writes on it
(https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode).
"""

from __future__ import annotations

from typing import Any

MASTER_PORT = 29500
# torchrun's nodes wait for each other so many seconds: a pull of an image takes
# minutes, and a node that another job has may take longer to come free.
_TIMEOUT = 3600
_INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
_RANKS = ("NODE_RANK", "RANK", "PET_NODE_RANK")


def rendezvous(name: str, nodes: int, gpus_per_node: int) -> list[dict[str, Any]]:
    """Return the variables of a Pod by which the nodes of a job find each other.

    Without torchrun there is one process on each node: WORLD_SIZE is the number
    of nodes, RANK the node's. LOCAL_RANK is not there: by it Lightning and
    Accelerate know a process that a launcher has started, and start none then.

    Parameters
    ----------
    name : str
        The job's.
    nodes : int
        How many Pods it has.
    gpus_per_node : int
        As many processes does torchrun start on each; one without GPUs.

    Returns
    -------
    list of dict
        As the field ``env`` of a container.
    """
    # The name of the first Pod in the job's own headless service.
    master = f"{name}-0.{name}"
    fixed = {
        "MASTER_ADDR": master,
        "MASTER_PORT": MASTER_PORT,
        "NNODES": nodes,
        "WORLD_SIZE": nodes,
        "PET_NNODES": nodes,
        "PET_NPROC_PER_NODE": gpus_per_node or 1,
        "PET_MASTER_ADDR": master,
        "PET_MASTER_PORT": MASTER_PORT,
        "PET_RDZV_CONF": f"timeout={_TIMEOUT}",
    }
    by_index = {"fieldRef": {"fieldPath": _INDEX}}
    return [
        *({"name": key, "value": str(value)} for key, value in fixed.items()),
        *({"name": key, "valueFrom": by_index} for key in _RANKS),
    ]


RESERVED = frozenset(one["name"] for one in rendezvous("", 1, 0)) | {"HOME", "USER", "LOCAL_RANK"}
"""What is set for every job, and cannot be given."""

RESERVED_PREFIXES = ("DOTRAIN_", "KUBERNETES_")
"""How else such names begin."""
