"""Measure how long a job takes from its submission until all of its Pods run.

Beside `Cluster.run` stands a plain ``kubectl apply -f`` of the very manifests
that it made, read back from Kubernetes and stripped of what that has added: the
namespace, both policies, the service and the Job. kubectl is of the control
plane's version, built from the same Go modules, once, and beside it in the data
directory. Both submit the same number of Pods to the same nodes, in turn, and
the phases of their Pods are asked for by plain HTTP.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
from measure import Target, print_targets, workplace

import dotrain
from dotrain import account, config, credentials, ownfiles
from dotrain.api import Api
from dotrain.engine import gotool, kubernetes, scratch
from dotrain.engine.exclusive import every, exclusive

NODES = 4
ROUNDS = 9
MODEL = "the-model"
# As long as a round may take: the Pods end when their job is deleted.
WORK = ["sleep", "600"]
IMAGE = "python:3.13-slim"
PATIENCE = 120.0
PACKAGE = "k8s.io/kubernetes/cmd/kubectl"

Seconds = tuple[float, float]
"""Until it was submitted, and until all of its Pods ran."""


def tell(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def kubectl() -> Path:
    """Return kubectl, built when it is not there yet."""
    directory = ownfiles.private_dir(config.home() / "kubectl")
    place = directory / kubernetes.VERSION / "kubectl"
    waits = every(10, lambda holder, _: tell(f"waiting for {holder}, which builds the same"))
    with exclusive(directory / "lock", waits):
        scratch.sweep(directory)
        if not place.exists():
            tell(f"building kubectl {kubernetes.VERSION} from its Go modules: a minute, once")
            recipe = kubernetes.RECIPE
            go = gotool.obtain(tell, directory, recipe.module, recipe.failed)
            with scratch.make(directory) as room:
                for name in ("go.mod", "go.sum"):
                    (Path(room) / name).write_bytes(gotool.module_file(recipe.module, name))
                # The versions are those of go.mod; go.sum lacks what only kubectl is made of.
                flags = ["-mod=mod", "-trimpath", "-buildvcs=false", "-ldflags", recipe.linker]
                command = [go.path, "build", *flags, "-o", "kubectl", PACKAGE]
                environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
                subprocess.run(command, cwd=room, env=environment, check=True)
                place.parent.mkdir(exist_ok=True)
                (Path(room) / "kubectl").rename(place)
            scratch.tidy(directory, tell)
    return place


class Bench:
    """Submits jobs in both ways, and looks at their Pods.

    Parameters
    ----------
    cluster : dotrain.Cluster
        Where they run.
    program : pathlib.Path
        kubectl.
    directory : pathlib.Path
        For its manifests and its cache.
    plain : httpx.Client
        The cluster's Kubernetes API.
    """

    def __init__(
        self, cluster: dotrain.Cluster, program: Path, directory: Path, plain: httpx.Client
    ) -> None:
        self._cluster = cluster
        self._plain = plain
        self._manifests = directory / "job.json"
        self._command = [str(program), f"--cache-dir={directory / 'cache'}"]
        self._environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig())}
        self._model = ""

    def learn(self) -> None:
        """Take the manifests of a job that `Cluster.run` has made, and delete it."""
        self.ours(MODEL)
        kinds = "jobs,services,networkpolicies"
        found = json.loads(self._kubectl("get", kinds, "-n", "training", "-o", "json"))["items"]
        namespace = json.loads(self._kubectl("get", "namespace", "training", "-o", "json"))
        items = [bare(one) for one in (namespace, *found)]
        assert len(items) == 5, [one["kind"] for one in items]
        self._model = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        self.delete(MODEL)

    def ours(self, name: str) -> Seconds:
        """Submit a job by `Cluster.run`."""
        return self._timed(
            name, lambda: self._cluster.run(WORK, name=name, image=IMAGE, nodes=NODES)
        )

    def theirs(self, name: str) -> Seconds:
        """Submit the same by kubectl."""
        self._manifests.write_text(self._model.replace(MODEL, name))
        return self._timed(name, lambda: self._kubectl("apply", "-f", str(self._manifests)))

    def delete(self, name: str) -> None:
        """Delete a job with all that belongs to it, and wait until that is gone."""
        label = f"dotrain/job={name}"
        kinds = "jobs,services,networkpolicies"
        self._kubectl("delete", kinds, "-n", "training", "-l", label, "--cascade=foreground")
        until(lambda: not self._pods(name), 0.1, f"the Pods of {name} are gone")

    def _timed(self, name: str, submit: Callable[[], object]) -> Seconds:
        start = time.perf_counter()
        submit()
        submitted = time.perf_counter() - start
        wanted = ["Running"] * NODES
        until(
            lambda: [one["status"]["phase"] for one in self._pods(name)] == wanted,
            0.01,
            f"all Pods of {name} run",
        )
        return submitted, time.perf_counter() - start

    def _pods(self, name: str) -> list[dict[str, Any]]:
        asked = {"labelSelector": f"dotrain/job={name}"}
        answer = self._plain.get("/api/v1/namespaces/training/pods", params=asked)
        found: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return found

    def _kubectl(self, *arguments: str) -> str:
        command = [*self._command, *arguments]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(done.stderr)
        return done.stdout


def until(true: Callable[[], bool], pause: float, what: str) -> None:
    """Wait until something is so, and end the program when that takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > deadline:
            sys.exit(f"It is not so after {PATIENCE:g} s that {what}.")
        time.sleep(pause)


