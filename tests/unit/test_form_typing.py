"""Somebody types while the form finds something out: no key is lost, and nothing is made up."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from dotrain.errors import DotrainError, Unreachable
from dotrain.pools import Pool
from dotrain.spec import ClusterSpec
from dotrain.widgets.form import knowledge, making
from dotrain.widgets.form.form import Form
from tests.unit.forms import TARGET, everything, settle, there, typing


def test_a_key_that_is_not_taken_yet_stays_when_the_form_is_drawn(bench) -> None:
    form = bench.form("bert")
    view = form._view
    name, count = view.entries.fields["name"].control, view.entries.pools.rows[0].fields["count"]
    # As if the page had sent them, and what is told of it waited for its turn.
    with name.hold_trait_notifications(), count.control.hold_trait_notifications():
        name.value, count.control.value = "berta", 3
        drawing = threading.Thread(target=view.draw)
        drawing.start()
        drawing.join(20)
        assert (name.value, count.value) == ("berta", 3)
    settle(form)
    assert form.spec == ClusterSpec("berta", pools=(Pool(count=3),))


def test_what_was_just_found_out_stays_when_another_field_is_typed(bench) -> None:
    bench.states["bert"] = there(ClusterSpec("bert", "ams3", pools=(Pool(count=3),)))
    form = bench.form("bert")
    shown = form.values
    # The fields still show what stood there before the cluster was found.
    late = Form("bert", {}, up=bench.up, get=bench.get)
    form.type(late.values, "budget")
    assert form.values == shown
    assert form.asked.same


def test_a_cluster_that_the_cell_names_is_shown_again_and_one_half_typed_is_not(bench) -> None:
    bench.states["bert"] = there(ClusterSpec("bert", "ams3"))
    again = bench.form("bert")
    assert again.cluster.name == "bert"
    assert "panel of bert" in everything(again._view._result)
    assert not again._view._asking.opened
    changed = bench.form("bert", budget="$50")
    assert changed.cluster.name == "bert"
    assert changed._view._asking.opened
    typed = bench.form()
    typing(typed, name="bert")
    assert typed.asked.before is not None
    assert typed.cluster is None
    assert bench.calls == []


def test_once_it_is_made_the_form_is_folded_and_stays_as_somebody_opens_it(bench) -> None:
    form = bench.form("bert")
    assert form._view._asking.button.layout.display == "none"
    form._view.create.widget.click()
    settle(form)
    assert not form._view._asking.opened
    assert form._view._asking.button.layout.display is None
    form._view._asking.opened = True
    form._view.draw()
    assert form._view._asking.opened


def test_a_row_that_was_just_added_is_no_mistake_yet(bench) -> None:
    form = bench.form("bert")
    form._view.entries.sources.add()
    (row,) = form._view.entries.sources.rows
    assert row.fields["source"].error == ""
    assert not form._view.create.enabled
    assert "source 1, Address: An empty address lets nobody in." in form._view._problems.text
    assert "alert" not in everything(form._view.widget)
    row.fields["source"].control.value = "x"
    assert "'x'" in row.fields["source"].error


def test_what_runs_is_shown_also_while_no_list_can_be_read(bench) -> None:
    class Running:
        title = "up bert"
        error = None

        def follow(self) -> None:
            del bench.running["bert"]

    def down(_: Any) -> Any:
        raise Unreachable("DigitalOcean does not answer.", "It is away.", "Try again.")

    bench.read = down
    bench.running["bert"] = Running()
    form = bench.form("bert")
    assert "up bert has ended" in form._view.said.text
    assert bench.calls == []


def test_stop_says_when_there_is_nothing_to_stop(bench) -> None:
    with pytest.raises(DotrainError, match="No operation works on 'bert'"):
        making.stop(TARGET, "bert")
    done: list[str] = []
    bench.running["bert"] = SimpleNamespace(
        wait_until_begun=lambda: done.append("begun"), stop=lambda: done.append("stop")
    )
    making.stop(TARGET, "bert")
    assert done == ["begun", "stop"]


def test_a_cell_waits_once_and_not_for_each_question(bench, monkeypatch) -> None:
    form = Form("bert", {}, up=bench.up, get=bench.get, account=lambda: TARGET)
    assert form.problems() == "What DigitalOcean offers has not been read yet."
    known, waits = form.knowledge, []
    for worker in (known._lists, known._here, known._names):
        monkeypatch.setattr(worker, "join", lambda timeout: waits.append(timeout) or True)
    clock = iter([0.0, 0.0, 1.5, 3.0])
    monkeypatch.setattr(knowledge.time, "monotonic", lambda: next(clock))
    assert known.join(2.0)
    assert waits == [2.0, 0.5, 0.0]
