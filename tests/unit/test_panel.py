"""A panel shows what its feed saw, in every tab, and says what it cannot show."""

from __future__ import annotations

import datetime as dt
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import ipywidgets
import pytest

from dotrain import errors
from dotrain.account import Observed
from dotrain.address import Address
from dotrain.facade import Cluster
from dotrain.snapshot import Snapshot
from dotrain.spec import Resolved
from dotrain.target import Target
from dotrain.widgets.kit import presence
from dotrain.widgets.panel import feed, panel
from dotrain.widgets.panel.panel import Panel
from dotrain.widgets.panel.status import StatusTab
from tests.unit.looks import EVIL, MINE, NOW, cluster, failed, firewall, look, operation, step
from tests.unit.looks import pool as pool_of

TITLES = ("Status", "Nodes", "Access", "Activity", "Teardown")
TEXTS = (ipywidgets.HTML, ipywidgets.Label)


class Reader(HTMLParser):
    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""
        self.feed(fragment)
        self.close()

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


def shown(widget: ipywidgets.Widget) -> str:
    """Return the HTML of everything in a widget."""
    own = widget.value if isinstance(widget, TEXTS) else ""
    return own + "".join(map(shown, getattr(widget, "children", ())))


def words(one: Panel) -> str:
    return Reader(shown(one.widget)).words


def widgets() -> set[ipywidgets.Widget]:
    """Return the widgets that this process keeps."""
    kept = ipywidgets.widgets.widget._instances.values()
    return {one for one in kept if isinstance(one, ipywidgets.DOMWidget)}


def timeless(said: str) -> str:
    """Return what is said without the seconds that something has taken so far."""
    return re.sub(r"[\d.]+ s\b", "", said)


@pytest.fixture
def target(tmp_path: Path) -> Target:
    # Nobody listens there: whoever asks in these tests is told so.
    return Target("sandbox", "http://127.0.0.1:9", "secret", tmp_path / "account")


@pytest.fixture
def made(target, monkeypatch) -> Iterator[Panel]:
    monkeypatch.setattr(panel, "_panels", {})
    one = Panel(Cluster("bert", target), target)
    yield one
    one.close()


def test_a_panel_has_its_tabs_in_order_and_shows_a_look_in_all_of_them(made) -> None:
    (cards,) = (one for one in made.widget.children if isinstance(one, ipywidgets.Tab))
    assert tuple(cards.titles) == TITLES
    assert "Looking at bert" in words(made)
    made.show(look())
    for title in TITLES:
        made.tab(title)
    said = words(made)
    for text in ("✓ done", "2/2", "$0.160 an hour", MINE, "Nothing has been done to it"):
        assert text in said
    assert "Looking at bert" not in said


def test_what_is_saved_says_when_it_was_seen_and_holds_no_secret(made) -> None:
    assert "was not looked at yet" in made.html()
    assert "was not looked at yet" in made.text()
    made.show(look())
    assert "As of 2026-01-02 12:00 UTC" in made.html()
    assert "As of 2026-01-02 12:00 UTC" in made.text()
    for title in TITLES[1:4]:
        assert f"<details><summary>{title}</summary>" in made.html()
    assert "secret" not in made.html() + made.text() + shown(made.widget)


def test_every_string_of_the_api_is_harmless_in_every_tab(made, tmp_path) -> None:
    evil = cluster(
        pool_of(EVIL, EVIL, ("running",)),
        region=EVIL,
        version=EVIL,
        endpoint=EVIL,
        status={"state": EVIL},
    )
    steps = step(f"kind {EVIL}", "failed", f"verb {EVIL}", f"name {EVIL}")
    seen = look(
        name=EVIL,
        resolved=Resolved("1.34.1-do.0", {EVIL: (MINE,)}),
        observed=Observed(evil, (firewall(EVIL),)),
        operation=operation(tmp_path, steps, title=f"up {EVIL}", end=failed(EVIL)),
    )
    made.show(seen)
    unopened = made.html()
    for title in TITLES:
        made.tab(title)
    for fragment in (unopened, shown(made.widget), made.html()):
        read = Reader(fragment)
        assert "img" not in read.tags
        assert EVIL in read.words
    assert EVIL in made.text()


