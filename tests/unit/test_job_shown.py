"""A job as it is shown: as text, HTML, frames and in cells, and what it costs."""

from __future__ import annotations

import datetime as dt
import threading
import time
from html.parser import HTMLParser

import pytest

from dotrain.jobs import costs, gone, keeping, listing, live, shown
from dotrain.jobs.gone import Gone
from dotrain.jobs.listing import Row
from dotrain.jobs.shown import Picture
from dotrain.jobs.status import JobStatus, PodStatus
from dotrain.pricing import Price
from dotrain.target import Target

EVIL = "<img src=x onerror=\"alert('1')\">&amp;"
THEN = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)
MINUTES = dt.timedelta(minutes=5)
ENDED = JobStatus(
    "failed",
    "Rank 1: exit code 3",
    (
        PodStatus(0, "train-0-aaaaa", "failed", "gpu-0", 1, "exit code 1", THEN, THEN + MINUTES),
        PodStatus(1, "train-1-aaaaa", "failed", "gpu-1", 0, "exit code 3", THEN, THEN + MINUTES),
    ),
    THEN,
    THEN + MINUTES,
    MINUTES,
)


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


def test_a_job_is_text() -> None:
    assert Picture("train", "bert", ENDED, 0.424, "Kept here.").text().splitlines() == [
        "train: failed after 5 min on bert, $0.42 so far",
        "  Rank 1: exit code 3.",
        "  Kept here.",
        "  rank  phase   node   restarts  elapsed  Pod",
        "  0     failed  gpu-0  1         5 min    train-0-aaaaa",
        "  1     failed  gpu-1  0         5 min    train-1-aaaaa",
    ]


def test_a_job_of_which_nothing_is_known_says_why() -> None:
    picture = Picture("train", "bert", None, note="Not reachable: no route.")
    assert picture.text() == "train: not known\n  Not reachable: no route."
    assert "table" not in read(picture.html()).tags


def test_a_job_says_the_same_as_html_and_its_prices_are_no_formulas() -> None:
    page = Picture("train", "bert", ENDED, 0.424).html()
    assert "mathjax_ignore" in page
    said = read(page).texts
    assert "train" in said
    assert " · failed after 5 min on bert, $0.42 so far" in said
    assert said.count("5 min") == 2
    assert set(Picture("train", "bert", ENDED).bundle()) == {"text/plain", "text/html"}


def test_no_string_of_a_job_becomes_markup() -> None:
    rank = PodStatus(0, EVIL, EVIL, EVIL, 0, EVIL)
    page = Picture(EVIL, EVIL, JobStatus(EVIL, EVIL, (rank,)), None, EVIL).html()
    found = read(page)
    assert "img" not in found.tags
    assert sum(EVIL in text for text in found.texts) == 7


def test_of_many_ranks_those_are_shown_that_are_not_as_they_should_be() -> None:
    fine = [PodStatus(rank, f"train-{rank}-a", "running", "n") for rank in range(40)]
    fine[33] = PodStatus(33, "train-33-a", "waiting")
    picture = Picture("train", "bert", JobStatus("waiting", pods=tuple(fine)))
    ranks = [row[0] for row in picture.rows()]
    assert len(ranks) == 16
    assert ranks[0] == "0"
    assert ranks[-1] == "33"
    assert "And 24 more, running." in picture.text()


@pytest.mark.parametrize(
    ("amount", "said"),
    [(0.0, "$0.00"), (0.0001, "under $0.01"), (0.42, "$0.42"), (1e3, "$1000.00")],
)
def test_little_money_is_not_shown_as_none(amount, said) -> None:
    assert shown.money(amount) == said


def test_a_job_costs_what_its_nodes_do_while_it_has_them() -> None:
    assert costs.total(ENDED, THEN, 12.0, 2) == pytest.approx(1.0)
    assert costs.total(ENDED, THEN, None, 2) is None
    # A rank between two nodes is counted as the others.
    assert costs.total(ENDED, THEN, 6.0, 1) == pytest.approx(1.0)
    # It had waited for three minutes.
    late = THEN + dt.timedelta(minutes=3)
    assert costs.total(ENDED, late, 12.0, 2) == pytest.approx(0.4)


def test_what_a_job_cost_that_nobody_saw_run_is_not_known_and_not_nothing(tmp_path) -> None:
    target = Target("digitalocean", "http://127.0.0.1:1", "token", tmp_path)
    meter = costs.Meter(target, Gone("bert", ""))
    rank = PodStatus(0, phase="stopped")
    assert meter.so_far(JobStatus("waiting", pods=(PodStatus(0),), started=THEN)) == 0.0
    # Kubernetes forgets when a job was started that is suspended.
    assert meter.so_far(JobStatus("cancelled", pods=(rank,), finished=THEN)) is None
    assert meter.so_far(JobStatus("failed", "", (rank,), THEN, THEN)) is None


