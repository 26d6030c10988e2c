"""A widget in a notebook, the copy that stays there, and what is shown without widgets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

import ipywidgets
import pytest

from dotrain.widgets.kit import attach, closing, html

SECONDS = 10
HOSTILE = "<img src=x onerror=alert(1)>"


class Shown:
    """Something to show, which changes when it is told to."""

    def __init__(self, name: str = "bert") -> None:
        self.name = name
        self.widget = ipywidgets.HTML()

    def html(self) -> str:
        return html.facts([("Name", self.name)]) + html.code(f"dotrain.get({self.name!r})")

    def text(self) -> str:
        return f"Cluster {self.name}"

    def close(self) -> None:
        closing.close(self.widget)


class Notebook:
    """The outputs of a cell, by what identifies them."""

    def __init__(self) -> None:
        self.outputs: list[dict[str, object]] = []
        self.updates: list[tuple[float, dict[str, str]]] = []

    def display(self, bundle, *, raw: bool, display_id: bool = False) -> Notebook:
        assert raw
        # Only what is updated later needs to be found again.
        assert display_id == ("text/html" in bundle)
        self.outputs.append(bundle)
        return self

    def update(self, bundle, *, raw: bool) -> None:
        assert raw
        self.updates.append((time.monotonic(), bundle))


@pytest.fixture
def notebook(monkeypatch) -> Notebook:
    made = Notebook()
    monkeypatch.setattr(attach, "_shown", [])
    monkeypatch.setattr("IPython.display.display", made.display)
    return made


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_widget_comes_first_and_the_copy_after_it(notebook) -> None:
    attach.show(Shown())
    view, copy = notebook.outputs
    assert set(view) == {"application/vnd.jupyter.widget-view+json", "text/plain"}
    assert view["text/plain"] == "", "the text would be there twice"
    assert set(copy) == {"text/html", "text/plain"}
    assert copy["text/plain"] == "Cluster bert"
    assert "bert" in copy["text/html"]


def test_the_copy_says_what_was_waited_for_with_the_widget_in_the_page(notebook) -> None:
    shown = Shown("nothing yet")

    def ready() -> None:
        assert len(notebook.outputs) == 1
        shown.name = "bert"

    attach.show(shown, ready=ready)
    assert notebook.outputs[1]["text/plain"] == "Cluster bert"


def test_an_interrupt_of_the_wait_leaves_no_widget_without_its_copy(notebook) -> None:
    def ready() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attach.show(Shown(), ready=ready)
    assert notebook.outputs[1]["text/plain"] == "Cluster bert"


def test_the_live_widget_hides_its_copy_and_the_copy_what_a_dead_one_leaves(notebook) -> None:
    attach.show(Shown())
    view, copy = notebook.outputs
    model = view["application/vnd.jupyter.widget-view+json"]["model_id"]
    box = ipywidgets.widgets.widget._instances[model]
    (live,) = [one for one in box._dom_classes if one.startswith("dotrain-live-")]
    saved = live.replace("live", "saved")
    assert f"body:has(.{live}) .{saved}{{display:none}}" in box.children[0].value
    assert f'class="dotrain {saved}"' in copy["text/html"]
    assert f".{saved}):not(:has(.{live})){{display:none}}" in copy["text/html"]


def test_two_of_one_kind_do_not_hide_each_other(notebook) -> None:
    attach.show(Shown())
    attach.show(Shown())
    assert notebook.outputs[1]["text/html"] != notebook.outputs[3]["text/html"]


def test_a_copy_is_harmless_and_has_nothing_to_click(notebook) -> None:
    attach.show(Shown(HOSTILE))
    content = notebook.outputs[1]["text/html"]
    assert HOSTILE not in content
    assert "<button" not in content
    assert "onclick" not in content
    assert "onload" not in content
    assert "<script" not in content


def test_a_copy_that_is_the_same_is_not_sent_again(notebook) -> None:
    saved = attach.show(Shown())
    saved._at -= 2
    saved.update()
    assert notebook.updates == []


def test_a_copy_is_sent_at_most_once_a_second_and_the_last_change_is_not_lost(notebook) -> None:
    shown = Shown()
    begun = time.monotonic()
    saved = attach.show(shown)
    for number in range(20):
        shown.name = f"bert-{number}"
        thread = threading.Thread(target=saved.update)
        thread.start()
        thread.join()
    wait_for(lambda: bool(notebook.updates))
    ((at, bundle),) = notebook.updates
    assert at - begun >= 1
    assert bundle["text/plain"] == "Cluster bert-19"


def test_what_is_closed_leaves_its_newest_copy_and_nothing_else(notebook) -> None:
    instances = ipywidgets.widgets.widget._instances
    before = set(instances)
    shown = Shown()
    copies = attach.Copies(shown)
    copies.show()
    copies.show()
    shown.name = "roberta"
    copies.close()
    assert set(instances) == before
    assert [bundle["text/plain"] for _, bundle in notebook.updates] == ["Cluster roberta"] * 2
    shown.name = "later"
    copies.update()
    assert len(notebook.updates) == 2


def test_what_is_shown_twice_stays_until_both_are_closed(notebook) -> None:
    shown = Shown()
    first, second = attach.show(shown), attach.show(shown)
    first.close()
    first.close()
    assert shown.widget.comm is not None
    second.close()
    assert shown.widget.comm is None


def test_a_cell_that_runs_for_ever_keeps_what_is_seen_and_lets_go_of_the_rest(
    notebook, monkeypatch
) -> None:
    monkeypatch.setattr(attach, "MOST", 2)
    seen, unseen, *others = [attach.Copies(Shown(name)) for name in "abcd"]
    for one in (seen, unseen):
        one.show()
    attach._shown[0]._box.set_trait("_view_count", 1)
    for one in others:
        one.show()
    assert [one._shown.name for one in attach._shown] == ["a", "d"]
    assert all(one._shown.widget.comm is not None for one in (seen, others[1]))
    assert all(one._shown.widget.comm is None for one in (unseen, others[0]))


def test_outside_of_a_notebook_there_are_no_widgets() -> None:
    assert not attach.available()


def test_without_widgets_it_is_html_and_text() -> None:
    bundle = attach.text_only(Shown(HOSTILE))
    assert set(bundle) == {"text/html", "text/plain"}
    assert bundle["text/plain"] == f"Cluster {HOSTILE}"
    assert HOSTILE not in bundle["text/html"]
    assert "<style>" in bundle["text/html"]
    assert "tex2jax_ignore" in bundle["text/html"]


# What a Python without ipywidgets does, also one that is a kernel.
WITHOUT = """
import sys
sys.modules["ipywidgets"] = None
import json, types
import dotrain
from dotrain.widgets.kit import attach, html
from dotrain.widgets.kit.live import Poller
from dotrain.widgets.kit.work import Worker

