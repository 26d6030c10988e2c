"""The job that `up` begins with: checked before anything is paid for, submitted when it can run."""

from __future__ import annotations

from contextlib import suppress

from dotrain import staying
from dotrain.errors import DotrainError, NotReady, SpecError
from dotrain.facade import Cluster
from dotrain.jobs.task import Task
from dotrain.spec import ClusterSpec
from dotrain.target import Target
from dotrain.training import check


def refuse(target: Target, task: Task, spec: ClusterSpec, *, wait: bool) -> None:
    """Raise when a task cannot be submitted to the cluster that is asked for.

    Parameters
    ----------
    target : Target
        The account.
    task : Task
        What should run.
    spec : ClusterSpec
        What the cluster will be.
    wait : bool
        Whether `up` waits until it is ready.

    Raises
    ------
    SpecError
        When it is no task, fits no pool, or cannot be packed; or nobody waits.
    """
    if not isinstance(task, Task):
        raise SpecError(
            f"then={task!r} is no task.",
            "It says what is to run, on how many nodes and in which image.",
            "Give for example then=dotrain.Task('python train.py', image='python:3.13-slim').",
        )
    if not wait:
        raise SpecError(
            "then= needs wait=True.",
            "A job is submitted from here, when the cluster is ready.",
            f"Leave wait= out, or call dotrain.get({spec.name!r}).run(...) when it is.",
        )
    check(target, task, spec)


def submit(target: Target, cluster: Cluster, task: Task) -> None:
    """Submit a task to a cluster that was just made; what it raises says what that costs."""
    try:
        # A node that is late keeps no job from being submitted: its Pods wait for it.
        with suppress(NotReady):
            cluster.wait_ready()
        cluster.run(task)
    except DotrainError as error:
        error.fix = f"{error.fix} {staying.costs(target, cluster.name)}".strip()
        raise
