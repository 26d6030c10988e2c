"""What a job takes along: packed here, stored when it is large, and taken back when all fails."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from dotrain.errors import (
    FilesTooLarge,
    FunctionTooLarge,
    JobUncertain,
    NotPicklable,
    SpecError,
    StorageError,
)
from dotrain.jobs import manifests, preparing, shells, storage
from dotrain.jobs.fitting import Place
from dotrain.jobs.manifests import Content
from dotrain.jobs.storage import Storage
from dotrain.jobs.task import Task

IMAGE = "python:3.13-slim"
LARGE = 2**21
KEY = "spaces-5ecre7-key"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An S3 of this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def s3(url) -> Any:
    made = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="id",
        aws_secret_access_key=KEY,
    )
    made.create_bucket(Bucket="experiments")
    return made


@pytest.fixture
def store(url, s3, monkeypatch) -> Storage:
    """A bucket in it."""
    monkeypatch.setenv("SPACES_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("SPACES_SECRET_ACCESS_KEY", KEY)
    return Storage("experiments", endpoint=url)


@pytest.fixture
def stored(s3) -> Callable[[str], list[str]]:
    """Return what the bucket has of a job."""
    return lambda job: [
        one["Key"]
        for one in s3.list_objects_v2(Bucket="experiments").get("Contents", ())
        if f"/{job}/" in one["Key"]
    ]


def interrupted(there: list[str]) -> None:
    assert len(there) == 2
    raise KeyboardInterrupt


def objects_of(task: Task, content: Content) -> dict[str, Any]:
    owned = manifests.owned(task, "bert", content, "uid-1")
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in owned}


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("print(1)\n")
    # Random, so that it is as large when it is packed.
    (tmp_path / "vocab.bin").write_bytes(os.urandom(LARGE))
    return tmp_path


def test_what_is_small_goes_to_kubernetes_and_needs_no_storage(here) -> None:
    task = Task("python train.py", image=IMAGE, files="train.py", secrets={"A_KEY": "v"})
    with preparing.sent(preparing.pack(task), "hal", "bert") as content:
        assert content.command == shells.command("python train.py")
        assert content.files is not None
        assert (content.secrets, content.files_url, content.function) == (
            {"A_KEY": "v"},
            None,
            None,
        )
        assert content.annotations == {}


def test_what_is_too_large_is_refused_without_storage(here) -> None:
    heavy = os.urandom(LARGE)
    with pytest.raises(FilesTooLarge, match=r"storage=dotrain\.Storage"):
        preparing.pack(Task("x", image=IMAGE, files="vocab.bin"))
    with pytest.raises(FunctionTooLarge, match=r"storage=dotrain\.Storage"):
        preparing.pack(Task(lambda: len(heavy)))


def test_what_cannot_travel_is_refused_before_anybody_is_asked() -> None:
    lock = threading.Lock()
    with pytest.raises(NotPicklable, match="lock"):
        preparing.pack(Task(lambda: lock))
    with pytest.raises(SpecError, match=r"There is no 'nowhere\.py'"):
        preparing.pack(Task("x", image=IMAGE, files="nowhere.py"))


def test_large_files_and_functions_are_stored_and_their_urls_are_secrets(
    here, store, stored
) -> None:
    heavy = os.urandom(LARGE)
    task = Task(lambda: len(heavy), nodes=2, files=["vocab.bin"], storage=store)
    with preparing.sent(preparing.pack(task), "hal", "bert") as content:
        call, files = stored("bert")
        assert call.startswith("dotrain/hal/bert/")
        assert (call.endswith("/call.pickle"), files.endswith("/files.tar.gz")) == (True, True)
        assert httpx.get(str(content.files_url)).content[:2] == b"\x1f\x8b"
        assert content.function is not None
        assert "call.pickle" not in content.function
        assert len(json.loads(content.function["storage.json"])["results"]) == 2
        job = manifests.job(task, "bert", Place("train", 1, 1), content, "5ab")
        (noted,) = {*job["metadata"]["annotations"]} - {"dotrain/incomplete"}
        assert (noted, json.loads(content.annotations[noted])["bucket"]) == (
            "dotrain/storage",
            "experiments",
        )
        # The endpoint is one that this machine's user has given now.
        assert storage.parse(content.annotations[noted]).storage == store
        made = objects_of(task, content)
        signed = base64.b64decode(made["Secret/bert"]["data"]["DOTRAIN_FILES_URL"]).decode()
        assert "X-Amz-Signature" in signed
        others = [one for name, one in made.items() if not name.startswith("Secret/")]
        assert "X-Amz-Signature" not in json.dumps([job, *others]) + repr([content, made])
        assert KEY not in json.dumps([job, *made.values()])
    # It was submitted, and needs them.
    assert stored("bert") == [call, files]


def test_what_was_stored_for_a_job_that_is_not_submitted_is_taken_back(here, store, stored) -> None:
    task = Task("x", image=IMAGE, files="vocab.bin", storage=store)
    packed = preparing.pack(task)
    with preparing.sent(packed, "hal", "cut"):
        kept = stored("cut")
    with pytest.raises(KeyboardInterrupt), preparing.sent(packed, "hal", "cut"):
        interrupted(stored("cut"))
    assert stored("cut") == kept


def test_what_was_stored_for_a_job_that_may_run_stays(here, store, stored) -> None:
    task = Task("python train.py", image=IMAGE, files=".", storage=store)
    with (
        pytest.raises(JobUncertain),
        preparing.sent(preparing.pack(task), "hal", "lost"),
    ):
        raise JobUncertain("It may run.", name="lost")
    assert len(stored("lost")) == 1


def test_a_bucket_that_is_not_there_is_said(here, store) -> None:
    elsewhere = Storage("nowhere-at-all", endpoint=store.endpoint)
    task = Task("x", image=IMAGE, files="vocab.bin", storage=elsewhere)
    with (
        pytest.raises(StorageError, match="nowhere-at-all"),
        preparing.sent(preparing.pack(task), "hal", "bert"),
    ):
        pass
