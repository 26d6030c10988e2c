"""What is read and kept of what came of a function."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path

import cloudpickle
import pytest

from dotrain import ownfiles
from dotrain.engine import journal
from dotrain.errors import JobFailed, ResultUnreadable, StorageError
from dotrain.jobs import gone, keeping, leaving, results
from dotrain.jobs.keeping import Kept
from dotrain.jobs.results import Outcome
from dotrain.target import Target


class Gone:
    """Pickled by what only exists where it ran."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return __import__, ("no_such_module",)


def returned(rank: int, value: object) -> Outcome:
    said = {"outcome": "returned", "type": type(value).__name__, "time": 5.0 + rank}
    return Outcome(rank, said, cloudpickle.dumps(value))


def raised(rank: int, error: BaseException, time: float) -> Outcome:
    said = {"outcome": "raised", "text": str(error), "traceback": "Traceback: …\n", "time": time}
    return Outcome(rank, said, cloudpickle.dumps(error))


def keep(target: Target, name: str = "train", uid: str = "uid-1", space: str = "training") -> Kept:
    return keeping.of(target, "bert", space, name, uid)


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target("sandbox", "http://127.0.0.1:1", "none", tmp_path / "data")


def test_one_node_has_a_value_and_several_a_list() -> None:
    assert results.value([returned(0, {"loss": 0.1})], "bert") == {"loss": 0.1}
    assert results.value([returned(rank, rank) for rank in range(3)], "bert") == [0, 1, 2]


def test_of_several_nodes_that_failed_the_first_is_raised() -> None:
    outcomes = [
        raised(0, ConnectionError("closed by peer"), 9.0),
        returned(1, 1),
        raised(2, MemoryError("no memory"), 3.0),
    ]
    with pytest.raises(JobFailed, match=r"rank 2\. no memory\.") as caught:
        results.value(outcomes, "bert")
    assert isinstance(caught.value.__cause__, MemoryError)


def test_what_cannot_be_unpickled_here_is_said_with_where_its_bytes_are(target) -> None:
    kept = keep(target)
    kept.save_result(returned(0, Gone()))
    outcome = kept.load_result(0)
    with pytest.raises(ResultUnreadable, match=r"'train'.*Gone.*no_such_module") as caught:
        results.value([outcome], "train")
    assert Path(caught.value.path).read_bytes() == outcome.pickled
    # An exception like that is its text.
    strange = Outcome(0, {"outcome": "raised", "text": "Odd: no"}, outcome.pickled)
    with pytest.raises(JobFailed, match="Odd: no"):
        results.value([strange], "train")


def test_a_secret_that_nothing_was_put_into_has_no_outcome() -> None:
    asked = []

    def read(path: str) -> dict[str, object]:
        asked.append(path)
        return {"kind": "Secret"}

    assert results.fetch(read, "training", "bert", 3) is None
    assert asked == ["/api/v1/namespaces/training/secrets/bert-result-3"]


def test_what_is_kept_is_found_and_for_this_user_only(target) -> None:
    kept = keep(target)
    assert (kept.load_log(0), kept.load_result(0), kept.ranks()) == (None, None, [])
    kept.save_log(10, "epoch 1 ✓\n")
    kept.save_log(9, "")
    kept.save_result(returned(0, 7))
    assert (kept.load_log(10), kept.load_log(9), kept.ranks()) == ("epoch 1 ✓\n", "", [9, 10])
    assert results.value([kept.load_result(0)], "train") == 7
    assert stat.S_IMODE(kept.directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in kept.directory.iterdir()} == {0o600}
    assert keeping.names(target, "bert") == ["train"]


