"""A click shows at once, and what came of it stays."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable

import ipywidgets
import pytest

from dotrain.errors import NameInUse
from dotrain.widgets.kit.action import Action
from dotrain.widgets.kit.fields import Field
from dotrain.widgets.kit.message import Message, sentences
from dotrain.widgets.kit.sheet import sheet
from dotrain.widgets.kit.work import Worker

SECONDS = 10
HOSTILE = "<img src=x onerror=alert(1)>"


def idle() -> None:
    """What an action that is never clicked does."""


def refused() -> None:
    raise NameInUse("There is a cluster 'bert'.", "Names are unique.", f"Choose not {HOSTILE}.")


def act(call: Callable[[], object], **options) -> tuple[Action, Worker, Message]:
    worker, said = Worker("test"), Message()
    return Action("Create", call, worker=worker, said=said, **options), worker, said


def test_what_is_seen_changes_before_the_call_begins() -> None:
    seen: list[tuple[bool, str]] = []
    begun = threading.Event()

    def call() -> None:
        seen.append((action.widget.disabled, said.text))
        begun.set()

    action, worker, said = act(call, doing="Creating the cluster …")
    changes: list[str] = []
    action.widget.observe(
        lambda change: changes.append(f"disabled={change['new']}, begun={begun.is_set()}"),
        names="disabled",
    )
    action.widget.click()
    assert changes[0] == "disabled=True, begun=False"
    assert worker.join(SECONDS)
    assert seen == [(True, "Creating the cluster …")]


def test_the_click_itself_does_nothing_that_takes_time() -> None:
    threads = []
    go = threading.Event()

    def call() -> None:
        threads.append(threading.current_thread())
        go.wait(SECONDS)

    action, worker, said = act(call)
    action.widget.click()
    assert action.widget.disabled
    assert said.text == "Create …"
    assert 'role="status"' in said.widget.value
    go.set()
    assert worker.join(SECONDS)
    assert threads != [threading.current_thread()]


def test_when_it_is_done_it_can_be_clicked_again_and_says_nothing_more() -> None:
    results: list[int] = []
    action, worker, said = act(lambda: 3, done=results.append)
    action.widget.click()
    assert worker.join(SECONDS)
    assert results == [3]
    assert not action.widget.disabled
    assert said.text == ""
    assert said.widget.value == ""


def test_what_follows_has_the_last_word() -> None:
    action, worker, said = act(lambda: "bert", done=lambda name: said.show(f"{name} runs.", "ok"))
    action.widget.click()
    assert worker.join(SECONDS)
    assert said.text == "bert runs."


def test_an_error_is_shown_in_full_escaped_and_stays_until_the_next_click() -> None:
    calls = [refused, idle]

    def call() -> None:
        calls.pop(0)()

    action, worker, said = act(call)
    action.widget.click()
    assert worker.join(SECONDS)
    assert said.text == (f"There is a cluster 'bert'. Names are unique. Choose not {HOSTILE}.")
    assert HOSTILE not in said.widget.value
    assert 'role="alert"' in said.widget.value
    assert not action.widget.disabled
    action.widget.click()
    assert worker.join(SECONDS)
    assert said.text == ""


def test_what_it_warned_of_stays() -> None:
    def call() -> None:
        warnings.warn("It ends soon.", stacklevel=1)
        warnings.warn("Its budget runs out.", stacklevel=1)

    action, worker, said = act(call)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        action.widget.click()
        assert worker.join(SECONDS)
    assert said.text == "It ends soon.\nIts budget runs out."
    assert "dotrain-warn" in said.widget.value


def test_actions_of_one_worker_wait_for_each_other() -> None:
    worker, said, go = Worker("test"), Message(), threading.Event()
    first = Action("First", lambda: go.wait(SECONDS), worker=worker, said=said)
    calls: list[int] = []
    second = Action("Second", lambda: calls.append(1), worker=worker, said=said)
    first.widget.click()
    assert second.widget.disabled
    second.widget.click()
    assert said.text == "First …"
    go.set()
    assert worker.join(SECONDS)
    assert not second.widget.disabled
    assert calls == []


def test_one_that_is_not_enabled_stays_so_after_another_has_ended() -> None:
    action, worker, _ = act(idle)
    action.enabled = False
    assert action.widget.disabled
    action.widget.click()
    assert not worker.busy
    worker.start(idle, done=lambda _: None, failed=pytest.fail)
    assert worker.join(SECONDS)
    assert action.widget.disabled
    action.enabled = True
    assert not action.widget.disabled


def test_what_dotrain_did_not_expect_is_told_with_its_type() -> None:
    assert sentences(TypeError("no int")) == "This was not expected. TypeError: no int"
    assert sentences(KeyboardInterrupt()) == "This was not expected. KeyboardInterrupt"


def test_a_field_has_its_label_where_a_screen_reader_finds_it() -> None:
    field = Field("Name", ipywidgets.Text("bert"), hint=f"Not {HOSTILE}")
    assert field.control.description == "Name"
    assert field.value == "bert"
    assert HOSTILE not in "".join(
        one.value for one in field.widget.children if isinstance(one, ipywidgets.HTML)
    )


def test_a_field_without_a_description_has_its_label_as_a_heading() -> None:
    field = Field(HOSTILE, ipywidgets.VBox([]))
    assert HOSTILE not in field.widget.children[0].value
    assert "&lt;img" in field.widget.children[0].value


def test_what_is_wrong_with_a_field_is_said_beside_it_and_taken_back() -> None:
    field = Field("Name", ipywidgets.Text())
    beside = field.widget.children[-1]
    assert field.error == ""
    assert beside.value == ""
    field.error = f"There is a {HOSTILE}."
    assert field.error == f"There is a {HOSTILE}."
    assert 'role="alert"' in beside.value
    assert HOSTILE not in beside.value
    changes: list[object] = []
    beside.observe(changes.append, names="value")
    field.error = f"There is a {HOSTILE}."
    assert changes == [], "it would be read out again at each key"
    field.error = ""
    assert beside.value == ""


def test_the_style_sheet_takes_no_room() -> None:
    widget = sheet(".dotrain b{color:inherit}")
    assert widget.layout.display == "none"
    assert ".dotrain b{color:inherit}" in widget.value


def test_a_click_that_comes_just_after_something_else_has_begun_loses_nothing(monkeypatch) -> None:
    action, worker, said = act(pytest.fail)
    go = threading.Event()
    said.show("Made.", "ok")
    start = worker.start

    def late(*args, **more) -> None:
        # Between the look whether it is busy and the beginning.
        start(lambda: go.wait(SECONDS), done=lambda _: None, failed=pytest.fail)
        monkeypatch.setattr(worker, "start", start)
        start(*args, **more)

    monkeypatch.setattr(worker, "start", late)
    action.click()
    assert said.text == "Made."
    assert action.widget.disabled
    go.set()
    assert worker.join(SECONDS)
    assert not action.widget.disabled


def test_a_button_that_was_let_go_of_is_kept_by_nothing() -> None:
    worker, said = Worker("test"), Message()
    made = [Action("Revoke", idle, worker=worker, said=said) for _ in range(3)]
    instances = ipywidgets.widgets.widget._instances
    buttons = [one.widget.model_id for one in made]
    for one in made:
        one.close()
    assert worker._listeners == []
    assert not set(buttons) & set(instances)
