"""Packing a function: what travels with it, and what is said when something cannot."""

from __future__ import annotations

import functools
import importlib
import sys
import threading
from pathlib import Path

import cloudpickle
import pandas as pd
import pytest

from dotrain.errors import FunctionTooLarge, NotPicklable, SpecError
from dotrain.jobs import functions

LOCK = threading.Lock()
TABLE = pd.DataFrame({"step": range(300_000)})


class Model:
    def __init__(self) -> None:
        self.layers = {"attention": [1, threading.Lock()]}

    def fit(self) -> None:
        pass


def plain(epochs: int, lr: float = 0.1) -> float:
    return epochs * lr


def uses_a_lock() -> object:
    return LOCK


def uses_another() -> object:
    return uses_a_lock()


def uses_a_table() -> int:
    return len(TABLE)


def has_a_default(lock: object = LOCK) -> object:
    return lock


def closes_over() -> object:
    lock = threading.Lock()

    def train() -> object:
        return lock

    return train


async def waits() -> None:
    pass


def yields() -> object:
    yield 1


class Waits:
    async def __call__(self) -> None:
        pass


def test_what_travels_is_called_with_its_arguments() -> None:
    payload = functions.pack(plain, [3], {"lr": 0.5})
    function, args, kwargs = cloudpickle.loads(payload.call)
    assert function(*args, **kwargs) == 1.5
    assert payload.name == "plain"
    assert set(payload.files("training")) == {
        "runner.py",
        "cloudpickle.zip",
        "call.json",
        "call.pickle",
    }
    # Its bytes are many, and nobody's to read.
    assert len(repr(payload)) < 300


@pytest.mark.parametrize(
    ("function", "args", "where"),
    [
        (uses_a_lock, (), "The global 'LOCK' (_thread.lock) that uses_a_lock uses"),
        (uses_another, (), "The global 'LOCK' (_thread.lock) that uses_a_lock uses"),
        (
            closes_over(),
            (),
            "The variable 'lock' (_thread.lock) of the function around train",
        ),
        (has_a_default, (), "The default of 'lock' (_thread.lock) of has_a_default"),
        (plain, (1, LOCK), "Argument 2 (_thread.lock)"),
        (functools.partial(plain, lr=LOCK), (1,), "The keyword 'lr' (_thread.lock)"),
        (
            Model().fit,
            (),
            "Item 2 (_thread.lock) of the item 'attention' (list) of the attribute 'layers'",
        ),
        (plain, ([{"a": {LOCK}}],), "Item 1 (_thread.lock) of the item 'a' (set) of item 1 (dict)"),
    ],
)
def test_what_cannot_be_pickled_is_named_and_where_it_is_reached(function, args, where) -> None:
    with pytest.raises(NotPicklable) as caught:
        functions.pack(function, args)
    assert str(caught.value.why).startswith(where)
    assert "inside" in caught.value.fix
    assert isinstance(caught.value.__cause__, TypeError)


def test_a_keyword_that_cannot_be_pickled_is_named() -> None:
    with pytest.raises(NotPicklable, match=r"The keyword 'lr' \(generator\) cannot be pickled"):
        functions.pack(plain, [1], {"lr": (number for number in ())})


def test_a_table_taken_along_by_accident_is_named_with_its_size() -> None:
    with pytest.raises(FunctionTooLarge, match=r"'TABLE' \(pandas.*that uses_a_table uses, 2.3 M"):
        functions.pack(uses_a_table)
    with pytest.raises(FunctionTooLarge, match=r"argument 1 \(bytes\), 2.0 MiB.*files=.*storage="):
        functions.pack(len, [b"0" * 2**21])
    stored = functions.pack(uses_a_table, stored=True)
    assert stored.is_large
    urls = {"results": ["https://r"], "call": "https://c"}
    assert "call.pickle" not in stored.files("training", urls)


def test_what_fits_a_secret_fits_with_all_that_runs_it() -> None:
    payload = functions.pack(len, [b"0" * 900_000])
    assert sum(map(len, payload.files("training").values())) < 2**20


def test_a_package_whose_modules_know_each_other_travels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python
) -> None:
    (tmp_path / "mine").mkdir()
    for name, code in {
        "__init__": "from mine import models, data",
        "models": "import mine\n\n\nclass Net:\n    fit = lambda self: mine.data.rows()\n",
        "data": "import mine.models as known\n\n\ndef rows():\n    return known.Net.__name__\n",
    }.items():
        (tmp_path / "mine" / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    mine = importlib.import_module("mine")
    try:
        (tmp_path / "call").write_bytes(functions.pack(lambda: mine.models.Net().fit()).call)
    finally:
        for name in ("mine", "mine.models", "mine.data"):
            del sys.modules[name]
    result = python(
        "import pickle\n"
        f"function, _, _ = pickle.load(open({str(tmp_path / 'call')!r}, 'rb'))\n"
        "print(function())"
    )
    assert (result.stdout, result.stderr) == ("Net\n", "")


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (waits, "waits is an async function"),
        (functools.partial(waits), "waits is an async function"),
        (Waits(), "is an async function"),
        (yields, "yields is a generator"),
        ("train", "cannot be called"),
        (functools.partial(plain, 1, 2, 3, 4, 5), r"It is plain\(epochs.*, and the partial gives"),
        (functools.partial(plain, 1, zzz=2), r"It is plain\(epochs.*, and the partial gives"),
        (plain, r"It is plain\(epochs.*: missing a required arg.*'epochs'"),
    ],
)
def test_what_cannot_be_called_in_a_job_is_refused_before(function, said) -> None:
    with pytest.raises(SpecError, match=said):
        functions.pack(function)


def test_torchrun_starts_the_same_program() -> None:
    command = functions.pack(plain, [1], launcher="torchrun").command[-1]
    assert '-m torch.distributed.run "$DOTRAIN_FUNCTION/runner.py"' in command


def test_a_module_beside_the_notebook_travels_and_one_that_is_installed_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python
) -> None:
    (tmp_path / "beside.py").write_text(
        "import json\n\n\ndef double(x):\n    return json.loads(json.dumps(2 * x))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    beside = importlib.import_module("beside")
    before = cloudpickle.list_registry_pickle_by_value()
    try:
        by_module = functions.pack(lambda x: beside.double(x) + 0, [21]).call
        by_name = functions.pack(beside.double, [21]).call
    finally:
        del sys.modules["beside"]
    assert cloudpickle.list_registry_pickle_by_value() == before
    for call in (by_module, by_name):
        (tmp_path / "call").write_bytes(call)
        result = python(
            "import pickle, sys\n"
            f"function, args, _ = pickle.load(open({str(tmp_path / 'call')!r}, 'rb'))\n"
            "print(function(*args))"
        )
        assert (result.stdout, result.stderr) == ("42\n", "")
    assert len(functions.pack(pd.DataFrame).call) < 200
