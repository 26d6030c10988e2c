"""Where the storage of jobs may be, for how long it can be used, and what it fails with."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from boto3.exceptions import S3UploadFailedError
from s3transfer.exceptions import RetriesExceededError

from dotrain.errors import SpecError, StorageError
from dotrain.jobs import origins, preparing, spaces, storage
from dotrain.jobs.storage import Folder, Storage
from dotrain.jobs.task import Task

HOUR = dt.timedelta(hours=1)
AWS = "https://s3.eu-central-1.amazonaws.com"


def folder(**given: Any) -> Folder:
    return Storage("experiments", **given).folder("bert", "train")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACES_ACCESS_KEY_ID", "DO00EXAMPLE")
    monkeypatch.setenv("SPACES_SECRET_ACCESS_KEY", "5ecre7")


def test_requests_are_signed_for_the_region_of_the_endpoint() -> None:
    url = folder(endpoint=AWS, region="eu-central-1").get_url("x", HOUR)
    assert url.startswith(f"{AWS}/experiments/")
    assert "/eu-central-1/s3/aws4_request&" in url.replace("%2F", "/")


def test_nothing_is_said_of_acls_which_some_buckets_do_not_take(serve) -> None:
    server = serve()
    folder(endpoint=server.url).upload("x", b"content")
    (request,) = server.requests
    assert (request.method, request.body) == ("PUT", b"content")
    assert "x-amz-acl" not in str(request.authorization)


@pytest.mark.parametrize(
    "given", [{"region": "nyc3"}, {"endpoint": "https://nyc3.digitaloceanspaces.com"}]
)
def test_what_a_job_has_at_spaces_is_found_from_every_machine(given) -> None:
    there = folder(**given)
    assert storage.parse(there.text) == there


@pytest.mark.parametrize(
    "url", [AWS, "https://digitaloceanspaces.com.example.com", "http://127.0.0.1:9"]
)
def test_no_other_endpoint_is_asked_unless_it_was_given_on_this_machine(monkeypatch, url) -> None:
    there = folder(endpoint=url, region="eu-central-1")
    with pytest.raises(StorageError, match=rf"set DOTRAIN_S3_ENDPOINT={url} ") as caught:
        storage.parse(there.text)
    assert "unpickled" in caught.value.why
    monkeypatch.setenv("DOTRAIN_S3_ENDPOINT", f"{url}/")
    assert storage.parse(there.text) == there
    monkeypatch.delenv("DOTRAIN_S3_ENDPOINT")
    origins.note(url)
    assert storage.parse(there.text) == there


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"bucket": "B", "path": "x"})])
def test_an_annotation_that_somebody_has_changed_is_said(text) -> None:
    with pytest.raises(StorageError, match="dotrain/storage is not as it was written"):
        storage.parse(text)


def test_a_job_that_may_outlast_its_urls_is_refused_before_anything_is_made() -> None:
    def task(timeout: str, **more: Any) -> Task:
        return Task("python train.py", image="python:3.13-slim", timeout=timeout, **more)

    bucket = Storage("experiments", region="nyc3")
    with pytest.raises(SpecError, match=r"7 days at most.*timeout='167h'"):
        preparing.pack(task("168h", storage=bucket))
    preparing.pack(task("167h", storage=bucket))
    preparing.pack(task("168h"))


@pytest.mark.parametrize(
    "error", [RetriesExceededError(OSError("reset")), S3UploadFailedError("no part 2")]
)
def test_a_transfer_that_fails_is_said(error) -> None:
    with (
        pytest.raises(StorageError, match=r"'experiments'.*could not be read"),
        spaces.client("http://127.0.0.1:9", None, "experiments", "read"),
    ):
        raise error
