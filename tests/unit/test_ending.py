"""The tab that takes a cluster down: never by mistake, and with the proof that stays."""

from __future__ import annotations

import datetime as dt

import pytest

from dotrain.errors import ClusterNotFound, Unreachable
from dotrain.widgets.ending.tab import TeardownTab
from tests.unit import endings
from tests.unit.endings import GONE, NOW, Done, Ends

LATER = dt.datetime(2100, 1, 1, tzinfo=dt.timezone.utc)


def tab_of(cluster: Ends, **more) -> TeardownTab:
    return TeardownTab(cluster, **{"leaks": list, **more})


def type_and_delete(tab: TeardownTab, typed: str = "bert") -> None:
    tab.confirm.control.value = typed
    assert tab.join(10)
    tab.delete.widget.click()
    assert tab.join(10)


def test_what_goes_is_read_when_somebody_looks_and_not_before() -> None:
    cluster, saved = Ends(jobs="These jobs are lost: train."), []
    tab = tab_of(cluster, changed=lambda: saved.append(1))
    tab.show(endings.snapshot())
    assert cluster.reads == 0
    for _ in range(2):
        tab.opened()
        assert tab.join(10)
    assert cluster.reads == 1
    assert saved
    assert "These jobs are lost: train." in tab.html(endings.snapshot())
    assert "These jobs are lost: train." in tab.text(endings.snapshot())
    tab.refresh.widget.click()
    assert tab.join(10)
    assert cluster.reads == 2


def test_while_it_is_read_what_goes_it_does_not_say_too_that_it_was_not() -> None:
    cluster = Ends()
    tab = tab_of(cluster)
    tab.show(endings.snapshot())
    assert "not been read" in tab._goes.value
    seen: list[str] = []
    read, cluster.contents = cluster.contents, lambda: (seen.append(tab._goes.value), read())[1]
    tab.opened()
    assert tab.join(10)
    assert seen == [""]
    assert "not been read" not in tab._goes.value


def test_only_the_name_enables_the_button_and_what_is_wrong_stands_beside_it() -> None:
    tab = tab_of(Ends())
    assert tab.delete.widget.disabled
    tab.opened()
    assert tab.join(10)
    for typed, wrong in (("ber", False), ("bart", True), ("bert", False), ("bert ", True)):
        tab.confirm.control.value = typed
        assert tab.delete.widget.disabled == (typed != "bert")
        assert bool(tab.confirm.error) == wrong
    assert tab.join(10)


def test_a_click_without_the_name_a_second_click_and_the_enter_key_delete_nothing() -> None:
    cluster = Ends()
    tab = tab_of(cluster)
    for typed in ("", "ber", "other"):
        type_and_delete(tab, typed)
    assert cluster.downs == []
    cluster.may_end.clear()
    tab.confirm.control.value = "bert"
    assert tab.join(10)
    # What ipywidgets sends for the Enter key.
    tab.confirm.control._handle_string_msg(None, {"event": "submit"}, [])
    assert cluster.downs == []
    tab.delete.widget.click()
    tab.delete.widget.click()
    cluster.may_end.set()
    assert tab.join(10)
    tab.delete.widget.click()
    assert tab.join(10)
    assert cluster.downs == ["bert"]
    assert tab.confirm.value == ""


def test_nothing_is_deleted_that_was_not_shown_unless_it_cannot_be_read() -> None:
    cluster = Ends(unread=Unreachable("No answer came."))
    tab = tab_of(cluster)
    tab.show(endings.snapshot(cluster_id="c-9"))
    cluster.may_end.clear()
    tab._reader.start(cluster.may_end.wait, done=lambda _: None, failed=lambda _: None)
    tab.confirm.control.value = "bert"
    # It is still being read.
    assert tab.delete.widget.disabled
    cluster.may_end.set()
    assert tab.join(10)
    tab.opened()
    assert tab.join(10)
    assert not tab.delete.widget.disabled
    tab.delete.widget.click()
    assert tab.join(10)
    assert (cluster.downs, cluster.meant) == (["bert"], ["c-9"])


def test_only_the_cluster_that_was_shown_is_deleted_and_another_needs_the_name_again() -> None:
    cluster = Ends()
    tab = tab_of(cluster)
    tab.show(endings.snapshot())
    tab.confirm.control.value = "bert"
    assert tab.join(10)
    tab.show(endings.snapshot(cluster_id="c-2"))
    assert tab.confirm.value == ""
    assert tab.delete.widget.disabled
    assert "not been read" in tab.html(None)
    type_and_delete(tab)
    # As it was read when the name was typed, whatever has the name by then.
    assert cluster.meant == ["c-1"]


def test_what_else_belongs_to_nothing_is_not_said_where_a_list_says_it() -> None:
    tab = tab_of(Ends(), leaks=lambda: None)
    type_and_delete(tab)
    assert "Nothing is left." in tab.html(None)
    assert "belong" not in tab.html(None) + tab.text(None)