names = {name: callable(getattr(dotrain, name)) for name in dotrain.__all__}
# Whatever imports ipywidgets has failed by now.
assert "IPython" not in sys.modules

class Shown:
    widget = None
    def html(self): return html.notice("fine")
    def text(self): return "fine"

import IPython
IPython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
from pathlib import Path
import tempfile
from dotrain import display
from dotrain.errors import MissingExtra
from dotrain.facade import Cluster
from dotrain.target import Target
from dotrain.widgets.listing.frame import Clusters
import pandas as pd

from tests.unit.looks import EVIL, look

target = Target("sandbox", "http://127.0.0.1:9", "a-token", Path(tempfile.mkdtemp()))
panel = Cluster("bert", target).panel()
looks = []
panel._feed.first = lambda seconds, _told: looks.append(seconds)
panel._feed.last = look(name=EVIL)
try:
    panel.widget
except MissingExtra as error:
    refused = str(error)
form = dotrain.form("bert")
# What it would read is no concern here.
form.knowledge.start = lambda: None
clusters = Clusters.shown_by(pd.DataFrame({"name": ["bert"]}), lambda: None)
shown = {"panel": panel, "form": form}
bundles = {name: one._repr_mimebundle_() for name, one in shown.items()}
for one in (panel, form, clusters):
    try:
        one._ipython_display_()
    except (NotImplementedError, AttributeError):
        pass
print(json.dumps({
    "bundles": {**bundles, "clusters": {"text/html": clusters._repr_html_()}},
    "panel": [panel.html(), panel.text(), repr(panel), panel.close()],
    "refused": refused,
    "looks": len(looks),
    "names": names,
    "notebook": display.in_notebook(),
    "available": attach.available(),
    "bundle": attach.text_only(Shown()),
}))
"""


def test_without_ipywidgets_everything_public_is_there_and_shown_as_html(python) -> None:
    result = python(WITHOUT)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    told = json.loads(result.stdout)
    assert [name for name, there in told["names"].items() if not there] == ["errors"]
    assert told["notebook"] is True
    assert told["available"] is False
    assert told["bundle"]["text/plain"] == f"{attach.LACKING}\nfine"
    assert "fine</div>" in told["bundle"]["text/html"]
    assert "pip install 'dotrain[notebook]'" in told["refused"]
    for name, words in {"panel": "2/2", "form": "up(", "clusters": "bert"}.items():
        bundle = told["bundles"][name]
        assert words in bundle["text/html"], name
        for content in bundle.values():
            assert "ipywidgets" in content
            assert "dotrain[notebook]" in content
            assert "a-token" not in content
    page, text, said, _ = told["panel"]
    assert said == text
    assert "s-4vcpu-8gb" in text
    assert "203.0.113.7" in page
    assert "<img" not in page
    assert told["looks"] == 1, "once for HTML and text"
