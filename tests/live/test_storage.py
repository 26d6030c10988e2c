"""Object storage for jobs: a real S3 server on this machine, and what runs in a Pod."""

from __future__ import annotations

import datetime as dt
import io
import os
import shutil
import subprocess
import sys
import traceback
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.core import set_initial_no_auth_action_count
from moto.server import ThreadedMotoServer

import dotrain
from dotrain.errors import ConfigError, SpecError, StorageError
from dotrain.jobs import files, functions, keeping, origins, storage, unpacking
from dotrain.jobs.results import Outcome
from dotrain.jobs.storage import Folder
from dotrain.target import Target

pytestmark = pytest.mark.long(40)

HOUR = dt.timedelta(hours=1)
SECRET = "5ecre75ecre7"
FETCHERS = [one for one in ("python3", "curl", "wget") if shutil.which(one)]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    running.start()
    yield "http://{}:{}".format(*running.get_host_and_port())
    running.stop()


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACES_ACCESS_KEY_ID", "DO00EXAMPLE")
    monkeypatch.setenv("SPACES_SECRET_ACCESS_KEY", SECRET)


@pytest.fixture
def s3(server: str) -> Any:
    """The same server, seen without dotrain."""
    client = boto3.client(
        "s3",
        endpoint_url=server,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    yield client
    client.close()


@pytest.fixture
def folder(server: str, s3: Any) -> Folder:
    # The server forgets nothing as long as its process lives.
    name = f"jobs-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name)
    return dotrain.Storage(name, endpoint=server).folder("bert", "train")


def test_an_object_is_under_the_name_of_its_job_and_nobody_elses(folder, s3, tmp_path) -> None:
    folder.check()
    folder.upload("files.tar.gz", b"content")
    (found,) = s3.list_objects_v2(Bucket=folder.storage.bucket)["Contents"]
    assert found["Key"] == "dotrain/bert/train/files.tar.gz"
    # Private, which is what an object is of which nothing else is said.
    acl = s3.get_object_acl(Bucket=folder.storage.bucket, Key=found["Key"])
    assert [one["Grantee"]["Type"] for one in acl["Grants"]] == ["CanonicalUser"]
    folder.download("files.tar.gz", tmp_path / "here")
    assert (tmp_path / "here").read_bytes() == b"content"
    assert (tmp_path / "here").stat().st_mode & 0o077 == 0


def test_what_is_large_goes_in_parts(folder, s3, tmp_path) -> None:
    content = os.urandom(2**20) * 9
    folder.upload("large", io.BytesIO(content))
    head = s3.head_object(Bucket=folder.storage.bucket, Key="dotrain/bert/train/large")
    assert head["ETag"].endswith('-2"')
    folder.download("large", tmp_path / "large")
    assert (tmp_path / "large").read_bytes() == content


def test_what_is_deleted_is_the_jobs_and_no_others(folder, s3) -> None:
    bucket = folder.storage.bucket
    other = folder.storage.folder("bert", "train-2")
    for one in (folder, other):
        one.upload("files.tar.gz", b"content")
    half = s3.create_multipart_upload(Bucket=bucket, Key="dotrain/bert/train/half")
    assert half["UploadId"]
    folder.delete()
    folder.delete()
    left = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [one["Key"] for one in left] == ["dotrain/bert/train-2/files.tar.gz"]
    assert not s3.list_multipart_uploads(Bucket=bucket).get("Uploads")


def test_most_images_have_what_fetches_files() -> None:
    assert {"python3", "curl"} <= set(FETCHERS)


@pytest.mark.parametrize("fetcher", FETCHERS)
def test_a_job_fetches_its_files_by_a_signed_url(folder, tmp_path, fetcher) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("print('hi')")
    folder.upload(storage.FILES, files.archive(tmp_path / "src"))
    (tmp_path / "bin").mkdir()
    for program in ("tar", "gzip", "rm", fetcher):
        (tmp_path / "bin" / program).symlink_to(
            sys.executable if program == "python3" else str(shutil.which(program))
        )
    (tmp_path / "workspace").mkdir()
    url = folder.get_url(storage.FILES, HOUR)

    def unpack(url: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            unpacking.unpack_command(stored=True),
            cwd=tmp_path / "workspace",
            env={"PATH": str(tmp_path / "bin"), "DOTRAIN_FILES_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )

    done = unpack(url)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert (tmp_path / "workspace" / "src" / "train.py").read_text() == "print('hi')"
    assert [one.name for one in (tmp_path / "workspace").iterdir()] == ["src"]
    gone = unpack(folder.get_url("another", HOUR))
    assert gone.returncode != 0
    assert "Signature" not in gone.stderr


def test_an_image_that_cannot_fetch_files_is_told_so(tmp_path) -> None:
    (tmp_path / "tar").symlink_to(str(shutil.which("tar")))
    ended = subprocess.run(
        unpacking.unpack_command(stored=True),
        env={"PATH": str(tmp_path), "DOTRAIN_FILES_URL": "https://nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 127
    assert "none of python3, curl and wget" in ended.stderr


def test_a_large_call_and_its_large_result_travel_by_signed_urls(folder, tmp_path) -> None:
    """The program of the Pod itself, without a Kubernetes API that would take the rest."""
    payload = functions.pack(lambda text: text * 2, ["0" * 2**21], stored=True)
    folder.upload(storage.CALL, payload.call)
    urls = folder.urls(2, HOUR, call=True)
    for name, content in payload.files("training", urls).items():
        (tmp_path / name).write_bytes(content)
    ended = subprocess.run(
        [sys.executable, str(tmp_path / "runner.py")],
        env={"NODE_RANK": "1", "HOME": str(tmp_path), "DOTRAIN_JOB": "train"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "could not be handed over: KeyError: 'DOTRAIN_API'" in ended.stderr
    target = Target("sandbox", "http://127.0.0.1:1", "none", tmp_path)
    kept = keeping.of(target, "bert", "training", "train", "uid-1")
    origins.note(folder.storage.url)
    secret = {"data": {"outcome.json": "eyJvdXRjb21lIjogInJldHVybmVkIiwgInN0b3JlZCI6IHRydWV9"}}
    outcome = kept.collect(lambda _: secret, "training", "train", 1, folder.text)
    assert isinstance(outcome, Outcome)
    assert outcome.is_value
    assert outcome.path == kept.result(1)
    assert len(outcome.pickled or b"") > 2**22


def test_urls_are_valid_as_long_as_a_job_may_take(folder) -> None:
    assert storage.lasts(None) == dt.timedelta(days=7)
    assert storage.lasts(6 * HOUR) == 7 * HOUR
    assert "X-Amz-Expires=25200&" in folder.get_url("x", storage.lasts(6 * HOUR))


def test_a_bucket_of_spaces_has_a_host_of_its_own() -> None:
    folder = dotrain.Storage("experiments", region="nyc3").folder("bert", "train")
    url = folder.put_url("result-0.pickle", HOUR)
    host = "https://experiments.nyc3.digitaloceanspaces.com"
    assert url.startswith(f"{host}/dotrain/bert/train/result-0.pickle?X-Amz-Algorithm=")
    assert "/nyc3/s3/aws4_request&" in url.replace("%2F", "/")
    assert repr(url) == "'***'"


def test_a_bucket_that_is_not_there_is_said(server) -> None:
    folder = dotrain.Storage("nobodys", endpoint=server).folder("bert", "train")
    with pytest.raises(StorageError, match=r"'nobodys'.*404.*Make it at"):
        folder.check()
    with pytest.raises(StorageError, match=r"NoSuchBucket.*Make it at"):
        folder.upload("x", b"")


def test_an_object_that_is_not_there_leaves_no_file(folder, tmp_path) -> None:
    with pytest.raises(StorageError, match=r"NoSuchKey.*run the job again"):
        folder.download("x", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@set_initial_no_auth_action_count(0)
def test_a_key_that_is_not_accepted_is_said_and_not_shown(folder) -> None:
    with pytest.raises(StorageError, match="Set SPACES_ACCESS_KEY_ID and") as caught:
        folder.upload("x", b"content")
    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET not in shown + repr(caught.value) + repr(folder) + folder.text


def test_what_does_not_answer_is_said() -> None:
    folder = dotrain.Storage("jobs", endpoint="http://127.0.0.1:1").folder("bert", "train")
    with pytest.raises(StorageError, match=r"could not be written.*127\.0\.0\.1:1.*region="):
        folder.upload("x", b"content")


def test_without_keys_or_boto3_it_is_said_what_to_do(folder, monkeypatch) -> None:
    monkeypatch.delenv("SPACES_SECRET_ACCESS_KEY")
    with pytest.raises(ConfigError, match="no SPACES_SECRET_ACCESS_KEY"):
        folder.check()
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigError, match=r"pip install 'dotrain\[spaces\]'"):
        folder.check()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "Give region="),
        ({"bucket": "Jobs"}, "cannot be the name of a bucket"),
        ({"bucket": None}, "cannot be the name of a bucket"),
        ({"bucket": "a..b"}, "cannot be the name of a bucket"),
        ({"bucket": "my.bucket"}, "cannot be the name of a bucket"),
        ({"region": 123}, "is not a region"),
        ({"endpoint": "https://s3.eu-central-1.amazonaws.com"}, "which region .* is in"),
        ({"region": "https://nyc3"}, "is not a region"),
        ({"prefix": "../other"}, "prefix is '../other'"),
        ({"prefix": "/jobs"}, "prefix is '/jobs'"),
        ({"endpoint": "http://s3.example.com"}, "in the clear"),
        ({"endpoint": "http://127.0.0.1.example.com"}, "in the clear"),
        ({"endpoint": "https://s3.example.com/jobs"}, "is not an endpoint"),
        ({"endpoint": "https://ada:5ecre75ecre7@s3.example.com"}, "is not an endpoint"),
        ({"endpoint": "s3.example.com"}, "is not an endpoint"),
    ],
)
def test_what_cannot_be_a_storage_is_refused(wrong, said) -> None:
    if "bucket" in wrong or "prefix" in wrong:
        wrong = {"region": "nyc3", **wrong}
    with pytest.raises(SpecError, match=said) as caught:
        dotrain.Storage(**{"bucket": "jobs", **wrong})
    assert SECRET not in str(caught.value)
