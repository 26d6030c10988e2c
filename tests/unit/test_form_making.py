"""What a click in the form does: once, and never what was not shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dotrain.engine.progress import Progress
from dotrain.errors import SpecError
from dotrain.pools import Pool
from dotrain.spec import ClusterSpec, Database
from dotrain.target import Target
from dotrain.widgets.form.form import Form
from tests.unit.forms import (
    EVIL,
    TARGET,
    settle,
    there,
    typing,
)


def test_a_click_asks_once_for_what_is_shown_and_then_shows_the_cluster(bench) -> None:
    form = bench.form("bert", max_age="12h")
    view = form._view
    bench.goes.clear()
    shown = dict(form.asked.arguments)
    view.create.widget.click()
    assert view.create.widget.disabled
    assert view.said.text
    view.create.widget.click()
    assert view._stop.widget.layout.display is None
    assert form.cluster is None
    bench.goes.set()
    settle(form)
    assert bench.calls == [{"name": "bert", **shown}]
    assert form.cluster.name == "bert"
    assert view.said.text == "bert was made on sandbox."
    assert [one.value for one in view._result.children] == ["panel of bert"]
    assert "bert was made on sandbox." in form.html()
    assert "bert was made on sandbox." in form.text()
    assert view._stop.widget.layout.display == "none"


def test_what_fails_is_said_in_full_and_stays(bench) -> None:
    form = bench.form("bert")

    def up(name: str, **_: Any) -> Any:
        raise SpecError("It failed.", EVIL, "Do this.")

    form._up = up
    form._view.create.widget.click()
    settle(form)
    assert form._view.said.text == f"It failed. {EVIL} Do this."
    typing(form, budget="$50")
    assert form._view.said.text == f"It failed. {EVIL} Do this."
    assert form.cluster is None
    assert "It failed." in form.html()
    assert EVIL not in form.html()
    assert form._view.create.enabled


def test_a_cluster_that_exists_fills_what_nobody_has_given(bench) -> None:
    spec = ClusterSpec("bert", "ams3", pools=(Pool(count=3),), database=Database(), ha=True)
    bench.states["bert"] = there(spec)
    form = bench.form("bert", budget="$50")
    view = form._view
    assert view.create.widget.description == "Update"
    assert view.entries.fields["region"].value == "ams3"
    assert view.entries.fields["version"].control.disabled
    assert ("none", "") not in view.entries.fields["engine"].control.options
    assert view.entries.pools.rows[0].fields["count"].value == 3
    assert form.code == 'cluster = dotrain.up("bert", budget="$50.00")'
    assert "budget: none → 50.0" in view._changes.value
    typing(form, name="gpt")
    assert view.create.widget.description == "Create"
    assert view.entries.fields["region"].value == "nyc3"
    assert form.code == 'cluster = dotrain.up("gpt", budget="$50.00")'
    typing(form, name="bert")
    typing(form, ha=False)
    assert list(form.errors) == ["replace"]
    assert "ha: True → False" in view.entries.fields["replace"].error
    assert view.entries.fields["replace"].widget.layout.display is None
    typing(form, replace="bert")
    assert form.errors == {}
    assert form.asked.arguments["replace"] == "bert"


def test_what_was_made_elsewhere_meanwhile_is_not_changed_by_a_click(bench) -> None:
    form = bench.form("bert", budget="$50")
    bench.states["bert"] = there(ClusterSpec("bert", budget=20))
    form._view.create.widget.click()
    settle(form)
    assert bench.calls == []
    assert form._view.said.text.startswith("Nothing was done to 'bert'.")
    assert form._view.create.widget.description == "Update"
    form._view.create.widget.click()
    settle(form)
    assert bench.calls == [{"name": "bert", "budget": "$50.00"}]


def test_another_account_gets_nothing_of_a_form_for_this_one(bench) -> None:
    form = bench.form("bert")
    bench.target = Target("digitalocean", "https://api.digitalocean.com", "t", Path("unused"))
    form._view.create.widget.click()
    settle(form)
    assert bench.calls == []
    assert "this form is for another account" in form._view.said.text


def test_what_runs_already_is_followed_and_nothing_is_asked_for(bench) -> None:
    progress = Progress("up bert")

    class Running:
        title = "up bert"
        error = None

        def follow(self) -> None:
            from dotrain import display

            display.choose().refresh(progress)
            assert bench.goes.wait(20)
            del bench.running["bert"]
            bench.states["bert"] = there(ClusterSpec("bert"))

    bench.goes.clear()
    bench.running["bert"] = Running()
    form = Form(
        "bert",
        {},
        up=bench.up,
        get=bench.get,
        read=bench.read,
        find_address=bench.find,
        account=lambda: TARGET,
    )
    view = form._view
    assert form.knowledge.join(20)
    assert "is running already" in view.said.text
    assert view.create.widget.disabled
    bench.goes.set()
    settle(form)
    assert bench.calls == []
    assert form.cluster.name == "bert"
    assert "nothing else was asked for" in view.said.text
    assert view.create.widget.description == "Update"
