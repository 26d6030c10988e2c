"""What a job may be: each wrong value is refused with what to give instead, and no secret shows."""

from __future__ import annotations

import datetime as dt
import functools
import inspect
import re
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest

import dotrain
from dotrain.errors import InvalidName, SpecError
from dotrain.jobs import naming, quantities
from dotrain.jobs.task import Task, asked

IMAGE = "python:3.13-slim"
KEY = "wandb-5ecre7-value"


def train(epochs: int = 1) -> int:
    return epochs


def a_task(work: object = "python train.py", **given: object) -> Task:
    return Task(work, **{"image": IMAGE, **given})


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({"work": ""}, "run('python train.py'"),
        ({"work": []}, "run('python train.py'"),
        ({"work": ["python", 3]}, "run('python train.py'"),
        ({"work": ["", "train.py"]}, "run('python train.py'"),
        ({"work": "echo a\0b"}, "run('python train.py'"),
        ({"work": ["echo", "\ud800"]}, "run('python train.py'"),
        ({"env": {"A": "\ud800"}}, "env={'A': '3'}"),
        ({"env": {"A": "a\0b"}}, "env={'A': '3'}"),
        ({"work": 3}, "run('python train.py'"),
        ({"image": None}, "image='python:3.13-slim'"),
        ({"image": None, "gpus_per_node": 8}, "image='pytorch/pytorch:"),
        ({"image": "two words"}, "image='pytorch/pytorch:"),
        ({"image": ""}, "image="),
        ({"nodes": 0}, "nodes=1 or more"),
        ({"nodes": True}, "nodes=1 or more"),
        ({"nodes": "2"}, "nodes=1 or more"),
        ({"gpus_per_node": -1}, "gpus_per_node=0 or more"),
        ({"retries": 1.5}, "retries=0 or more"),
        ({"cpus": 0}, "cpus=4"),
        ({"cpus": "4"}, "cpus=4"),
        ({"cpus": float("nan")}, "cpus=4"),
        ({"memory": "16GB"}, "memory='16Gi'"),
        ({"memory": 16}, "memory='16Gi'"),
        ({"memory": "0Gi"}, "memory='16Gi'"),
        ({"memory": "16"}, "memory='16Gi'"),
        ({"memory": "500k"}, "memory='16Gi'"),
        ({"args": (1,)}, "Write it into the command"),
        ({"kwargs": {"lr": 1}}, "Write it into the command"),
        ({"launcher": "torchrun"}, "run('torchrun train.py"),
        ({"work": train, "args": 3}, "args=(3,)"),
        ({"work": train, "args": "3"}, "args=(3,)"),
        ({"work": train, "kwargs": {1: 2}}, "kwargs={'lr': 1e-4}"),
        ({"files": 3}, "files='src/'"),
        ({"files": []}, "files='src/'"),
        ({"env": {"1A": "x"}}, "env={'EPOCHS': '3'}"),
        ({"env": {"EPOCHS": 3}}, "env={'EPOCHS': '3'}"),
        ({"env": "EPOCHS=3"}, "env={'EPOCHS': '3'}"),
        ({"env": {"WANDB_API_KEY": KEY}}, "secrets=['WANDB_API_KEY']"),
        ({"env": {"hf_token": KEY}}, "secrets=['hf_token']"),
        ({"env": {"CLIENT_SECRET": KEY}}, "secrets=['CLIENT_SECRET']"),
        ({"env": {"PGPASSWORD": KEY}}, "secrets=['PGPASSWORD']"),
        ({"env": {"DATABASE_URL": f"pg://ada:{KEY}@db/x"}}, "secrets=['DATABASE_URL']"),
        ({"work": f"cd x && WANDB_API_KEY={KEY} python a.py"}, "secrets=['WANDB_API_KEY']"),
        ({"work": ["env", f"HF_TOKEN={KEY}", "python"]}, "secrets=['HF_TOKEN']"),
        ({"work": f"HF_TOKEN='{KEY}' python a.py"}, "secrets=['HF_TOKEN']"),
        ({"work": f"bash -c 'HF_TOKEN={KEY} python a.py'"}, "secrets=['HF_TOKEN']"),
        ({"work": f"wandb login && a --api-key={KEY}"}, "secrets=['API_KEY']"),
        ({"work": ["a", "--wandb-api-key", KEY]}, "secrets=['WANDB_API_KEY']"),
        ({"work": f"git clone https://ada:{KEY}@host/x"}, "secrets=['URL_TOKEN']"),
        ({"work": ["git", "clone", f"https://{KEY}@host/x"]}, "secrets=['URL_TOKEN']"),
        ({"env": {"REPOSITORY": f"https://{KEY}@host/x"}}, "secrets=['REPOSITORY']"),
        ({"env": {"RANK": "0"}}, "Choose another name"),
        ({"env": {"DOTRAIN_JOB": "x"}}, "Choose another name"),
        ({"secrets": {"PET_NNODES": "2"}}, "Choose another name"),
        ({"secrets": ["not-there"]}, "secrets=['WANDB_API_KEY']"),
        ({"secrets": ["NOT_THERE"]}, "Set it before Jupyter starts"),
        ({"secrets": 3}, "secrets=['WANDB_API_KEY']"),
        ({"secrets": {"A_KEY": 3}}, "as str(...)"),
        ({"secrets": {"A": "1"}, "env": {"A": "1"}}, "Leave it out of env"),
        ({"timeout": "soon"}, "'8h'"),
        ({"grace": 30}, "'8h'"),
        ({"pool": ""}, "pool="),
        ({"storage": "s3://experiments"}, "storage=dotrain.Storage("),
        ({"pod_security": "none"}, "pod_security='restricted'"),
        ({"launcher": "mpirun"}, "launcher='python'"),
        ({"backend": "ray"}, "backend='job'"),
        ({"down_after": 1}, "down_after=True"),
    ],
)
def test_what_is_wrong_is_refused_with_what_to_give(given, advice, monkeypatch) -> None:
    monkeypatch.delenv("NOT_THERE", raising=False)
    with pytest.raises(SpecError) as caught:
        a_task(**given)
    assert advice in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("name", ["", "Train", "3d", "a_b", "a-", "a" * 53, 3, "closed", "default"])
