"""What is said of a cluster's end: what goes, what went, and what is left, whoever named it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from dotrain.errors import ClusterNotFound, TokenRejected
from dotrain.widgets.ending import ended
from dotrain.widgets.ending.ended import Ending, Proof
from tests.unit import endings
from tests.unit.endings import EVIL, GONE, NOW

KNOWN = Ending("bert", endings.contents(jobs="These jobs are lost: train (running)."), NOW)


def words(html: str) -> str:
    """Return what a reader sees, with the tags as spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def test_what_goes_is_said_with_its_price_and_what_data_is_lost_in_bold() -> None:
    html = ended.goes(KNOWN.contents, KNOWN.read)
    said = words(html)
    assert "cluster bert 1 x s-1, 2 x gpu-8 $1.500" in said
    assert "VPC dotrain-bert free" in said
    assert "&lt;img src=x onerror=alert(1)&gt; unknown" in said
    assert "as of 2026-01-02 03:04:05 UTC" in said
    strong = re.findall("<strong>(.*?)</strong>", html)
    assert strong == [
        "The data on volume pvc-1 and volume snapshot &lt;img src=x onerror=alert(1)&gt; is lost.",
        "These jobs are lost: train (running).",
    ]
    assert "not been read" in words(ended.goes(None, None))


def test_a_proof_has_every_row_of_the_frame_and_its_time() -> None:
    proved = Ending("bert", proof=Proof.of(GONE, NOW), leaks=())
    said = words(ended.outcome(proved))
    assert "Nothing is left. 2 objects were deleted by 2026-01-02 03:04:05 UTC" in said
    assert "cluster 1 0 volume 0 0 tag 1 0" in said
    assert "Nothing else in the account is billed" in said
    assert "dotrain.leaks()" in said
    # The saved notebook has the same, and does not speak of what goes any more.
    assert words(ended.outcome(proved)) in words(ended.saved(proved))
    assert "not been read" not in ended.saved(proved)
    assert "  cluster: 1 found, 0 left" in ended.text(proved).splitlines()


def test_what_is_left_is_no_proof() -> None:
    left = Ending("bert", proof=Proof.of([("cluster", 1, 1)], NOW))
    assert not left.proof.holds
    assert "1 objects are left" in words(ended.outcome(left))
    assert not Proof.of([], NOW).holds


def test_what_could_not_go_is_named_with_its_reason() -> None:
    left = replace(KNOWN, error=endings.incomplete())
    said = words(ended.outcome(left))
    assert "Something of 'bert' is left. It is in use. Again." in said.replace("&#x27;", "'")
    assert "load balancer lb-1 &lt;img src=x onerror=alert(1)&gt; Still in use." in said
    assert 'role="alert"' in ended.outcome(left)
    assert "Still in use." in ended.text(left)


@pytest.mark.parametrize("show", [ended.saved, ended.outcome])
def test_names_that_others_gave_are_only_text(show) -> None:
    everything = Ending(
        EVIL,
        endings.contents(EVIL, jobs=EVIL),
        NOW,
        doing=EVIL,
        proof=Proof.of([(EVIL, 1, 0)], NOW),
        error=endings.incomplete(),
        leaks=(endings.leak(kind=EVIL, name=EVIL, cluster=EVIL, why=EVIL, id=EVIL),),
    )
    assert "<img" not in show(everything)
    assert "&lt;img" in show(everything)


def test_a_leak_says_what_deletes_it() -> None:
    known, unknown = endings.leak(), endings.leak(cluster="", hourly=None)
    assert ended.remedy(known) == "dotrain.down('old', confirm='old')"
    assert "control panel; its id is v-1" in ended.remedy(unknown)
    assert "not known unknown Its cluster is gone." in words(ended.leaks([unknown]))


def test_what_happens_to_the_cluster_meanwhile_is_said() -> None:
    down, up = endings.Done(running=True), endings.Done("apply", "up bert", running=True)
    assert ended.doing(endings.snapshot()) == ""
    assert "being taken down: somebody" in ended.doing(endings.snapshot(operation=down))
    assert "up bert is running" in ended.doing(endings.snapshot(operation=up))
    assert "begun that elsewhere" in ended.doing(endings.snapshot("deleting"))
    assert "There is no cluster bert" in ended.doing(endings.snapshot(""))
    lost = replace(endings.snapshot(), observed=None, error=ClusterNotFound("No."))
    assert "No state of this backend" in ended.doing(lost)
    # What is not known is not said to be gone.
    assert ended.doing(replace(lost, error=TokenRejected("No."))) == ""


def test_a_name_is_wrong_as_soon_as_it_cannot_become_the_right_one() -> None:
    assert [ended.mistyped(typed, "bert") for typed in ("", "b", "ber", "bert")] == [""] * 4
    for typed in ("x", "bertha", "Bert", " bert", "bert "):
        assert "exactly: bert" in ended.mistyped(typed, "bert")
