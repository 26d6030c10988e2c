"""Clusters as rows: found, sorted, priced, and never said to be idle or free without knowing."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from dotrain import frames, leftovers
from dotrain.errors import KubernetesUnreachable, TokenRejected
from dotrain.widgets.listing import rows as listed
from dotrain.widgets.listing import words as clustered
from dotrain.widgets.listing.rows import Idle
from tests.unit.endings import EVIL, NOW, leak

SIZES = [{"slug": "s-1", "price_hourly": 0.02}, {"slug": "gpu-8", "price_hourly": 20.0}]
UNREACHABLE = KubernetesUnreachable("The API of 'b' does not answer.", "Closed.", "Allow me.")


def described(name: str, hours: float = 1, **fields) -> dict:
    made = NOW - dt.timedelta(hours=hours)
    tags = ["dotrain", f"dotrain:{name}", *fields.pop("tags", ())]
    return {
        "id": f"id-{name}",
        "name": name,
        "tags": tags,
        "region": "nyc3",
        "version": "1.34.1-do.0",
        "status": {"state": "running"},
        "created_at": made.isoformat().replace("+00:00", "Z"),
        "node_pools": [
            {"name": "system", "size": "s-1", "count": 1},
            {"name": "train", "size": "gpu-8", "count": 2},
        ],
        **fields,
    }


def listing(*clusters: dict, stacks: tuple[str, ...] = (), leaks=()) -> listed.Listing:
    account = {"kubernetes_clusters": clusters, "sizes": SIZES}
    return listed.of_account(account, stacks, leaks, NOW)


ODD = {"name": "system", "size": "s-9", "count": 1}
SOME = listing(
    described("b", 3, node_pools=[ODD]),
    described("a", 30, tags=["dotrain-max-age:2d", "dotrain-idle:1h"]),
    described("c", 2, region="ams3", status={"state": "degraded"}),
    {**described("theirs"), "tags": ["k8s"]},
    stacks=("a", "half"),
)


ASKED = {
    "id-a": Idle(NOW - dt.timedelta(hours=2)),
    "id-b": Idle(None, UNREACHABLE),
    "id-c": Idle(),
}


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def names_of(rows) -> list[str]:
    return [row.name for row in rows]


def test_rows_are_what_is_dotrains_and_what_only_a_state_knows() -> None:
    assert sorted(names_of(SOME.rows)) == ["a", "b", "c", "half"]
    rows = {row.name: row for row in SOME.rows}
    assert rows["a"].hourly == pytest.approx(40.02)
    assert rows["b"].hourly is None
    assert rows["half"].state == "incomplete"
    said = words(clustered.table(SOME, SOME.rows))
    assert "a running 1 d 6 h $40.020 not looked at (at most 1h) nyc3 2 x gpu-8 in 18 h" in said
    assert "b running 3 h unknown not looked at nyc3 none never" in said
    assert "4 clusters, which cost $80.04 an hour" in said
    assert "and 1 of them at a price that is not known" in said


def test_before_the_account_is_read_there_is_what_the_frame_has_and_no_price() -> None:
    found = [described("a"), described("b")]
    first = listed.of_frame(frames.clusters(found, ["half"]), NOW)
    assert names_of(first.rows) == ["a", "b", "half"]
    said = words(clustered.table(first, first.rows))
    assert "a running 1 h …" in said
    assert "$" not in said.replace("$ an hour", "")
    assert clustered.leaks(first) == ""


@pytest.mark.parametrize(
    ("wanted", "state", "found"),
    [
        ("", "", ["b", "a", "c", "half"]),
        ("  RUNNING nyc3 ", "", ["b", "a"]),
        ("gpu-8 ams", "", ["c"]),
        ("", "degraded", ["c"]),
        ("a", "running", ["a"]),
        ("nothing", "", []),
    ],
)
def test_any_words_and_a_state_find_clusters(wanted, state, found) -> None:
    assert names_of(listed.select(SOME.rows, wanted, state)) == found


@pytest.mark.parametrize(
    ("by", "up"),
    [
        ("name", ["a", "b", "c", "half"]),
        ("state", ["c", "half", "a", "b"]),
        ("age", ["c", "b", "a", "half"]),
        ("$ an hour", ["half", "a", "c", "b"]),
        ("ends", ["a", "b", "c", "half"]),
        ("nodes", ["b", "half", "a", "c"]),
        ("idle", ["c", "a", "b", "half"]),
    ],
)
def test_rows_are_sorted_with_what_is_not_known_last(by, up) -> None:
    some = SOME.with_idle(ASKED)
    assert names_of(listed.ordered(some, some.rows, by)) == up


def test_the_most_comes_first_when_that_is_asked_for_and_the_unknown_still_last() -> None:
    down = [names_of(listed.ordered(SOME, SOME.rows, by, down=True)) for by in ("age", "$ an hour")]
    assert down == [["a", "b", "c", "half"], ["a", "c", "half", "b"]]


def test_idleness_is_said_as_it_was_found() -> None:
    some = SOME.with_idle(ASKED)
    said = {row.name: listed.idle(some, row) for row in some.rows}
    assert said == {
        "a": "for 2 h (at most 1h)",
        "b": "unreachable",
        "c": "something runs",
        "half": "",
    }
    reason = "b: The API of 'b' does not answer. Closed. Allow me."
    assert listed.advice(some, some.rows) == [reason]
    # One reason of many clusters is said once.
    both = some.with_idle({"id-c": Idle(None, UNREACHABLE)})
    assert listed.advice(both, both.rows) == [reason.replace("b:", "b, c:", 1)]
    assert "Closed. Allow me." in words(clustered.table(some, some.rows))
    other = some.with_idle({"id-b": Idle(None, TokenRejected("No."))})
    assert listed.idle(other, other.rows[0]) == "not known"


def test_an_end_is_said_from_both_sides() -> None:
    over = listing(described("a", 30, tags=["dotrain-max-age:1d"]))
    assert listed.ends(over, over.rows[0]) == "since 6 h"


def test_two_hundred_clusters_are_fifty_rows_and_a_hint() -> None:
    many = listing(*(described(f"c{number:03}") for number in range(200)))
    html = clustered.table(many, listed.ordered(many, many.rows, "name"))
    assert html.count("<tr>") == 1 + listed.MOST
    assert "150 more are not shown: filter to see them." in html
    assert "200 clusters" in html
    assert len(clustered.text(many).splitlines()) > 200


def test_leaks_are_counted_and_each_has_what_deletes_it() -> None:
    leaks = (leak(), leak(cluster="", hourly=None))
    some = listing(described("a"), leaks=leaks)
    said = words(clustered.saved(some))
    assert "2 objects belong to nothing, at $0.500 an hour, and 1 at a price that is not" in said
    assert "dotrain.down(&#x27;old&#x27;, confirm=&#x27;old&#x27;)" in said
    assert "Nothing in the account is billed and belongs to nothing" in clustered.saved(SOME)
    assert "dotrain.down('old', confirm='old')" in clustered.text(some)


def test_no_cluster_and_none_that_fits_are_two_things() -> None:
    assert "dotrain.up() makes one" in clustered.table(listing(), [])
    assert "fits the filter" in clustered.table(SOME, [])
    assert "0 clusters." in clustered.text(listing())


def test_names_that_others_gave_are_only_text() -> None:
    odd = {"region": EVIL, "version": EVIL, "status": {"state": EVIL}}
    found = [described(EVIL, **odd, node_pools=[ODD, {"name": EVIL, "size": EVIL, "count": 1}])]
    one = listing(*found, stacks=(EVIL + "2",), leaks=[leak(kind=EVIL, name=EVIL, cluster=EVIL)])
    error = KubernetesUnreachable(EVIL, EVIL, EVIL)
    html = clustered.saved(one.with_idle({f"id-{EVIL}": Idle(None, error)}))
    assert "<img" not in html
    assert "&lt;img" in html


def test_the_lists_that_are_read_are_those_that_are_shown() -> None:
    empty = dict.fromkeys((*leftovers._LISTS, "sizes"), ())
    assert listed.of_account(empty, (), leftovers.find(empty, ()), NOW).rows == ()