def test_a_job_has_nothing_of_another_one_of_its_name(target) -> None:
    """Not of one before it with more nodes, nor of one in another namespace."""
    before, after = keep(target, uid="uid-1"), keep(target, uid="uid-2")
    elsewhere = keep(target, uid="uid-3", space="training-baseline")
    for kept, nodes, when in ((before, 2, 1), (elsewhere, 1, 2), (after, 1, 3)):
        for rank in range(nodes):
            kept.save_log(rank, "")
            kept.save_result(returned(rank, kept.uid))
        os.utime(kept.directory, (when, when))
    assert results.value(leaving.kept_results(after), "train") == "uid-2"
    assert keeping.names(target, "bert") == ["train"]
    # By the name alone it is the newest.
    job = gone.job(target, "bert", "train")
    assert job is not None
    assert (job.namespace, job.result()) == ("training", "uid-2")
    keeping.forget_others(target, "bert", "training", "train", "uid-2")
    assert [one.uid for one in keeping.every(target, "bert")] == ["uid-2", "uid-3"]


def test_what_something_follows_is_kept_however_many_others_are(target, monkeypatch) -> None:
    monkeypatch.setattr(keeping, "MOST", 1)
    ends = {"open": None, "failed": {"error": {}}, "over": {"result": {"outcome": "kept"}}}
    for when, (name, end) in enumerate(ends.items()):
        kept = keep(target, name)
        ownfiles.private_dir(kept.directory)
        writer = journal.Writer(kept.directory / keeping.AFTER)
        writer.write("asked", {"name": name})
        if end is not None:
            writer.write("end", end)
        writer.close()
        kept.save_log(0, "")
        os.utime(kept.directory, (when, when))
    keep(target, "newer").save_log(0, "")
    assert set(keeping.names(target, "bert")) == {"newer", "open", "failed"}


def test_a_result_that_is_kept_in_part_is_no_shorter_one(target) -> None:
    kept = keep(target)
    for rank in range(2):
        kept.save_log(rank, "")
    kept.save_result(returned(0, 7))
    job = gone.job(target, "bert", "train")
    assert job is not None
    with pytest.raises(ResultUnreadable, match=r"on rank 1 is not kept.*2 nodes"):
        job.result()


def test_a_result_without_a_value_takes_the_place_of_one_with(target) -> None:
    kept = keep(target)
    kept.save_result(returned(0, 7))
    kept.save_result(Outcome(0, {"outcome": "refused", "why": "size", "text": "too large"}))
    assert kept.load_result(0).pickled is None


def test_what_is_in_a_secret_is_kept_when_it_is_read(target) -> None:
    kept = keep(target)
    outcome = returned(0, 7)
    data = {
        "outcome.json": json.dumps(dict(outcome.said)).encode(),
        "result.pickle": outcome.pickled,
    }
    secret = {"data": {key: base64.b64encode(one).decode() for key, one in data.items()}}
    assert kept.collect(lambda _: {}, "training", "train", 0) is None
    assert keeping.names(target, "bert") == []
    found = kept.collect(lambda _: secret, "training", "train", 0)
    assert found == kept.load_result(0)
    assert results.value([found], "train") == 7


def test_a_result_in_a_storage_that_nobody_knows_is_an_error(target) -> None:
    said = base64.b64encode(b'{"outcome": "returned", "stored": true}').decode()
    kept = keep(target)
    with pytest.raises(StorageError, match="does not say where"):
        kept.collect(lambda _: {"data": {"outcome.json": said}}, "training", "train", 0)


def test_the_newest_jobs_of_each_cluster_are_kept(target) -> None:
    for number in range(keeping.MOST + 2):
        kept = keep(target, f"train-{number}")
        kept.save_log(0, "")
        os.utime(kept.directory, (number, number))
    keeping.of(target, "other", "training", "train", "uid-1").save_log(0, "")
    names = keeping.names(target, "bert")
    assert len(names) == keeping.MOST
    assert names[0] == f"train-{keeping.MOST + 1}"
    assert keeping.names(target, "other") == ["train"]


def test_a_module_that_is_missing_there_is_said_with_what_to_do() -> None:
    said = {"outcome": "raised", "type": "ModuleNotFoundError", "text": "No module named 'mine'"}
    with pytest.raises(JobFailed, match=r"No module named 'mine'\. Give an image=.*files="):
        results.value([Outcome(0, said)], "bert")