def bare(one: dict[str, Any]) -> dict[str, Any]:
    """Return an object as somebody would write it, without what Kubernetes has added."""
    metadata = {key: one["metadata"].get(key) for key in ("name", "namespace", "labels")}
    spec = dict(one["spec"])
    if one["kind"] == "Namespace":
        spec, metadata["namespace"] = {}, None
        # Its own name, as Kubernetes labels it.
        metadata["labels"].pop("kubernetes.io/metadata.name")
    if one["kind"] == "Job":
        del spec["selector"], spec["suspend"]
        labels = spec["template"]["metadata"]["labels"]
        spec["template"]["metadata"] = {
            "labels": {key: labels[key] for key in labels if key in metadata["labels"]}
        }
    return {**{key: one[key] for key in ("apiVersion", "kind")}, "metadata": metadata, "spec": spec}


def measure(bench: Bench) -> list[Target]:
    """Return what a submission costs beside kubectl's, which is printed too."""
    bench.learn()
    ways: dict[str, Callable[[str], Seconds]] = {"run": bench.ours, "apply": bench.theirs}
    taken: dict[str, list[Seconds]] = {way: [] for way in ways}
    # The first of each finds nothing in any cache, and does not count.
    for number in range(ROUNDS + 1):
        for way in list(ways)[:: 1 if number % 2 else -1]:
            name = f"{way}-{number}"
            took = ways[way](name)
            if number:
                taken[way].append(took)
            bench.delete(name)
    print(f"| {NODES} nodes | submitted: s | all Pods run: s |\n|---|---|---|")
    middle: dict[str, Seconds] = {}
    for way, label in (("run", "`cluster.run`"), ("apply", "`kubectl apply -f`")):
        submitted, running = (statistics.median(one) for one in zip(*taken[way], strict=True))
        middle[way] = submitted, running
        print(f"| {label} | {submitted:.2f} | {running:.2f} |")
    print()
    ratio = middle["run"][1] / middle["apply"][1]
    return [Target("submission until all Pods run: dotrain / kubectl apply", ratio, 1.3)]


def main() -> None:
    """Print the tables."""
    program = kubectl()
    with workplace(), tempfile.TemporaryDirectory() as directory:
        target = dotrain.use_sandbox(kubernetes=True)
        cluster = dotrain.up("bench", pool=dotrain.Pool(size="s-4vcpu-8gb", count=NODES))
        cluster.wait_ready("2m")
        with closing(Api(target)) as api:
            (found,) = account.clusters(api)
            known = credentials.fetch(api, found["id"])
        with httpx.Client(
            base_url=known.server,
            headers={"Authorization": f"Bearer {known.token}"},
            verify=known.trust(),
            timeout=30,
        ) as plain:
            print_targets(measure(Bench(cluster, program, Path(directory), plain)))


if __name__ == "__main__":
    main()
