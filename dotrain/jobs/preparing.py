"""What a job gets with it, made ready on this machine before anything is asked of the cluster."""

from __future__ import annotations

from typing import Any

from dotrain.jobs import files, functions, isolation, manifests
from dotrain.jobs.manifests import Content
from dotrain.jobs.task import Task


def content(task: Task) -> Content:
    """Return what a task gets: its command, its secrets, its files, its function.

    Raises
    ------
    SpecError
        When a secret or a file is not there, or a function cannot leave this
        kernel; FilesTooLarge, FunctionTooLarge and NotPicklable say what it is.
    """
    given: dict[str, Any] = {
        "secrets": task.secret_values(),
        "files": None if task.files is None else files.archive(task.files),
    }
    if not callable(task.work):
        return Content(manifests.command(task.work), **given)
    payload = functions.pack(task.work, task.args, task.kwargs, task.launcher)
    namespace = isolation.namespace_of(task.pod_security)
    return Content(payload.command, function=payload.files(namespace), **given)
