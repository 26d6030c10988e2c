"""What a function on a cluster hands over: its Pods really run, and a real API takes it."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from moto.server import ThreadedMotoServer

import dotrain
from dotrain.errors import JobFailed, ResultTooLarge
from dotrain.jobs import keeping, spaces
from dotrain.jobs.job import Job
from tests.kubernetes import work

pytestmark = pytest.mark.long(40)

SPACE = "/api/v1/namespaces/training/secrets"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[dotrain.Storage]:
    """A bucket on a real S3 server."""
    monkeypatch.setenv("SPACES_ACCESS_KEY_ID", "DO00EXAMPLE")
    monkeypatch.setenv("SPACES_SECRET_ACCESS_KEY", "5ecre7")
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    with spaces.client(url, None, "results", "made") as s3:
        s3.create_bucket(Bucket="results")
    yield dotrain.Storage("results", endpoint=url)
    server.stop()


@pytest.fixture
def run(cluster: dotrain.Cluster) -> Iterator[Callable[..., Job]]:
    """Run functions, one after the other, and let nothing of them take the next one's nodes."""
    made: list[Job] = []

    def run(function: Callable[..., Any], *args: Any, **asked: Any) -> Job:
        made.append(cluster.run(function, args=args, **asked))
        return made[-1]

    yield run
    for job in made:
        job.delete()
    work.until(lambda: cluster.pods("training").empty)


def test_each_node_hands_over_what_its_function_returned(cluster, run, tmp_path) -> None:
    (tmp_path / "words.txt").write_text("a b c")

    def train(power: int) -> tuple[int, list[str], str]:
        import os

        words = Path("words.txt").read_text().split()
        return int(os.environ["RANK"]) ** power, words, os.environ["WORLD_SIZE"]

    job = run(train, 3, nodes=2, files=tmp_path / "words.txt")
    words = ["a", "b", "c"]
    assert job.result() == [(0, words, "2"), (1, words, "2")]


def test_an_exception_is_raised_here_as_it_was_there(cluster, run) -> None:
    def train() -> None:
        raise KeyError("loss")

    job = run(train)
    with pytest.raises(JobFailed, match="'loss'") as caught:
        job.result()
    assert isinstance(caught.value.__cause__, KeyError)
    assert caught.value.traceback.endswith("    raise KeyError(\"loss\")\nKeyError: 'loss'\n")


def test_a_secret_takes_what_is_said_to_fit_and_no_more_is_tried(cluster, run) -> None:
    # A pickle, and the words beside it.
    fits = 2**20 - 200

    def train(size: int) -> bytes:
        return bytes(size)

    assert len(run(train, fits).result()) == fits
    with pytest.raises(ResultTooLarge, match=r"1\.0 MiB.*storage="):
        run(train, 2**20).result()


def test_what_is_too_large_for_kubernetes_comes_by_way_of_storage(cluster, bucket, run) -> None:
    job = run(lambda text: text * 2, "01" * 2**20, storage=bucket)
    assert job.result() == "01" * 2**21
    kept = keeping.every(cluster._target, cluster.name)[0].load_result(0)
    assert kept is not None
    assert kept.is_stored


def test_the_account_of_a_job_may_write_its_results_and_do_nothing_else(cluster, run) -> None:
    job = run(lambda: 7, nodes=2)
    job.wait("30s")
    kube = cluster._kube()
    token = kube._send(
        "POST",
        url=f"serviceaccounts/{job.name}/token",
        namespace="training",
        content='{"spec": {}}',
    )["status"]["token"]
    credentials = kube.client._bearer.credentials
    trusted = ssl.create_default_context(cadata=credentials.authority)
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/merge-patch+json",
    }
    body = json.dumps({"data": {}})
    own, other = f"{SPACE}/{job.name}-result", f"{SPACE}/{job.name}-function"
    with closing(
        httpx.Client(base_url=credentials.server, headers=headers, verify=trusted)
    ) as http:
        for rank in range(2):
            assert http.patch(f"{own}-{rank}", content=body).status_code == 200
        for method, path in (
            ("PATCH", f"{own}-2"),
            ("PATCH", other),
            ("GET", f"{own}-0"),
            ("GET", other),
            ("GET", SPACE),
            ("POST", SPACE),
            ("DELETE", f"{own}-0"),
            ("GET", "/api/v1/namespaces/training/pods"),
            ("GET", "/apis/batch/v1/namespaces/training/jobs"),
        ):
            status = http.request(method, path, content=body).status_code
            assert status == 403, (method, path)
