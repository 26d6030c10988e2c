"""An operation in a widget, and in the output of a cell."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from dotrain import display
from dotrain.display import cell
from dotrain.engine import journal
from dotrain.engine.progress import Progress, Step
from dotrain.operation import Operation
from dotrain.widgets.progress import LogView, ProgressView
from tests.unit.test_render import EVIL, read


def begun() -> Progress:
    shown = Progress("up bert")
    shown.begin(time.time())
    shown.take("step", ["1", asdict(Step("cluster", EVIL, "create", "running", time.monotonic()))])
    return shown


def contents(view: ProgressView) -> str:
    """Return all HTML in the widget."""
    status, table, log = view.widget.children
    return "".join(one.value for one in (status, table, *log.children))


def test_a_view_shows_steps_and_log_and_all_of_it_is_escaped() -> None:
    view = ProgressView()
    assert (view.html(), view.text()) == ("", "")
    shown = begun()
    view.refresh(shown)
    said = contents(view)
    assert "img" not in read(said).tags
    assert f"create cluster {EVIL}: begins" in "".join(read(said).texts)
    assert view.text() == display.to_text(shown)
    assert view.html() == display.to_html(shown, log=True)


def test_what_is_read_out_changes_only_when_something_does_and_what_is_open_stays() -> None:
    view, shown = ProgressView(), begun()
    view.refresh(shown)
    status, table, log = view.widget.children
    changed: list[Any] = []
    for one in (status, table, *log.children):
        one.observe(lambda change: changed.append(change.owner), "value")
    step = shown.steps["1"]
    shown.steps["1"] = Step(step.kind, step.name, step.verb, "running", step.started - 5)
    view.refresh(shown)
    assert changed == [table]
    shown.note("It costs $1.")
    shown.finish()
    view.refresh(shown)
    toggle, lines = log.children
    assert toggle not in changed
    assert lines in changed
    assert status in changed
    assert 'role="status"' in status.value


def test_the_log_of_another_operation_takes_the_place_of_the_first() -> None:
    view, first, second = ProgressView(), begun(), begun()
    first.note("It costs $1.")
    second.note("It costs $2.")
    view.refresh(first)
    view.clear()
    assert (view.html(), view.text()) == ("", "")
    view.refresh(second)
    assert "$2." in contents(view)
    assert "$1." not in contents(view)


def test_an_operation_that_was_killed_does_not_look_as_if_it_ran(tmp_path: Path) -> None:
    path = journal.new_path(tmp_path)
    writer = journal.Writer(path)
    writer.open("apply", "up bert", "id-1")
    writer.write("turn", None)
    first, *rest = path.read_text().splitlines(keepends=True)
    card = json.loads(first)["card"] | {"born": 1.0}
    path.write_text("".join([json.dumps({"card": card}) + "\n", *rest]))
    operation = Operation(path)
    assert repr(operation).startswith("up bert: failed after ")
    assert operation.log.endswith("up bert failed: its process was killed.")


class Outputs:
    """What a cell shows, output by output, as a frontend would keep it."""

    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] = []

    def show(self, handle: int | None, bundle: dict[str, Any]) -> int:
        if handle is None:
            self.shown.append(bundle)
            return len(self.shown) - 1
        self.shown[handle] = bundle
        return handle


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> Outputs:
    kept = Outputs()
    monkeypatch.setattr(cell, "_show", kept.show)
    return kept


def test_a_cell_has_the_table_and_below_it_the_log_and_at_the_end_no_widget(
    outputs: Outputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cell._Made, "live_log", staticmethod(LogView))
    view, shown = display.Cell(), begun()
    view.refresh(shown)
    table, log = outputs.shown
    assert "details" not in read(table["text/html"]).tags
    assert "create cluster" in table["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in log
    shown.finish()
    view.refresh(shown)
    table, log = outputs.shown
    assert "style>" not in table["text/html"] + log["text/html"]
    assert "<details><summary>Log</summary>" in log["text/html"]
    assert set(log) == {"text/html", "text/plain"}
    assert "img" not in read(log["text/html"]).tags
    view.refresh(shown)
    assert outputs.shown == [table, log]


def test_without_widgets_the_log_comes_at_the_end(outputs: Outputs) -> None:
    view, shown = display.Cell(), begun()
    view.refresh(shown)
    assert "Log" not in outputs.shown[0]["text/html"]
    shown.left = True
    view.refresh(shown)
    (only,) = outputs.shown
    assert "<details><summary>Log</summary>" in only["text/html"]
    assert "goes on by itself" in only["text/plain"]