def test_a_job_whose_pods_are_gone_cost_what_the_nodes_did_that_it_was_seen_on(tmp_path) -> None:
    target = Target("digitalocean", "http://127.0.0.1:1", "token", tmp_path)
    meter = costs.Meter(target, Gone("bert", ""))
    meter._prices = {"gpu": Price(12.0, None)}
    meter._sizes = {"gpu-0": "gpu"}
    ranks = (PodStatus(0, "train-0-a", "running", "gpu-0"),)
    meter.note(JobStatus("running", pods=ranks, started=THEN, begun=THEN))
    ended = JobStatus("cancelled", "", (PodStatus(0, phase="stopped"),), THEN, THEN + MINUTES)
    assert meter.so_far(ended) == pytest.approx(1.0)


def test_two_jobs_of_a_cluster_that_is_gone_are_not_shown_as_one(tmp_path, monkeypatch) -> None:
    cells = _Shown(monkeypatch)
    monkeypatch.setattr(live, "cell_number", lambda: 1)
    target = Target("digitalocean", "http://127.0.0.1:1", "token", tmp_path)
    for name in "ab":
        keeping.of(target, "old", "training", name, "").save_log(0, f"log of {name}")
        found = gone.job(target, "old", name)
        assert found is not None
        found._ipython_display_()
    assert cells.names == ["a", "b"]
    assert not live._lives


FRAME = {
    "name": "object",
    "phase": "object",
    "nodes": "int64",
    "gpus": "int64",
    "restarts": "int64",
    "reason": "object",
    "started": "datetime64[ns, UTC]",
    "finished": "datetime64[ns, UTC]",
    "elapsed": "timedelta64[ns]",
    "namespace": "object",
}


def test_frames_have_the_same_columns_and_types_whatever_there_is() -> None:
    rows = [Row("training", "train", ENDED, 16), Row("training", "new", JobStatus("waiting"), 0)]
    full, empty = listing.jobs(rows), listing.jobs([])
    assert list(full.columns) == list(FRAME)
    assert full.dtypes.to_dict() == empty.dtypes.to_dict()
    for column in ("nodes", "gpus", "restarts", "started", "finished", "elapsed"):
        assert str(full[column].dtype) == FRAME[column], column
    assert full.elapsed[0] == MINUTES
    assert full.started.isna().tolist() == [False, True]
    ranks = listing.ranks(ENDED)
    assert ranks.dtypes.to_dict() == listing.ranks(JobStatus("waiting")).dtypes.to_dict()
    assert ranks["rank"].tolist() == [0, 1]


class _Shown:
    """Cells that remember what they showed."""

    def __init__(self, monkeypatch) -> None:
        self.cells: list[list[str]] = []
        self.names: list[str] = []
        monkeypatch.setattr(live, "_EVERY", 0.01)
        monkeypatch.setattr(live, "Cell", self.cell)

    def cell(self) -> _Shown._Cell:
        self.cells.append([])
        return self._Cell(self.cells[-1], self.names)

    class _Cell:
        def __init__(self, seen: list[str], names: list[str]) -> None:
            self.seen = seen
            self.names = names

        def show(self, picture: Picture) -> None:
            if picture.note == "gone":
                raise ConnectionError
            self.names.append(picture.name)
            self.seen.append(picture.status.phase if picture.status else picture.note)


def until(check) -> None:
    deadline = time.monotonic() + 5
    while not check():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def test_one_thread_keeps_all_cells_of_a_job_up_to_date_and_ends_with_it(monkeypatch) -> None:
    cells, now = _Shown(monkeypatch), {"status": JobStatus("running"), "note": ""}
    one = live.Live(lambda: Picture("train", "bert", **now))
    for _ in range(3):
        one.add()
    assert sum(thread.name == "dotrain job" for thread in threading.enumerate()) == 1
    now |= {"status": None, "note": "Not reachable"}
    monkeypatch.setattr(live, "_SELDOM", 0.01)
    until(lambda: all("Not reachable" in seen for seen in cells.cells))
    now |= {"status": ENDED, "note": ""}
    until(lambda: not one.running)
    until(lambda: all(seen[-1] == "failed" for seen in cells.cells))
    assert all(seen[0] == "running" for seen in cells.cells)
    # What has ended needs nobody; what goes on once more gets another thread.
    one.add()
    assert not one.running
    now |= {"status": JobStatus("running")}
    one.add()
    assert one.running
    now |= {"status": None, "final": True}
    until(lambda: not one.running)


def test_a_job_that_something_follows_is_kept_up_to_date_until_that_is_over(monkeypatch) -> None:
    _Shown(monkeypatch)
    now = {"goes_on": True}
    monkeypatch.setattr(live, "_EVERY", 0.01)
    one = live.Live(lambda: Picture("train", "bert", ENDED, **now))
    one.add()
    assert one.running
    now["goes_on"] = False
    until(lambda: not one.running)


def test_a_cell_that_is_gone_does_not_keep_the_others_from_being_updated(monkeypatch) -> None:
    cells = _Shown(monkeypatch)
    pictures = iter(
        [
            Picture("train", "bert", JobStatus("running")),
            Picture("train", "bert", JobStatus("running"), note="gone"),
            Picture("train", "bert", ENDED),
        ]
    )
    monkeypatch.setattr(live, "_SELDOM", 0.01)
    one = live.Live(lambda: next(pictures))
    one.add()
    until(lambda: not one.running)
    until(lambda: cells.cells == [["running", "failed"]])
