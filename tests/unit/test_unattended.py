"""A widget asks nobody in a cell: what would ask says what to pass instead."""

from __future__ import annotations

import ast
import threading
from pathlib import Path

import pytest

import dotrain
from dotrain import confirm
from dotrain.errors import ConfirmationRequired, KubernetesUnreachable

PACKAGE = Path(dotrain.__file__).parent


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """The questions that were asked; each is answered with the name."""
    questions: list[str] = []

    def answer(prompt: str) -> str:
        questions.append(prompt)
        return "bert"

    monkeypatch.setattr("builtins.input", answer)
    return questions


def unreachable() -> KubernetesUnreachable:
    return KubernetesUnreachable("It does not answer.", "A timeout.", "Wait.")


def test_the_name_is_not_asked_for_but_has_to_be_passed(asked) -> None:
    with confirm.unattended(), pytest.raises(ConfirmationRequired) as caught:
        confirm.require_name("bert", None, first=lambda: "Two nodes go.")
    assert caught.value.what == "The cluster 'bert' was not touched."
    assert caught.value.fix == "Pass confirm='bert'."
    assert asked == []


def test_a_name_that_was_passed_is_enough(asked) -> None:
    with confirm.unattended():
        confirm.require_name("bert", "bert")
    assert asked == []


def test_nodes_are_not_deleted_undrained_and_it_is_said_what_would_do_it(asked) -> None:
    with confirm.unattended(), pytest.raises(KubernetesUnreachable) as caught:
        confirm.go_on_without_draining("bert", unreachable())
    assert caught.value.what == "The nodes of 'bert' were not touched: they cannot be drained."
    assert "pass drain=False" in caught.value.fix
    assert asked == []


def test_a_cell_is_asked_as_before_also_meanwhile_and_afterwards(asked) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with confirm.unattended():
            inside.set()
            go_on.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(10)
    confirm.require_name("bert", None)
    go_on.set()
    thread.join()
    with confirm.unattended(), confirm.unattended():
        pass
    confirm.require_name("bert", None)
    assert len(asked) == 2


def test_no_other_place_of_the_library_asks() -> None:
    def asks(call: ast.Call) -> bool:
        function = call.func
        return (isinstance(function, ast.Name) and function.id == "input") or (
            isinstance(function, ast.Attribute) and function.attr in ("getpass", "prompt")
        )

    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and asks(node)
    }
    # The command line asks in a terminal of its own.
    assert {one for one in found if not one.startswith("cli/")} == {"confirm.py"}
