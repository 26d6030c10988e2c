"""The form with real widgets: what it shows as one types."""

from __future__ import annotations

import ipywidgets
import pytest

from dotrain.address import Address
from dotrain.errors import AddressError, InvalidName, SpecError, Unreachable
from dotrain.pools import Pool
from dotrain.sandbox import catalog
from dotrain.spec import ClusterSpec
from dotrain.target import Target
from dotrain.widgets.form.form import Form
from dotrain.widgets.form.offered import Offered
from tests.unit.forms import (
    EVIL,
    HERE,
    OFFERED,
    TARGET,
    everything,
    settle,
    there,
    typing,
    walk,
)


def test_it_opens_with_what_is_given_and_says_what_is_missing(bench) -> None:
    form = bench.form(region="tor1", pool=Pool(size="gpu-h100x1-80gb"))
    assert list(form.errors) == ["name"]
    assert form.spec is None
    assert not form._view.create.enabled
    # Nobody has done anything wrong yet: what is missing is said, and is no alarm.
    assert form._view._problems.text == "It needs a name."
    assert form._view.entries.fields["name"].error == ""
    assert "alert" not in everything(form._view.widget)
    assert "  cluster\n" not in form.text()
    typing(form, name="Bert")
    assert "'Bert' cannot be the name" in form._view.entries.fields["name"].error
    typing(form, name="bert")
    assert form.errors == {}
    assert form.spec == ClusterSpec("bert", "tor1", pools=(Pool(size="gpu-h100x1-80gb"),))
    assert form._view.create.enabled
    assert form._view._problems.text == ""


@pytest.mark.parametrize(
    ("name", "given", "error"),
    [
        ("Bert", {}, InvalidName),
        ("bert", {"max_age": "12"}, SpecError),
        ("bert", {"replace": "gpt"}, SpecError),
        ("bert", {"pool": 3}, SpecError),
        ("bert", {"pools": [], "region": "nyc3"}, SpecError),
        ("bert", {"drain_timeout": "x"}, SpecError),
    ],
)
def test_what_is_given_wrong_is_raised_as_up_raises_it(bench, name, given, error) -> None:
    if "replace" in given:
        from dotrain.errors import ReplacementRefused as error  # noqa: N813 - the kind of error
    with pytest.raises(error):
        bench.form(name, **given)


def test_each_key_changes_price_access_and_code_and_asks_nobody(bench) -> None:
    form = bench.form("bert")
    view = form._view
    bench.read = bench.find = pytest.fail
    view.entries.pools.rows[0].fields["count"].control.value = 4
    view.entries.pools.rows[0].chooser.value = "s-4vcpu-8gb"
    assert "pool train: 4 x s-4vcpu-8gb" in view._price.value
    assert "$192.00" in view._price.value
    assert "count=4)" in form.code
    assert form.code.replace('"', "&quot;") in view._code.value
    view.entries.sources.add()
    row = view.entries.sources.rows[0]
    row.fields["source"].control.value = "198.51.100.0/24"
    row.fields["to"].control.value = "jupyter"
    assert "198.51.100.0/24" in view._access.value
    assert "tcp 8888" in view._access.value
    assert bench.reads == 1


def test_a_mistake_stands_beside_its_field_is_unfolded_and_goes_when_it_is_put_right(bench) -> None:
    form = bench.form("bert")
    view = form._view
    row = view.entries.pools.rows[0]
    assert not view.entries.advanced.opened
    assert not row.folded.opened
    typing(form, egress="webs")
    row.fields["taints"].control.value = "spot"
    assert "'webs' is not a choice of egress." in view.entries.fields["egress"].error
    assert "'spot' is not a taint." in row.fields["taints"].error
    assert view.entries.advanced.opened
    assert row.folded.opened
    assert view._problems.text.startswith("2 things are to be put right first:\npool 1, Taints: ")
    assert view._first.layout.display is None
    typing(form, egress="web")
    row.fields["taints"].control.value = ""
    assert view.entries.fields["egress"].error == row.fields["taints"].error == ""
    assert view._first.layout.display == "none"
    assert view.create.enabled


def test_the_size_says_where_it_is_and_regions_where_it_is_not(bench) -> None:
    form = bench.form("bert")
    row = form._view.entries.pools.rows[0]
    row.chooser.value = "gpu-h100x1-80gb"
    sentence = "gpu-h100x1-80gb is not in nyc3; it is in nyc2, ams3, tor1."
    assert row.fields["size"].error == sentence
    regions = {value: label for label, value in form._view.entries.fields["region"].control.options}
    assert regions["nyc3"] == "nyc3 (New York 3), without gpu-h100x1-80gb"
    assert regions["tor1"] == "tor1 (Toronto 1)"
    typing(form, region="tor1")
    assert row.fields["size"].error == ""


def test_versions_begin_with_the_newest(bench) -> None:
    form = bench.form("bert")
    options = form._view.entries.fields["version"].control.options
    assert options[:2] == (("newest (1.34.1)", ""), ("1.34.1", "1.34.1-do.0"))
    assert form._view.entries.fields["version"].control.index == 0
    typing(form, version="1.33.4-do.0")
    assert form.code == 'cluster = dotrain.up("bert", version="1.33.4-do.0")'


def test_pools_are_added_and_removed_each_with_a_name_of_its_own(bench) -> None:
    form = bench.form("bert")
    view = form._view
    view.entries.pools.add()
    view.entries.pools.add()
    assert [pool.name for pool in form.spec.pools] == ["train", "pool-2", "pool-3"]
    view.entries.pools.remove(view.entries.pools.rows[1])
    assert [pool.name for pool in form.spec.pools] == ["train", "pool-3"]
    row = view.entries.pools.rows[1]
    assert row._between.layout.display == "none"
    row.fields["autoscaled"].control.value = True
    assert row._between.layout.display is None
    assert form.spec.pools[1] == Pool("pool-3", count=1, min=1, max=4)


