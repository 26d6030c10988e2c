"""Operators, as processes of this machine: what their Pods would be on a real node.

Each runs as the service account that its chart made, with that account's rights
and no other, from the moment its Deployment is there.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

import dotrain
from dotrain.errors import KubernetesNotFound
from dotrain.frameworks.pods import NAMESPACE


@contextlib.contextmanager
def playing(
    cluster: dotrain.Cluster, account: str, command: Sequence[str], directory: Path
) -> Iterator[Path]:
    """Run `command` as soon as there is the service account; yields the path of its log."""
    done, log = threading.Event(), directory / f"{account}.log"
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        while not (token := _token(cluster, account)):
            if done.wait(0.1):
                return
        config = yaml.safe_load(cluster.kubeconfig().read_text())
        for user in config["users"]:
            user["user"] = {"token": token}
        for context in config["contexts"]:
            context["context"]["namespace"] = NAMESPACE
        path = directory / f"{account}.yaml"
        path.write_text(yaml.safe_dump(config))
        with log.open("wb") as output:
            started.append(
                subprocess.Popen(
                    command,
                    env={"KUBECONFIG": str(path), "PATH": "/usr/bin:/bin", "HOME": str(directory)},
                    cwd=directory,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            )

    # Here first: kr8s cannot be imported by two threads at once.
    cluster._kube()
    thread = threading.Thread(target=start)
    thread.start()
    try:
        yield log
    finally:
        done.set()
        thread.join()
        for process in started:
            process.terminate()
            process.wait()


def _token(cluster: dotrain.Cluster, account: str) -> str:
    try:
        cluster._kube().read(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{account}")
    except KubernetesNotFound:
        return ""
    answer = cluster._kube()._send(
        "POST",
        url=f"serviceaccounts/{account}/token",
        namespace=NAMESPACE,
        content='{"spec": {}}',
    )
    return answer["status"]["token"]
