"""A copy of a stack in which nothing is protected, to ask the engine what it would do.

The engine refuses to say what replacing something means while anything that
goes with it is protected, and lifting that in the state itself, only to ask,
would leave it lifted when the process is killed.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dotrain.engine.workspace import PROJECT


@contextmanager
def unprotected(exported: str, stack: str) -> Iterator[str]:
    """Keep a copy of a stack for as long as this lasts, and yield the URL of its backend.

    Parameters
    ----------
    exported : str
        What ``pulumi stack export`` printed; what is secret in it is encrypted.
    stack : str
        The stack's name.
    """
    document: dict[str, Any] = json.loads(exported)
    deployment = document.pop("deployment")
    resources = [_without_protection(one) for one in deployment.get("resources") or ()]
    latest = {**deployment, "resources": resources}
    checkpoint = {"stack": f"organization/{PROJECT}/{stack}", "latest": latest}
    with tempfile.TemporaryDirectory(prefix="dotrain-") as place:
        files = Path(place) / ".pulumi"
        stacks = files / "stacks" / PROJECT
        stacks.mkdir(parents=True)
        (files / "meta.yaml").write_text("version: 1\n")
        (stacks / f"{stack}.json").write_text(json.dumps({**document, "checkpoint": checkpoint}))
        yield f"file://{place}?metadata=skip"


def _without_protection(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key != "protect"}