@pytest.mark.parametrize(
    ("title", "kind", "end"),
    [
        ("up bert", "apply", None),
        ("resize bert", "apply", failed("No quota.")),
        ("down bert", "down", None),
        ("down bert", "down", failed("Something is left.")),
        ("down bert", "down", {"result": [["cluster", 1, 0], ["VPC", 1, 0]]}),
    ],
)
def test_what_is_saved_is_the_same_before_and_after_a_tab_is_turned_to(
    target, made, title, kind, end
) -> None:
    directory = feed.operations.journals(feed.workspace.directory(target, "bert"))
    done = operation(directory, step("VPC", "done"), title=title, kind=kind, end=end)
    there = Observed(None) if end and "result" in end else Observed(cluster(), (firewall(),))
    made.show(look(operation=done, observed=there))
    html, text = timeless(made.html()), timeless(made.text())
    for one in TITLES:
        made.tab(one)
    assert timeless(made.html()) == html
    assert timeless(made.text()) == text


def test_a_tab_is_made_when_somebody_turns_to_it(made) -> None:
    (cards,) = (one for one in made.widget.children if isinstance(one, ipywidgets.Tab))
    made.show(look())
    assert [len(page.children) for page in cards.children] == [1, 0, 0, 0, 0]
    cards.selected_index = TITLES.index("Nodes")
    assert [len(page.children) for page in cards.children] == [1, 1, 0, 0, 0]
    assert "2 x" in Reader(shown(cards.children[1])).words or "s-4vcpu" in words(made)


def test_an_address_that_has_moved_is_said_on_every_tab(target, monkeypatch) -> None:
    monkeypatch.setattr("dotrain.config.identity", lambda: "ada")
    here = [Address((MINE,))]
    made = Panel(Cluster("bert", target), target, find_address=lambda: here[0])
    made.show(look())
    access = made.tab("Access")
    access.here.take(access.here.look())
    assert "your address has moved" not in words(made) + made.html()
    here[0] = Address(("198.51.100.4/32",))
    access.here.take(access.here.look())
    head = Reader(shown(made.widget.children[0])).words
    assert "your address has moved: see Access" in head
    assert "your address has moved: see Access" in made.html()
    made.close()


def test_a_panel_that_is_closed_leaves_nothing_in_the_kernel(target) -> None:
    before = widgets()
    made = Panel(Cluster("bert", target), target)
    made.show(look())
    for title in TITLES:
        made.tab(title)
    access = made.tab("Access")
    access.here.widget._view_count = 1
    assert len(widgets() - before) > 100
    made.close()
    assert widgets() == before
    assert not access.here._views()


def test_an_error_of_looking_stays_until_a_look_succeeds(made) -> None:
    made.show(look())
    wrong = errors.ApiError("DigitalOcean does not answer.", "The network is down.", "Wait.")
    made.show(look(error=wrong))
    assert str(wrong) in made.said.text
    assert "What is shown was seen at 12:00:00 UTC." in made.said.text
    assert str(wrong) in made.text()
    assert "unknown" in words(made)
    assert "2/2" in words(made)
    made.show(look())
    assert made.said.text == ""


def test_a_panel_that_is_looked_at_seldom_says_so_until_somebody_is_there(
    made, monkeypatch
) -> None:
    made.show(look())
    assert made.pace.text == ""
    monkeypatch.setattr(presence._Signs, "at", time.monotonic() - presence.AWAY)
    # The same look again, as nothing has changed.
    made.show(made.snapshot)
    assert "for 10 minutes: the cluster is looked at every 60 seconds only" in words(made)
    presence.sign()
    made.show(made.snapshot)
    assert made.pace.text == ""


def test_a_panel_that_was_closed_leaves_no_widget_behind(target, made) -> None:
    instances = ipywidgets.widgets.widget._instances
    before = set(instances)
    one = Panel(Cluster("bert", target), target)
    one.show(look())
    assert set(instances) - before
    one.close()
    one.close()
    assert set(instances) - before == set()


