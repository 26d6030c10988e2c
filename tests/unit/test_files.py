"""What a job finds of the files of this machine, and what does not leave it."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from dotrain.errors import FilesTooLarge, SpecError
from dotrain.jobs import files, unpacking


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "notebooks"
    for name, text in {
        "src/train.py": "print('hi')",
        "src/data/words.txt": "a b c",
        "src/__pycache__/train.pyc": "",
        "src/.git/config": "",
        "src/.ipynb_checkpoints/train.py": "",
        "src/venv/pyvenv.cfg": "",
        "notes.txt": "notes",
        "../shared/vocab.txt": "a",
    }.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    (home / "src" / "run.sh").write_text("#!/bin/sh\n")
    (home / "src" / "run.sh").chmod(0o744)
    monkeypatch.chdir(home)
    return home


def names(packed: bytes) -> list[str]:
    return tarfile.open(fileobj=io.BytesIO(packed)).getnames()


SRC = ["src", "src/data", "src/data/words.txt", "src/run.sh", "src/train.py"]


@pytest.mark.parametrize("given", ["src", "src/", "./src", Path("src"), ["src", "src/train.py"]])
def test_a_path_has_the_name_that_it_was_given_by(here, given) -> None:
    assert names(files.archive(given)) == SRC


def test_what_is_not_below_this_directory_is_found_by_its_last_part(here) -> None:
    assert names(files.archive(here / "src" / "data")) == ["data", "data/words.txt"]
    assert names(files.archive(["../shared/vocab.txt", "notes.txt"])) == ["notes.txt", "vocab.txt"]
    assert names(files.archive("../notebooks/src/data")) == ["data", "data/words.txt"]
    (here / "link").symlink_to("../shared")
    assert names(files.archive("link")) == ["link", "link/vocab.txt"]


def test_a_directory_itself_is_what_lies_in_it(here) -> None:
    assert names(files.archive(".")) == ["notes.txt", *SRC]
    assert names(files.archive("data", here / "src")) == ["data", "data/words.txt"]


def test_the_same_content_is_the_same_archive(here) -> None:
    first = files.archive("src")
    os.utime(here / "src" / "train.py", (1, 1))
    (here / "src" / "train.py").chmod(0o600)
    assert files.archive(["src/"]) == first
    (here / "src" / "train.py").write_text("print('ho')")
    assert files.archive("src") != first


def test_links_within_stay_links_and_those_that_lead_out_are_refused(here) -> None:
    (here / "src" / "latest").symlink_to(here / "src" / "data" / "words.txt")
    with tarfile.open(fileobj=io.BytesIO(files.archive("src"))) as tar:
        assert tar.getmember("src/latest").linkname == "data/words.txt"
    (here / "src" / "out").symlink_to("../../shared/vocab.txt")
    with pytest.raises(SpecError, match=r"src/out is a link that leads out.*vocab.txt"):
        files.archive("src")
    (here / "src" / "out").unlink()
    (here / "src" / "out").symlink_to("nowhere")
    with pytest.raises(SpecError, match=r"src/out is a link to something that is not there"):
        files.archive("src")


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".env.local",
        ".envrc",
        "id_rsa",
        "id_ed25519",
        ".netrc",
        "kubeconfig",
        "store.p12",
        ".aws/x",
        "credentials",
        ".cache/huggingface/token",
        "token",
        "terraform.tfstate",
    ],
)
def test_what_looks_like_a_secret_is_refused(here, name) -> None:
    (here / "src" / name).parent.mkdir(parents=True, exist_ok=True)
    (here / "src" / name).write_text("WANDB_API_KEY=5ecre7")
    with pytest.raises(SpecError, match=r"src/\.?\w+.* looks like a secret.*secrets=") as caught:
        files.archive("src")
    assert "5ecre7" not in str(caught.value)


def test_a_private_key_is_told_from_a_certificate(here) -> None:
    (here / "src" / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    (here / "src" / ".env.example").write_text("WANDB_API_KEY=\n")
    assert {"src/ca.pem", "src/.env.example"} < set(names(files.archive("src")))
    (here / "src" / "ca.pem").write_text("-----BEGIN RSA PRIVATE KEY-----\nMIIE")
    with pytest.raises(SpecError, match=r"src/ca\.pem looks like a secret"):
        files.archive("src")


def test_a_private_key_is_seen_whatever_it_is_in(here) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIE"
    account = here / "src" / "service-account.json"
    account.write_text(json.dumps({"type": "service_account", "private_key": key}))
    with pytest.raises(SpecError, match=r"src/service-account\.json looks like a secret"):
        files.archive("src")
    # What only speaks of one is none.
    account.write_text('{"why": "It has no PRIVATE KEY-----"}')
    (here / "src" / "tokens.py").write_text('BEGIN = "-----BEGIN PRIVATE KEY-----"\nEND = 1\n')
    assert {"src/service-account.json", "src/tokens.py"} < set(names(files.archive("src")))


def test_a_name_that_is_not_utf_8_is_refused(here) -> None:
    for given in ("notes-\ud800.txt", "notes-\udcff.txt"):
        with pytest.raises(SpecError, match=r"notes-.* cannot be sent along.*not UTF-8") as caught:
            files.archive(given)
        assert str(caught.value).encode()
    (here / "src" / os.fsdecode(b"caf\xe9.txt")).write_text("")
    with pytest.raises(SpecError, match=r"src/caf\\udce9\.txt cannot be sent along") as caught:
        files.archive("src")
    assert str(caught.value).encode()


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Honolulu"])
def test_what_is_unpacked_can_be_zipped(here, monkeypatch, zone) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    with tarfile.open(fileobj=io.BytesIO(files.archive("src"))) as tar:
        tar.extractall(here / "job")
    try:
        with zipfile.ZipFile(here / "job.zip", "w") as packed:
            for path in (here / "job").rglob("*"):
                packed.write(path)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert len(packed.namelist()) == len(SRC)


def test_what_is_not_there_is_said_with_the_nearest(here) -> None:
    with pytest.raises(SpecError, match=r"no 'srcc' to send along.*is 'src'"):
        files.archive("srcc")
    with pytest.raises(SpecError, match=r"no '/nowhere/at/all'"):
        files.archive("/nowhere/at/all")


def test_two_files_of_one_name_are_refused(here) -> None:
    (here / "vocab.txt").write_text("b")
    with pytest.raises(SpecError, match=r"Two of the files are called vocab\.txt"):
        files.archive(["vocab.txt", "../shared/vocab.txt"])


def test_what_is_no_file_or_cannot_be_read_is_refused(here, monkeypatch) -> None:
    os.mkfifo(here / "src" / "pipe")
    with pytest.raises(SpecError, match=r"pipe is neither a file nor a directory"):
        files.archive("src")
    (here / "src" / "pipe").unlink()
    # Root reads everything: what cannot be read is read as an error all the same.
    found = files.collect("src")
    (here / "src" / "train.py").unlink()
    with pytest.raises(SpecError, match=r"train\.py cannot be sent along\. No such file"):
        files.write(found, io.BytesIO())


def test_more_than_a_config_map_takes_is_refused_with_the_largest_named(here) -> None:
    (here / "src" / "weights.bin").write_bytes(random.Random(0).randbytes(2**20 + 2**19))
    with pytest.raises(FilesTooLarge) as caught:
        files.archive("src")
    assert "the largest are src/weights.bin (1.5 MiB), src/" in caught.value.why
    assert "dotrain.Storage(" in caught.value.fix
    # What is large and packs well is not large.
    (here / "src" / "weights.bin").write_bytes(bytes(2**23))
    assert len(files.archive("src")) < 2**20


def test_a_job_unpacks_them_into_its_working_directory(here, tmp_path) -> None:
    (tmp_path / "mount").mkdir()
    (tmp_path / "mount" / files.NAME).write_bytes(files.archive("src"))
    (tmp_path / "workspace").mkdir()
    subprocess.run(
        unpacking.unpack_command(stored=False),
        cwd=tmp_path / "workspace",
        env={"PATH": os.environ["PATH"], "DOTRAIN_FILES": str(tmp_path / "mount")},
        check=True,
    )
    there = tmp_path / "workspace" / "src"
    assert (there / "data" / "words.txt").read_text() == "a b c"
    assert os.access(there / "run.sh", os.X_OK)
    assert {path.name for path in there.iterdir()} == {"data", "run.sh", "train.py"}


@pytest.mark.parametrize("stored", [False, True])
def test_an_image_without_tar_is_told_so(tmp_path, stored) -> None:
    command = unpacking.unpack_command(stored=stored)
    ended = subprocess.run(
        command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (
        127,
        "The image has no tar, which unpacks files=.\n",
    )