def test_a_database_offers_what_its_engine_has(bench) -> None:
    form = bench.form("bert")
    fields = form._view.entries.fields
    assert fields["database_size"].widget.layout.display == "none"
    typing(form, engine="kafka")
    assert fields["database_size"].widget.layout.display is None
    nodes = [value for _, value in fields["database_nodes"].control.options]
    assert nodes == [3, 6, 9, 15]
    versions = [value for _, value in fields["database_version"].control.options]
    assert versions == ["", "3.8", "3.7"]
    # What was chosen for another engine is nothing that this one has.
    sizes = [value for _, value in fields["database_size"].control.options]
    assert fields["database_size"].value in sizes
    assert fields["database_nodes"].value == 3
    typing(form, database_version="3.7")
    typing(form, engine="pg")
    assert form.errors == {}
    assert form.spec.database.version is None


def test_this_machine_is_shown_as_its_address(bench) -> None:
    form = bench.form("bert")
    described = form._view.entries.fields["me"].control.description
    assert described == "Me: this machine, 203.0.113.7/32"
    assert "This kernel runs on Somewhere." in form._view.entries.about_me.value


def test_an_address_that_is_not_found_is_said_and_tried_again(bench) -> None:
    def lost(_: Target) -> Address:
        raise AddressError("This machine's address is not known.", "Nobody said.", "Pass it.")

    bench.find = lost
    form = bench.form("bert")
    view = form._view
    assert form.errors == {"me": "This machine's address is not known. Nobody said. Pass it."}
    assert "untick this" in view.entries.about_me.value
    assert view._retry.layout.display is None
    bench.find = lambda _: HERE
    view._retry.click()
    settle(form)
    assert form.errors == {}
    assert view._retry.layout.display == "none"


def test_lists_that_cannot_be_read_are_said_in_full_and_tried_again(bench) -> None:
    def down(_: Target) -> Offered:
        raise Unreachable("DigitalOcean does not answer.", EVIL, "Try again.")

    bench.read = down
    form = bench.form("bert")
    view = form._view
    assert view._reading.text == f"DigitalOcean does not answer. {EVIL} Try again."
    assert EVIL not in everything(view.widget)
    assert not view.create.enabled
    assert "could not be read" in view._problems.text
    bench.read = lambda _: OFFERED
    view._retry.click()
    settle(form)
    assert view._reading.text == ""
    assert view.create.enabled


def test_nothing_of_an_answer_is_taken_for_html_and_no_secret_is_shown(bench) -> None:
    sizes = [{**one, "slug": one["slug"], "regions": one["regions"]} for one in catalog.sizes()]
    sizes[0] = {**sizes[0], "slug": EVIL}
    options = catalog.kubernetes_options()
    regions = [{"name": EVIL, "slug": "nyc3"}, *options["regions"]]
    options = {
        **options,
        "regions": regions,
        "sizes": [*options["sizes"], {"name": EVIL, "slug": EVIL}],
        "versions": [{"slug": f"9.9-{EVIL}"}],
    }
    bench.read = lambda _: Offered(tuple(sizes), options, {})
    form = bench.form("bert")
    form._view.entries.pools.rows[0].chooser.value = EVIL
    shown = [one.value for one in walk(form._view.widget) if isinstance(one, ipywidgets.HTML)]
    for text in (*shown, form.html()):
        assert "<img" not in text
        assert "dop_v1_secret" not in text
    assert "dop_v1_secret" not in form.text() + repr(form)


def test_every_control_has_a_label(bench) -> None:
    form = bench.form("bert")
    form._view.entries.sources.add()
    for one in walk(form._view.widget):
        if one.has_trait("description") and not isinstance(one, ipywidgets.HTML):
            assert one.description, one


def test_without_widgets_there_are_text_and_html(bench) -> None:
    form = Form(
        "bert",
        {"region": "ams3"},
        up=bench.up,
        get=bench.get,
        read=bench.read,
        find_address=bench.find,
        account=lambda: TARGET,
    )
    shown = form._repr_mimebundle_()
    assert "_view" not in vars(form)
    for text in shown.values():
        assert "ams3" in text
        assert "an hour" in text
        assert "203.0.113.7/32" in text
    assert shown["text/plain"].endswith('cluster = dotrain.up("bert", region="ams3")')
    with pytest.raises(NotImplementedError):
        form._ipython_display_()


def test_it_follows_what_becomes_of_the_cluster_elsewhere(bench) -> None:
    bench.states["bert"] = there(ClusterSpec("bert"))
    form = bench.form("bert")
    view = form._view
    assert "There is a cluster" in view._changes.value
    assert view.create.widget.description == "Update"
    # While something works on it, nobody knows what will be there.
    del bench.states["bert"]
    bench.running["bert"] = object()
    form.knowledge.follow()
    assert "There is a cluster" in view._changes.value
    bench.running.clear()
    form.knowledge.follow()
    for said in (everything(view._asking.widget), form.html(), form.text()):
        assert "There is a cluster" not in said
    assert view.create.widget.description == "Create"
    assert bench.reads == 1


def test_a_form_that_was_closed_leaves_no_widget_behind_and_can_be_shown_again(bench) -> None:
    instances = ipywidgets.widgets.widget._instances
    before = set(instances)
    form = bench.form("bert")
    typing(form, region="tor1")
    code = form.code
    form.close()
    assert set(instances) - before == set()
    assert form._view.entries.fields["region"].value == "tor1"
    assert form.code == code
    form.close()
