"""What is shown: nothing from outside becomes markup, and text stands in for HTML."""

from __future__ import annotations

import io
from html.parser import HTMLParser

from dotrain import display
from dotrain.engine.progress import Progress, Step
from dotrain.render import Summary

EVIL = "<img src=x onerror=\"alert('1')\">&amp;"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(fragment: str) -> _Reader:
    reader = _Reader()
    reader.feed(fragment)
    reader.close()
    return reader


def progress() -> Progress:
    shown = Progress(EVIL)
    shown.notes.append(f"note {EVIL}")
    shown.failures.append(f"failure {EVIL}")
    shown.steps["urn:1", "create"] = Step(f"kind {EVIL}", f"name {EVIL}", f"verb {EVIL}", "done", 0)
    shown.steps["urn:2", "create"] = Step("cluster", "bert", "create", "running", 0)
    return shown


def test_a_summary_escapes_every_string() -> None:
    shown = read(Summary(EVIL, EVIL, {EVIL: EVIL}, EVIL).html())
    assert "img" not in shown.tags
    assert [text for text in shown.texts if EVIL in text] == [EVIL, f" · {EVIL}", EVIL, EVIL, EVIL]


def test_a_summary_is_also_text() -> None:
    text = Summary("bert", "running", {"endpoint": "https://x", "nodes": "1/1"}, "sandbox").text()
    assert text.splitlines() == [
        "bert: running",
        "[sandbox]",
        "  endpoint  https://x",
        "  nodes     1/1",
    ]
    assert Summary("bert", "gone", {}).text() == "bert: gone"


def test_progress_escapes_every_string() -> None:
    shown = read(display.to_html(progress()))
    assert "img" not in shown.tags
    for text in (EVIL, *(f"{part} {EVIL}" for part in ("note", "kind", "name", "verb"))):
        assert text in shown.texts
    assert f"✗ failure {EVIL}" in shown.texts


def test_progress_is_also_text() -> None:
    shown = Progress("up bert")
    shown.steps["urn", "create"] = Step("cluster", "cluster", "create", "failed", 0, 1.25)
    shown.failures.append("cluster: no")
    shown.notes.append("It costs $1.")
    assert display.to_text(shown).splitlines() == [
        "up bert",
        "It costs $1.",
        "✗ create cluster cluster  1.2 s",
        "cluster: no",
    ]


def test_html_says_whether_more_is_to_come() -> None:
    shown = Progress("up bert")
    assert "…" in display.to_html(shown)
    shown.finish()
    assert "…" not in display.to_html(shown)


def test_lines_are_written_once_and_only_for_steps_that_ended() -> None:
    written: list[str] = []
    view, shown = display.Lines(written.append), progress()
    view.refresh(shown)
    view.refresh(shown)
    assert len(written) == 2
    assert not any("bert" in line for line in written)
    shown.steps["urn:2", "create"] = Step("cluster", "bert", "create", "done", 0, 2.0)
    view.refresh(shown)
    assert written[2:] == ["✓ create cluster bert  2.0 s"]


def test_without_a_notebook_or_a_terminal_nothing_is_shown(monkeypatch) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert isinstance(display.choose(), display.Silent)
    monkeypatch.setattr("sys.stderr", None)
    assert isinstance(display.choose(), display.Silent)


def test_a_program_chooses_what_it_is_shown_in() -> None:
    view = display.Lines(print)
    with display.using(lambda: view):
        assert display.choose() is view
    assert display.choose() is not view
