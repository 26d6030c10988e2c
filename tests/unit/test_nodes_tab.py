"""The Nodes tab: real widgets, a cluster that only notes what is asked of it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dotrain import changes, display, errors
from dotrain.account import Observed
from dotrain.offers import Offer
from dotrain.pools import Pool
from dotrain.spec import ClusterSpec
from dotrain.widgets.nodes.tab import NodesTab
from tests.unit.looks import SPEC, look
from tests.unit.looks import cluster as described

SMALL, LARGE, FAR = "s-4vcpu-8gb", "s-8vcpu-16gb", "gpu-h100x1-80gb"
GPU = Pool("gpu", size=LARGE, count=1, min=0, max=4)
OFFERS = [
    Offer(slug, 4, 8.0, 0, "", 0.0, price, price * 672, (region,), True)
    for slug, price, region in ((LARGE, 0.14, "nyc3"), (SMALL, 0.07, "nyc3"), (FAR, 3.4, "ams3"))
]


class Noted:
    """A cluster that does what is asked of it to its spec, and notes the call."""

    name = "bert"

    def __init__(self, spec: ClusterSpec = SPEC) -> None:
        self.spec = spec
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.error: Exception | None = None
        self.held: threading.Event | None = None
        # That of the cluster that looks show.
        self.outputs = {"k8s_cluster_id": "id-1"}

    def resize(self, **asked: Any) -> None:
        self._note("resize", asked)
        sizes = {key: asked.get(key) for key in ("count", "size", "pool")}
        ends = {"least": asked.get("min"), "most": asked.get("max")}
        self.spec = changes.resized(self.spec, **sizes, **ends)

    def pause(self, **asked: Any) -> str:
        self._note("pause", asked)
        self.spec = replace(self.spec, paused=True)
        return "the bill"

    def resume(self) -> None:
        self._note("resume", {})
        self.spec = replace(self.spec, paused=False)

    def up(self, **asked: Any) -> None:
        self._note("up", asked)
        self.spec = replace(self.spec, pools=tuple(asked["pools"]))

    def _note(self, call: str, asked: dict[str, Any]) -> None:
        assert isinstance(display.choose(), display.Silent)
        self.calls.append((call, asked))
        if self.held:
            assert self.held.wait(10)
        if self.error is not None:
            raise self.error


def tab(cluster: Noted, **more: Any) -> NodesTab:
    made = NodesTab(cluster, sizes=lambda: OFFERS, **more)
    made.opened()
    assert made.join(10)
    made.show(look(spec=cluster.spec))
    return made


def done(made: NodesTab, click: Callable[[], None]) -> None:
    click()
    assert made.join(10)


def test_the_slider_and_the_number_are_one_and_money_follows_without_a_request() -> None:
    cluster = Noted()
    made = tab(cluster)
    assert made.apply.widget.disabled
    made.fields.slider.value = 4
    assert made.fields.count.value == 4
    assert "$0.14/h → $0.28/h, +$0.14/h" in made.says.value
    assert "resize(count=4)" in made.code.value
    made.fields.count.value = 40
    assert (made.fields.slider.value, made.fields.slider.max) == (40, 40)
    assert not made.apply.widget.disabled
    assert cluster.calls == []


def test_the_size_slider_goes_by_price_in_the_region_and_in_step_with_the_search() -> None:
    made = tab(Noted())
    assert [slug for _, slug in made.fields.size.options] == [SMALL, LARGE]
    made.fields.size.value = LARGE
    assert made.fields.chooser.value == LARGE
    assert "A new pool of 2 x s-8vcpu-16gb is made first" in made.says.value
    made.fields.chooser.value = FAR
    assert made.fields.size.value == FAR
    assert made.apply.widget.disabled
    assert "is not in nyc3" in made.fields.error("size")
    made.fields.chooser.value = SMALL
    assert made.fields.error("size") == ""
    assert made.fields.chooser.widget.layout.display == "none"
    made.fields.search.value = True
    assert made.fields.chooser.widget.layout.display is None


@pytest.mark.parametrize("size", [FAR, "s-9vcpu-gone"])
def test_the_slider_shows_the_size_that_the_pool_has_also_where_it_is_not_offered(size) -> None:
    made = tab(Noted(replace(SPEC, pools=(Pool(size=size, count=2),))))
    assert (made.fields.size.value, made.fields.chooser.value) == (size, size)
    assert made.apply.widget.disabled
    # Back to it, also after another one was chosen.
    made.fields.size.value = LARGE
    assert not made.apply.widget.disabled
    made.fields.size.value = size
    assert made.apply.widget.disabled


def test_what_was_set_for_a_cluster_is_not_done_to_another_of_its_name() -> None:
    cluster = Noted()
    made = tab(cluster)
    made.fields.count.value = 5
    cluster.outputs = {"k8s_cluster_id": "id-2"}
    for click in (made.apply.click, made.pause.click):
        done(made, click)
        assert "is not the one that was meant" in made.said.text
    assert cluster.calls == []
    made.show(look(observed=Observed(described(id="id-2"))))
    assert made.fields.count.value == 2
    assert "Another cluster has been made as bert" in made.meanwhile.text
    made.fields.count.value = 3
    done(made, made.apply.click)
    assert cluster.calls == [("resize", {"count": 3})]


def test_a_name_that_was_typed_for_one_pool_removes_no_other() -> None:
    made = tab(Noted(replace(SPEC, pools=(*SPEC.pools, GPU))))
    made.more.confirm.value = "bert"
    assert not made.remove.widget.disabled
    made.fields.pool.value = "gpu"
    assert made.more.confirm.value == ""
    assert made.remove.widget.disabled


def test_apply_calls_resize_and_the_fields_show_what_there_is_then() -> None:
    cluster, told = Noted(), []
    made = tab(cluster, changed=lambda: told.append(1))
    made.fields.count.value = 4
    done(made, made.apply.click)
    assert cluster.calls == [("resize", {"count": 4})]
    assert told
    assert "Done" in made.said.text
    assert made.apply.widget.disabled
    assert made.fields.count.value == 4
    # A look that was on its way meanwhile knows nothing of it yet.
    made.show(look())
    assert made.fields.count.value == 4
    later = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=1)
    made.show(look(spec=cluster.spec, at=later))
    assert made.apply.widget.disabled


def test_a_click_says_at_once_what_is_being_done_and_nothing_else_can_be_clicked() -> None:
    cluster = Noted()
    made = tab(cluster)
    made.fields.count.value = 4
    cluster.held = threading.Event()
    made.apply.click()
    try:
        assert "Changing nodes of bert" in made.said.text
        assert made.apply.widget.disabled
        assert made.pause.widget.disabled
        assert made.fields.slider.disabled
        made.apply.click()
    finally:
        cluster.held.set()
    assert made.join(10)
    assert len(cluster.calls) == 1
    assert not made.fields.slider.disabled


def test_what_the_tab_itself_changes_is_no_change_from_another_place() -> None:
    cluster = Noted()
    made = tab(cluster)
    made.fields.count.value = 4
    cluster.held = threading.Event()
    made.apply.click()
    try:
        made.show(look(spec=replace(SPEC, pools=(replace(SPEC.pools[0], count=4),))))
        assert made.meanwhile.text == ""
    finally:
        cluster.held.set()
    assert made.join(10)


def test_each_key_counts_in_a_number_of_nodes() -> None:
    made = tab(Noted())
    for field in (made.fields.count, made.fields.least, made.fields.most):
        assert field.continuous_update


def test_what_is_being_changed_stays_when_the_cluster_is_looked_at_again() -> None:
    made = tab(Noted())
    made.fields.count.value = 5
    made.show(look())
    assert made.fields.count.value == 5
    assert made.meanwhile.text == ""
    made.show(look(spec=replace(SPEC, pools=(replace(SPEC.pools[0], count=3),))))
    assert made.fields.count.value == 5
    assert "changed meanwhile" in made.meanwhile.text
    made.reset.click()
    assert made.fields.count.value == 3
    assert made.meanwhile.text == ""
    # Nobody changes anything: what there is is shown.
    made.show(look())
    assert made.fields.count.value == 2


def test_an_error_stays_and_a_wrong_field_is_not_applied() -> None:
    cluster = Noted()
    made = tab(cluster)
    cluster.error = errors.ApiError("No.", "The account has too many Droplets.", "Ask for more.")
    made.fields.count.value = 4
    done(made, made.apply.click)
    made.show(look())
    assert "too many Droplets" in made.said.text
    assert made.fields.count.value == 4
    assert not made.apply.widget.disabled
    made.fields.size.value = LARGE
    made.terms.timeout.value = "soon"
    assert "not a span of time" in made.terms.error
    assert made.apply.widget.disabled
    made.terms.drain.value = False
    assert made.terms.error == ""
    assert "drain=False" in made.code.value


@pytest.mark.parametrize("way", ["resize", "pause", "up"])
def test_nodes_that_cannot_be_drained_go_only_by_a_second_button(way: str) -> None:
    cluster = Noted(replace(SPEC, pools=(*SPEC.pools, GPU)))
    made = tab(cluster)
    made.fields.size.value = LARGE
    made.more.confirm.value = "bert"
    begin = {"resize": made.apply, "pause": made.pause, "up": made.remove}[way]
    cluster.error = errors.KubernetesUnreachable("Its API does not answer.", "Why.", "Fix.")
    assert made.undrained.widget.layout.display == "none"
    done(made, begin.click)
    assert "does not answer" in made.said.text
    assert made.undrained.widget.layout.display is None
    cluster.error = None
    done(made, made.undrained.click)
    (first, asked), (again, forced) = cluster.calls
    assert (first, again) == (way, way)
    assert forced == {**asked, "drain": False}
    assert made.undrained.widget.layout.display == "none"


def test_a_pause_says_what_still_costs_and_a_resume_ends_it() -> None:
    cluster = Noted()
    made = tab(cluster)
    assert "disks is lost" in made.more.words
    assert made.resume.widget.disabled
    done(made, made.pause.click)
    assert "the bill" in made.said.text
    made.show(look(spec=cluster.spec, at=dt.datetime.now(dt.timezone.utc)))
    assert made.resume.widget.layout.display is None
    assert made.pause.widget.disabled
    done(made, made.resume.click)
    assert [call for call, _ in cluster.calls] == ["pause", "resume"]


def test_a_pool_is_removed_only_when_the_name_is_typed() -> None:
    cluster = Noted(replace(SPEC, pools=(*SPEC.pools, GPU)))
    made = tab(cluster)
    made.fields.pool.value = "gpu"
    assert made.fields.scaled.value
    assert (made.fields.least.value, made.fields.most.value) == (0, 4)
    made.more.confirm.value = "bart"
    assert made.remove.widget.disabled
    done(made, made.remove.click)
    assert cluster.calls == []
    made.more.confirm.value = "bert"
    done(made, made.remove.click)
    assert cluster.calls == [("up", {"pools": [SPEC.pools[0]], "replace": "bert"})]
    assert made.more.confirm.value == ""
    assert made.fields.pool.value == "train"


def test_the_only_pool_cannot_be_removed() -> None:
    made = tab(Noted())
    made.more.confirm.value = "bert"
    assert made.remove.widget.disabled
    assert made.more.confirm.disabled


def test_of_an_autoscaled_pool_the_range_is_changed() -> None:
    cluster = Noted(replace(SPEC, pools=(GPU,)))
    made = tab(cluster)
    made.fields.most.value = 8
    done(made, made.apply.click)
    made.fields.scaled.value = False
    made.fields.count.value = 2
    done(made, made.apply.click)
    assert cluster.calls == [("resize", {"max": 8}), ("resize", {"count": 2})]


def test_without_a_cluster_nothing_is_offered() -> None:
    made = NodesTab(Noted(), sizes=lambda: OFFERS)
    gone = replace(look(), spec=None, observed=None)
    for seen in (gone, replace(look(), observed=None)):
        made.show(seen)
        assert made.apply.widget.disabled
        assert made.pause.widget.disabled


def test_sizes_that_cannot_be_read_are_said_and_read_again() -> None:
    answers: list[Any] = [errors.ApiError("No sizes.", "Why.", "Fix."), OFFERS]

    def sizes() -> list[Offer]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    made = NodesTab(Noted(), sizes=sizes)
    made.show(look())
    made.opened()
    assert made.join(10)
    assert "No sizes." in made.fields.error("size")
    made.fields.count.value = 3
    assert "No sizes." in made.fields.error("size")
    made.opened()
    assert made.join(10)
    assert made.fields.error("size") == ""
    assert len(made.fields.size.options) == 2