def test_a_name_that_no_host_can_have_is_refused(name) -> None:
    with pytest.raises(InvalidName, match="name of a job"):
        a_task(name=name)


def test_a_secret_in_the_place_of_a_name_is_not_shown() -> None:
    with pytest.raises(SpecError) as caught:
        a_task(secrets=["hf_" + "x" * 8 + "-5ecre7"])
    assert "5ecre7" not in str(caught.value)


def test_a_function_without_gpus_runs_in_the_image_of_this_python() -> None:
    assert Task(train).runs_in == f"python:3.{sys.version_info.minor}-slim"
    with pytest.raises(SpecError, match="A function with GPUs needs one"):
        Task(train, gpus_per_node=1)


@pytest.mark.parametrize(
    ("work", "env"),
    [
        ("HF_TOKEN=$TOKEN python a.py --key=3", {}),
        ('HF_TOKEN="$MY_HF" python a.py --api-key "$A_KEY" --password=$B', {}),
        ("git clone https://$TOKEN@host/x && git clone https://ada:$TOKEN@host/x", {}),
        ("git clone https://git@host/x && a --pad-token '<pad>' --sort-key loss", {}),
        (["python", "a.py", "--prefix", ""], {}),
        ("python a.py", {"TOKENIZERS_PARALLELISM": "false", "HTTPS_PROXY": "http://proxy:8080"}),
        ("KEYS=3 python a.py", {"KEYBOARD": "de", "URL": "https://host/@ada"}),
    ],
)
def test_what_only_sounds_like_a_secret_is_let_through(work, env) -> None:
    a_task(work, env=env)


