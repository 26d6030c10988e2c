"""The form on the sandbox: it makes a cluster, finds it again, changes it, and destroys nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import dotrain
from dotrain.widgets.form.form import Form

pytestmark = pytest.mark.long(30)

NAME = "formed"


def shown(**given) -> Form:
    """Return a form whose widget is there, when it has found out what there is."""
    form = dotrain.form(NAME, **given)
    assert form.widget is not None
    assert form.knowledge.join(60)
    return form


def click(form: Form) -> None:
    """Click the button that makes it, and wait until that has ended."""
    view = form._view
    assert view.create.enabled, view._problems.text
    view.create.widget.click()
    assert view._worker.join(120)
    assert form.knowledge.join(60)
    assert view._opening.join(60)


@pytest.fixture(scope="module")
def made(sandbox) -> Iterator[Form]:
    form = shown(pool=dotrain.Pool(size="s-4vcpu-8gb", count=2), max_age="12h")
    click(form)
    yield form
    dotrain.down(NAME, confirm=NAME)


def test_a_click_makes_what_the_form_says_and_shows_its_panel(made, sandbox) -> None:
    view = made._view
    assert view.said.text == f"{NAME} was made on sandbox."
    assert made.cluster.spec == made.spec
    assert made.spec.pools == (dotrain.Pool(size="s-4vcpu-8gb", count=2),)
    assert len(view._result.children) == 1
    assert view.create.widget.description == "Update"
    assert view.entries.fields["version"].control.options[0][0].endswith("(as it is)")
    assert "create cluster" in made.text()
    assert 'max_age="12h"' in made.code


def test_the_same_cell_again_finds_the_cluster_and_asks_for_nothing(made, sandbox) -> None:
    before = sandbox.last_request()
    form = shown(pool=dotrain.Pool(size="s-4vcpu-8gb", count=2), max_age="12h")
    paths = [one["path"].partition("?")[0] for one in sandbox.requests(before)]
    assert {*paths} == {"/v2/sizes", "/v2/kubernetes/options", "/v2/databases/options"}
    assert form.asked.same
    assert form.cluster.name == NAME
    assert form._view._opening.join(60)
    assert len(form._view._result.children) == 1
    before = sandbox.last_request()
    form._view.entries.pools.rows[0].fields["count"].control.value = 3
    form._view.entries.fields["budget"].control.value = "$50"
    assert sandbox.requests(before) == []
    pool = dotrain.Pool(size="s-4vcpu-8gb", count=3)
    assert form.asked.arguments == {"pool": pool, "budget": "$50"}
    click(form)
    assert form.cluster.spec.pools[0].count == 3
    assert form.cluster.spec.budget == 50
    (cluster,) = sandbox.objects("clusters")
    assert cluster["node_pools"][1]["count"] == 3


def test_what_would_be_destroyed_is_refused_until_it_is_named(made, sandbox) -> None:
    form = shown(region="ams3")
    view = form._view
    assert list(form.errors) == ["replace"]
    assert not view.create.enabled
    before = sandbox.last_request()
    view.create.widget.click()
    assert not view._worker.busy
    assert sandbox.changes(before) == []
    view.entries.fields["replace"].control.value = NAME
    assert form.errors == {}
    assert f'replace="{NAME}"' in form.code


def test_two_clicks_in_two_forms_make_one_cluster(made, sandbox) -> None:
    first, second = shown(idle="2h"), shown(idle="2h")
    first._view.create.widget.click()
    second._view.create.widget.click()
    for form in (first, second):
        assert form._view._worker.join(120)
        assert form.knowledge.join(60)
    assert made.cluster.spec.idle == "2h"
    assert len(sandbox.objects("clusters")) == 1