def test_a_teardown_ends_with_the_proof_which_stays() -> None:
    cluster = Ends()
    tab = tab_of(cluster, leaks=lambda: [endings.leak()])
    tab.show(endings.snapshot())
    type_and_delete(tab)
    for look in (None, endings.snapshot("", at=LATER)):
        if look:
            tab.show(look)
        assert "Nothing is left." in tab.html(look)
        assert "cluster: 1 found, 0 left" in tab.text(look)
        assert "dotrain.down(&#x27;old&#x27;" in tab.html(look)
        assert tab._asked.layout.display == "none"
    # Somebody has made another one of that name.
    tab.show(endings.snapshot(at=LATER))
    assert tab._asked.layout.display is None
    assert "Nothing is left." in tab.html(None)


def test_what_is_left_is_shown_until_a_retry_for_which_the_name_is_typed_again() -> None:
    cluster = Ends(fails=[endings.incomplete()])
    tab = tab_of(cluster)
    type_and_delete(tab)
    assert "Still in use." in tab._outcome.value
    assert tab.delete.widget.description == "Retry"
    assert tab.delete.widget.disabled
    tab.show(endings.snapshot(at=LATER))
    assert "Still in use." in tab.html(None)
    type_and_delete(tab)
    assert cluster.downs == ["bert", "bert"]
    assert "Still in use." not in tab._outcome.value
    assert "Nothing is left." in tab._outcome.value
    assert tab.delete.widget.description == "Delete"


@pytest.mark.parametrize(
    "error", [Unreachable("No answer came.", "Why.", "Fix."), ClusterNotFound("None.")]
)
def test_an_error_is_shown_in_full_and_the_name_can_be_typed_again(error) -> None:
    tab = tab_of(Ends(fails=[error]))
    type_and_delete(tab)
    assert str(error) in tab._outcome.value
    tab.confirm.control.value = "bert"
    assert tab.join(10)
    assert not tab.delete.widget.disabled
    assert tab.delete.widget.description == "Delete"


def test_the_proof_stands_also_when_the_rest_of_the_account_cannot_be_read() -> None:
    def refused() -> list:
        raise Unreachable("No answer came.")

    tab = tab_of(Ends(), leaks=refused)
    type_and_delete(tab)
    assert "Nothing is left." in tab._outcome.value
    said = [child.value for child in tab.widget.children if hasattr(child, "value")]
    assert any("is not known. No answer came." in one for one in said)


def test_a_teardown_that_somebody_else_began_is_shown_and_its_proof_too() -> None:
    cluster = Ends()
    tab = tab_of(cluster)
    tab.show(endings.snapshot())
    tab.confirm.control.value = "bert"
    going = Done(running=True, ended=None)
    going.progress.note("The cluster goes first.")
    tab.show(endings.snapshot(operation=going))
    assert "is being taken down" in tab.html(None)
    assert "The cluster goes first." in tab.progress.html()
    assert tab.delete.widget.disabled
    tab.show(endings.snapshot("", operation=Done(result=GONE)))
    assert "Nothing is left." in tab.html(None)
    assert "2026-01-02 03:03:05 UTC" in tab.html(None)
    assert cluster.downs == []


@pytest.mark.parametrize(
    ("look", "said", "unsaid"),
    [
        (endings.snapshot("", operation=Done(result=GONE)), "Nothing is left.", "Still in use"),
        (
            endings.snapshot(operation=Done(error=endings.incomplete())),
            "Still in use",
            "Nothing is",
        ),
        # What went was another cluster of this name.
        (endings.snapshot(operation=Done(result=GONE)), "dotrain.down", "Nothing is left."),
    ],
)
def test_after_a_restart_the_tab_knows_how_the_last_teardown_ended(look, said, unsaid) -> None:
    tab = tab_of(Ends())
    tab.show(look)
    assert said in tab.html(None)
    assert unsaid not in tab.html(None)


def test_the_end_that_a_tab_has_shown_itself_is_not_taken_from_the_journal() -> None:
    tab = tab_of(Ends(fails=[Unreachable("No answer came.")]))
    type_and_delete(tab)
    tab.show(endings.snapshot(operation=Done(error=endings.incomplete(), began=NOW)))
    assert "No answer came." in tab.html(None)


def test_what_goes_is_forgotten_when_the_cluster_is_another() -> None:
    tab = tab_of(Ends())
    tab.show(endings.snapshot())
    tab.opened()
    assert tab.join(10)
    tab.show(endings.snapshot(""))
    assert "not been read" in tab.html(None)


def test_labels_are_those_that_a_screen_reader_finds() -> None:
    tab = tab_of(Ends(name=endings.EVIL))
    assert tab.confirm.control.description == f"Type {endings.EVIL} to confirm"
    assert not tab.confirm.control.description_allow_html
    tab.opened()
    assert tab.join(10)
    shown = [tab.html(None), *(one.value for one in tab.widget.children if hasattr(one, "value"))]
    assert not any("<img" in one for one in shown)
    assert any("&lt;img" in one for one in shown)