def test_secrets_are_read_from_the_environment_and_never_shown(monkeypatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    by_name, by_value = a_task(secrets="WANDB_API_KEY"), a_task(secrets={"WANDB_API_KEY": KEY})
    assert by_name.secret_values() == by_value.secret_values() == {"WANDB_API_KEY": KEY}
    shown = repr([by_name, by_value, vars(by_value), by_name.secret_values()])
    assert KEY not in shown
    assert "WANDB_API_KEY" in shown


def test_a_traceback_with_variables_shows_no_secret(monkeypatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.delenv("NOT_THERE", raising=False)
    with pytest.raises(SpecError) as caught:
        a_task(secrets=["WANDB_API_KEY", "NOT_THERE"])
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "WANDB_API_KEY" in "".join(told.format())
    assert KEY not in "".join(told.format())


def test_what_a_function_is_called_with_is_not_shown() -> None:
    task = Task(train, args=("5ecre7",), kwargs={"epochs": "5ecre7"})
    assert repr(task) == "Task(train, args=<1>, kwargs=('epochs',))"


def test_it_is_shown_as_it_can_be_written() -> None:
    task = a_task(nodes=2, env={"EPOCHS": "3"}, timeout=dt.timedelta(hours=6))
    assert eval(repr(task)) == task
    assert repr(a_task()) == "Task('python train.py', image='python:3.13-slim')"


def test_tasks_are_the_same_when_all_of_them_is() -> None:
    class Vague:
        def __eq__(self, other: object) -> bool:
            raise ValueError

        __hash__ = None  # type: ignore[assignment]

    assert a_task() == a_task()
    assert hash(a_task()) == hash(a_task())
    assert a_task() != a_task(nodes=2)
    assert Task(train, args=([1],)) == Task(train, args=([1],))
    assert Task(train, args=(1,)) != Task(train, args=(2,))
    assert Task(train) != Task(lambda: None)
    assert Task(train, args=(Vague(),)) != Task(train, args=(Vague(),))
    assert len({Task(train, args=([1],)), Task(train, args=([1],))}) == 1


def test_it_cannot_be_changed_by_who_gave_it() -> None:
    env, files = {"A": "1"}, ["a.py", Path("b")]
    task = a_task(env=env, files=files)
    env["A"], files[0] = "2", "c.py"
    assert (task.env, task.files) == ({"A": "1"}, ("a.py", "b"))


def test_keywords_change_a_task_that_is_given() -> None:
    assert asked(a_task(nodes=2), {"image": "other"}) == a_task(image="other", nodes=2)
    assert asked("python train.py", {"image": IMAGE}) == a_task()


def test_an_unknown_keyword_is_refused_with_the_nearest() -> None:
    with pytest.raises(SpecError, match=r"Did you mean gpus_per_node=\?"):
        asked("x", {"gpus": 8})
    with pytest.raises(SpecError, match=r"dotrain\.Task"):
        asked("x", {"zzz": 8})


@pytest.mark.parametrize(
    ("work", "stem"),
    [
        (train, "train"),
        (functools.partial(train, 2), "train"),
        (lambda: None, "lambda"),
        ("python train.py --epochs 3", "train"),
        ("cd src && torchrun --nproc-per-node 2 'Big Model/Fine_Tune.py'", "fine-tune"),
        (["python", "-m", "x", "scripts/eval.sh"], "eval"),
        ("/usr/bin/nvidia-smi -L", "nvidia-smi"),
        ("./7z x", "z"),
        ("'", "job"),
        (f"python {'x' * 80}.py", "x" * 35),
    ],
)
def test_a_job_without_a_name_is_called_after_its_work(work, stem) -> None:
    name = naming.fresh(work)
    assert re.fullmatch(rf"{stem}-[0-9a-f]{{4}}", name)
    naming.check(name)
    assert naming.fresh(work) != name or naming.fresh(work) != name


@pytest.mark.parametrize(
    ("text", "amount"), [("16Gi", 16 * 2**30), ("1.5Gi", 3 * 2**29), ("500M", 5 * 10**8)]
)
def test_memory_is_read_as_kubernetes_writes_it(text, amount) -> None:
    assert quantities.memory(text) == amount


def test_numbers_of_numpy_are_numbers() -> None:
    task = a_task(
        nodes=np.int64(2), gpus_per_node=np.int32(1), retries=np.int8(3), cpus=np.int64(4)
    )
    found = (task.nodes, task.gpus_per_node, task.retries, task.cpus)
    assert found == (2, 1, 3, 4)
    assert {type(one) for one in found} == {int}
    with pytest.raises(SpecError, match="nodes=1 or more"):
        a_task(nodes=np.float64(2))


def test_run_shows_all_that_a_task_takes_with_the_defaults() -> None:
    task = inspect.signature(Task).parameters
    for shown in (dotrain.Cluster.run, dotrain.Cluster("bert", None).run):
        found = inspect.signature(shown).parameters
        assert {"work", "nodes", "image", "gpus_per_node"} <= found.keys()
        assert found.keys() - {"self"} == task.keys()
        assert (found["nodes"].default, found["env"].default) == (1, {})
        assert {one.kind for name, one in found.items() if name not in ("self", "work")} == {
            inspect.Parameter.KEYWORD_ONLY
        }
