"""How an operation is shown: as a table, as text and as lines, with what is known of the time."""

from __future__ import annotations

import io
import time

import pytest

from dotrain import display
from dotrain.display import fragments, rows
from dotrain.engine.progress import Progress, Step
from dotrain.estimates import Past, Run
from tests.unit.test_render import EVIL, read

MINUTES = Past(
    {"create cluster": (250.0, 300.0, 355.0), "create tag": (0.3, 0.4)},
    (
        Run("up", 400.0, frozenset({"create tag", "create cluster"})),
        Run("up", 3.0, frozenset({"update firewall"})),
    ),
)


def evil() -> Progress:
    shown = Progress(EVIL)
    shown.note(f"note {EVIL}")
    shown.take("failure", f"failure {EVIL}")
    shown.steps["1"] = Step(f"kind {EVIL}", f"name {EVIL}", f"verb {EVIL}", "done", 0)
    shown.steps["2"] = Step("cluster", "bert", "create", "running", time.monotonic())
    return shown


def running(seconds: float, past: Past = MINUTES, kind: str = "cluster") -> Progress:
    """Return an `up` that has been making something for so many seconds."""
    shown = Progress("up bert", past=past)
    shown.begin(time.time() - seconds - 1)
    shown.steps["1"] = Step(kind, "bert", "create", "running", time.monotonic() - seconds)
    return shown


def done(shown: Progress, seconds: float = 2.0) -> None:
    (key,) = shown.steps
    shown.steps[key] = Step("cluster", "bert", "create", "done", 0, seconds)


def test_every_string_is_escaped_the_log_too() -> None:
    shown = read(display.to_html(evil(), log=True))
    assert "img" not in shown.tags
    said = "\n".join(shown.texts)
    for part in ("note", "kind", "name", "verb", "failure"):
        assert f"{part} {EVIL}" in said
    (log,) = [text for text in shown.texts if "UTC" in text]
    assert f"note {EVIL}" in log


def test_notes_stand_small_below_the_steps() -> None:
    shown = running(1.0)
    shown.note("getting the provider")
    said = display.to_html(shown)
    assert said.index("</table>") < said.index('font-size:85%">getting the provider')
    # Alone, they are what there is to read.
    alone = Progress("wait")
    alone.note("Nodes are not ready.")
    assert "<div>Nodes are not ready.</div>" in display.to_html(alone)


def test_the_log_is_closed_and_only_where_it_is_asked_for() -> None:
    assert "details" not in read(display.to_html(evil())).tags
    assert "<details><summary>Log</summary>" in display.to_html(evil(), log=True)


def test_a_table_has_a_header_for_each_column_and_a_name_for_each_sign() -> None:
    content = display.to_html(running(20))
    header = content.partition("<tbody>")[0]
    row = content.partition("<tbody>")[2]
    assert header.count('<th scope="col"') == row.count("<td") == 5
    assert '<span role="img" aria-label="running">…</span>' in row


def test_what_runs_says_how_long_that_took_before_and_what_is_done_how_long_it_took() -> None:
    shown = running(20.5)
    assert display.to_text(shown).splitlines() == [
        "up bert: 21 s so far",
        "up as a whole: one run on this machine took 6:40",
        "… create cluster bert  20 s  usually 4-6 min (3 runs on this machine)",
    ]
    done(shown, 272)
    assert display.to_text(shown).splitlines()[-1] == "✓ create cluster bert  4:32"


def test_what_takes_longer_than_ever_says_so_and_claims_nothing() -> None:
    assert rows.rows(running(400))[0].usually == "longer than any of 3 runs on this machine (5:55)"
    assert rows.rows(running(400, Past()))[0].usually == "no run to compare with"


def test_what_is_over_in_a_moment_has_no_estimate() -> None:
    assert rows.rows(running(0.5, kind="tag"))[0].usually == ""
    assert rows.rows(running(0.5, Past()))[0].usually == ""
    assert rows.rows(running(3, kind="tag"))[0].usually.startswith("longer than any of 2 runs")