def test_a_tab_that_cannot_show_a_look_is_said_to_and_the_others_do(made, monkeypatch) -> None:
    def show(_: Snapshot) -> None:
        raise ValueError("no such pool")

    monkeypatch.setattr(made.tab("Nodes"), "show", show)
    made.show(look(at=NOW))
    assert "Nodes cannot be shown." in made.said.text
    assert "ValueError: no such pool" in made.said.text
    assert "✓ done" in words(made)


def test_a_cluster_that_is_gone_is_said_to_be_and_comes_back(made) -> None:
    gone = Snapshot("bert", NOW, "sandbox", error=errors.ClusterNotFound("There is none."))
    made.show(gone)
    assert "it is gone, or was never made" in words(made)
    assert made.said.text == ""
    made.show(look())
    assert "it is gone" not in words(made)


def test_activity_shows_each_object_and_stops_what_runs(made, tmp_path, monkeypatch) -> None:
    activity = made.tab("Activity")
    running = operation(tmp_path, step("VPC", "done"), step("cluster", "running", name="bert"))
    made.show(look(operation=running))
    said = Reader(shown(activity.widget)).words
    assert "up bert" in said
    assert "1.5 s" in said
    assert activity.stop.enabled
    stopped = []
    monkeypatch.setattr(running, "stop", lambda: stopped.append(True))
    activity.stop.click()
    assert activity.worker.join(10)
    assert stopped == [True]
    assert "asked to stop" in activity.said.text


def test_activity_keeps_the_whole_error_and_what_was_before(target, made) -> None:
    directory = feed.operations.journals(feed.workspace.directory(target, "bert"))
    operation(directory, title="up bert", end={"result": None})
    broke = operation(directory, title="resize bert", end=failed("No quota."))
    made.show(look(operation=broke))
    said = Reader(shown(made.tab("Activity").widget)).words
    assert "No quota. It would not. Try again." in said
    assert said.index("resize bert") < said.rindex("up bert")
    assert not made.tab("Activity").stop.enabled


def test_what_all_of_it_costs_is_asked_for_by_a_click_and_its_error_stays(
    target, monkeypatch
) -> None:
    asked = threading.Event()

    def cost(_: Cluster) -> None:
        asked.wait(10)
        raise errors.ApiError("DigitalOcean does not answer.")

    monkeypatch.setattr(Cluster, "cost", cost)
    status = StatusTab(Cluster("bert", target))
    status.show(look())
    status.cost.click()
    assert "Reading what there is beside the nodes" in status.said.text
    asked.set()
    assert status.worker.join(10)
    status.show(look())
    assert status.said.text == "DigitalOcean does not answer."


def test_drawing_fifty_nodes_anew_leaves_the_kernel_to_others(made) -> None:
    taken = []
    for hours in range(4):
        states = ("running" if hours % 2 else "provisioning",) * 49
        many = cluster(
            pool_of("system", "s-1vcpu-2gb", ("running",)),
            pool_of("train-s-4vcpu-8gb", "s-4vcpu-8gb", states),
        )
        at = NOW + dt.timedelta(hours=hours)
        begun = time.process_time()
        made.show(look(at=at, observed=Observed(many, (firewall(),))))
        taken.append(time.process_time() - begun)
    assert min(taken) < 0.15


def test_a_cell_shows_one_panel_of_a_cluster_however_often_it_runs(target, made) -> None:
    first = panel.of(Cluster("bert", target), target)
    assert panel.of(Cluster("bert", target), target) is first
    first.close()
    again = panel.of(Cluster("bert", target), target)
    assert again is not first
    again.close()


def test_a_token_that_was_renewed_is_another_panel(target, made) -> None:
    first = panel.of(Cluster("bert", target), target)
    renewed = replace(target, token="renewed")
    again = panel.of(Cluster("bert", renewed), renewed)
    assert again is not first
    first.close()
    again.close()


def test_without_a_notebook_a_cluster_is_its_text(target) -> None:
    one = Cluster("bert", target)
    with pytest.raises(NotImplementedError):
        one._ipython_display_()
    bundle = one._repr_mimebundle_()
    assert bundle["text/plain"] == repr(one)
    assert "bert" in bundle["text/html"]
