"""The list of clusters as a widget: it asks when it is shown, and Kubernetes only on a click."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import ipywidgets
import pytest

from dotrain import frames
from dotrain.errors import InvalidName, KubernetesUnreachable, Unreachable
from dotrain.widgets.kit import attach
from dotrain.widgets.listing import rows as listed
from dotrain.widgets.listing.rows import Idle
from dotrain.widgets.listing.view import ClustersView, Source
from tests.unit.endings import EVIL, NOW, leak
from tests.unit.test_listed import described, listing


class Opened:
    def __init__(self, what: str) -> None:
        self.what = what
        self.closed = False
        self.widget = ipywidgets.HTML(what)

    def html(self) -> str:
        return f"<p>{self.what}</p>"

    def text(self) -> str:
        return self.what

    def close(self) -> None:
        self.closed = True


@dataclass
class Account:
    """What a view can read, and what of that it did."""

    found: listed.Listing
    fails: list[Exception] = field(default_factory=list)
    looks: int = 0
    asked: list[str] = field(default_factory=list)
    opened: list[Opened] = field(default_factory=list)
    saves: int = 0

    def look(self) -> listed.Listing:
        self.looks += 1
        if self.fails:
            raise self.fails.pop(0)
        return self.found

    def idle(self, rows):
        for row in rows:
            self.asked.append(row.name)
            closed = row.name == "b"
            error = KubernetesUnreachable("No answer.", "Closed.", "Open it.") if closed else None
            yield row, Idle(error=error)

    def open(self, what: str) -> Opened:
        if self.fails:
            raise self.fails.pop(0)
        self.opened.append(Opened(what))
        return self.opened[-1]

    @property
    def source(self) -> Source:
        return Source(
            self.look,
            self.idle,
            lambda name: self.open(f"panel {name}"),
            lambda name, *_: self.open(f"teardown {name}"),
        )

    def update(self) -> None:
        self.saves += 1


def view_of(account: Account, monkeypatch) -> ClustersView:
    first = listed.of_frame(frames.clusters([described("a"), described("b")]), NOW)
    view = ClustersView(first, account.source)
    monkeypatch.setattr(attach, "show", lambda _: account)
    assert account.looks == 0
    return view


def shown(view: ClustersView) -> str:
    return "".join(one.value for one in view.widget.children if hasattr(one, "value"))


@pytest.fixture
def account() -> Account:
    some = listing(described("a"), described("b", region="ams3"), described("c"), leaks=[leak()])
    return Account(some)


@pytest.fixture
def view(account, monkeypatch) -> ClustersView:
    made = view_of(account, monkeypatch)
    made.put()
    assert made.join(10)
    return made


def test_what_the_frame_has_is_there_at_once_and_the_rest_is_read_when_it_is_shown(
    account, monkeypatch
) -> None:
    view = view_of(account, monkeypatch)
    assert "<td>a</td>" in shown(view)
    assert "<td>c</td>" not in shown(view)
    view.put()
    assert view.join(10)
    assert account.looks == 1
    assert account.asked == []
    assert "<td>c</td>" in shown(view)
    assert "$40.020" in shown(view)
    assert "1 object belongs to nothing" in shown(view)
    assert account.saves
    assert "1 object belongs to nothing" in view.html()
    assert "1 object belongs to nothing" in view.text()


def test_the_filter_narrows_the_table_and_the_choice(view) -> None:
    view.words.control.value = "ams"
    assert "<td>b</td>" in shown(view)
    assert "<td>a</td>" not in shown(view)
    # What the leak has left can always be chosen.
    assert [name for _, name in view.chosen.name.control.options] == ["", "b", "old"]
    view.words.control.value = ""
    view.state.control.value = "running"
    assert "<td>a</td>" in shown(view)


def test_sorting_changes_the_order(view) -> None:
    view.down.control.value = True
    table = shown(view)
    assert table.index("<td>c</td>") < table.index("<td>a</td>")


def test_kubernetes_is_asked_on_a_click_alone_and_only_of_what_is_listed(account, view) -> None:
    view.words.control.value = "nyc3"
    view.idle.widget.click()
    assert view.join(10)
    assert sorted(account.asked) == ["a", "c"]
    view.words.control.value = ""
    view.idle.widget.click()
    assert view.join(10)
    assert "unreachable" in shown(view)
    assert "b: No answer. Closed. Open it." in shown(view)
    assert view.idle_said.text == "3 of 3 clusters have been asked."
    # What is known stays known when the account is read again.
    view.refresh.widget.click()
    assert view.join(10)
    assert "b: No answer. Closed. Open it." in shown(view)


def test_an_error_stays_until_the_next_look_with_what_was_known(account, view) -> None:
    account.fails = [Unreachable("No answer came.", "Why.", "Fix.")]
    view.refresh.widget.click()
    assert view.join(10)
    assert view.said.text == "No answer came. Why. Fix."
    assert "<td>a</td>" in shown(view)
    view.refresh.widget.click()
    assert view.join(10)
    assert view.said.text == ""


def test_one_cluster_is_opened_at_a_time(account, view) -> None:
    chosen = view.chosen
    assert chosen.panel.widget.disabled
    assert chosen.teardown.widget.disabled
    chosen.teardown.widget.click()
    assert account.opened == []
    chosen.name.control.value = "b"
    chosen.panel.widget.click()
    assert view.join(10)
    chosen.teardown.widget.click()
    assert view.join(10)
    assert [one.what for one in account.opened] == ["panel b", "teardown b"]
    assert [one.closed for one in account.opened] == [True, False]
    assert "<p>teardown b</p>" in view.html()
    chosen.close.click()
    assert account.opened[1].closed
    assert "teardown b" not in view.html()
    account.fails = [InvalidName("No name.", "Odd.", "Another.")]
    chosen.panel.widget.click()
    assert view.join(10)
    assert chosen.said.text == "No name. Odd. Another."


def test_the_choice_is_kept_when_the_list_is_read_again(account, view) -> None:
    view.chosen.name.control.value = "b"
    view.refresh.widget.click()
    assert view.join(10)
    assert view.chosen.name.value == "b"
    account.found = listing(described("a"))
    view.refresh.widget.click()
    assert view.join(10)
    assert view.chosen.name.value == ""


def test_names_that_others_gave_are_only_text_and_labels_are_none_of_html(monkeypatch) -> None:
    evil = Account(listing(described(EVIL), leaks=[leak(cluster=EVIL, name=EVIL)]))
    view = view_of(evil, monkeypatch)
    view.put()
    assert view.join(10)
    assert "<img" not in shown(view) + view.html()
    view.chosen.name.control.value = EVIL
    view.chosen.teardown.widget.click()
    assert view.join(10)
    assert "<img" not in view.chosen.said.widget.value
    fields = (view.words, view.state, view.order, view.down, view.chosen.name)
    assert all(one.control.description for one in fields)
    assert not any(one.control.description_allow_html for one in fields)


def test_two_hundred_clusters_are_drawn_within_150_ms_of_the_kernels_time(monkeypatch) -> None:
    many = Account(listing(*(described(f"c{number:03}") for number in range(200))))
    view = view_of(many, monkeypatch)
    view.put()
    assert view.join(10)
    took = []
    for words in ("c1", "c19", ""):
        begun = time.thread_time()
        view.words.control.value = words
        took.append(time.thread_time() - begun)
    assert min(took) < 0.15
    assert len(view.chosen.name.control.options) == 1 + listed.MOST


def test_a_list_that_was_closed_leaves_no_widget_behind(account, view) -> None:
    instances = ipywidgets.widgets.widget._instances
    before = set(instances)
    other = ClustersView(account.look(), account.source)
    assert set(instances) - before
    other.close()
    assert set(instances) - before == set()