def test_an_operation_is_compared_with_those_that_did_the_same() -> None:
    shown = running(20)
    assert "6:40" in rows.whole(shown)
    shown.steps["2"] = Step("database", "bert", "create", "running", time.monotonic())
    assert rows.whole(shown) == ""


def test_at_the_end_it_says_how_it_went_and_claims_nothing_more() -> None:
    shown = running(20)
    done(shown)
    shown.finish(at=shown.began + 310)
    assert display.to_text(shown).splitlines()[0] == "up bert: done after 5:10"
    assert rows.whole(shown) == ""
    shown.finish("no", failed=True, at=shown.began + 12)
    assert display.to_text(shown).splitlines()[0] == "up bert: failed after 12.0 s"
    assert "failed after 12.0 s" in display.to_html(shown)


def test_what_goes_on_when_nobody_follows_it_any_more_says_so() -> None:
    shown, seen = running(20), []

    class Seen:
        def refresh(self, progress: Progress) -> None:
            seen.append(display.to_text(progress).splitlines()[0])

    with pytest.raises(KeyboardInterrupt), display.following(Seen(), shown):
        raise KeyboardInterrupt
    with display.following(Seen(), shown):
        assert not shown.left
        shown.finish(at=shown.began + 30)
    assert seen == ["up bert: goes on by itself"]


def test_a_sentence_about_it_changes_only_when_something_does() -> None:
    shown = running(20)
    before = rows.summary(shown)
    assert before == "up bert: running, now create cluster bert"
    shown.steps["1"] = Step("cluster", "bert", "create", "running", time.monotonic() - 40)
    assert rows.summary(shown) == before
    done(shown)
    shown.finish()
    assert rows.summary(shown) == "up bert: done, 1 done"


def test_lines_are_written_once_for_steps_that_end_and_for_long_ones_that_begin() -> None:
    written: list[str] = []
    view, shown = display.Lines(written.append), running(0)
    shown.notes.append("It costs $1.")
    shown.steps["2"] = Step("tag", "bert", "create", "running", time.monotonic())
    for _ in range(2):
        view.refresh(shown)
    assert written == [
        "It costs $1.",
        "… create cluster bert  usually 4-6 min (3 runs on this machine)",
    ]
    shown.steps["1"] = Step("cluster", "bert", "create", "done", 0, 272)
    shown.steps["2"] = Step("tag", "bert", "create", "done", 0, 0.4)
    view.refresh(shown)
    assert written[2:] == ["✓ create cluster bert  4:32", "✓ create tag bert  0.4 s"]


def test_of_what_nobody_knows_a_line_is_written_once_it_has_taken_a_while() -> None:
    written: list[str] = []
    view = display.Lines(written.append)
    view.refresh(running(1, Past()))
    assert written == []
    view.refresh(running(6, Past()))
    assert written == ["… create cluster bert  no run to compare with"]


def test_a_long_log_keeps_its_end_and_says_so() -> None:
    shown = Progress("up bert")
    for number in range(700):
        shown.note(f"line {number}")
    lines = shown.log.lines()
    assert (len(lines), lines[0]) == (501, "The first 200 lines are left out.")
    assert lines[-1].endswith("line 699")
    assert len(fragments.log_lines(lines)) < 20_000


def test_a_line_of_a_log_is_one_and_not_endless() -> None:
    shown = Progress("up bert")
    shown.take("note", "two\nlines", 3600.0)
    shown.take("note", "x" * 9000, 3600.0)
    first, second = shown.log.lines()
    assert first == "01:00:00  two lines"
    assert len(second) < 2100


def test_what_goes_on_in_a_block_is_shown_and_how_it_ended() -> None:
    heads: list[str] = []

    class Heads:
        def refresh(self, progress: Progress) -> None:
            heads.append(rows.summary(progress))

    with display.using(Heads), display.shown("wait for bert") as note:
        note("Nodes are not ready.")
    assert heads == ["wait for bert: running", "wait for bert: done"]
    with (
        pytest.raises(ValueError, match="no"),
        display.using(Heads),
        display.shown("wait for bert"),
    ):
        raise ValueError("no")
    assert heads[-1] == "wait for bert: failed"


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
