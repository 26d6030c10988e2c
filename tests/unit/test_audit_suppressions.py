"""What is accepted is shown, with the reason, and never without one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dotrain.auditing import Suppression, audit, by_design
from dotrain.auditing.report import passed
from dotrain.errors import SpecError
from tests.unit.audit_subjects import SPEC, cluster, found, healthy


@pytest.mark.parametrize("reason", ["", " ", "\n", None])
def test_a_suppression_needs_a_reason(reason) -> None:
    with pytest.raises(SpecError, match="without a reason"):
        Suppression("DIG-0003", reason)


@pytest.mark.parametrize("key", ["DIG-003", "", "dig-0003", None])
def test_a_suppression_needs_a_check(key) -> None:
    with pytest.raises(SpecError, match="There is no check"):
        Suppression(key, "Because.")


def test_a_misspelt_check_is_answered_with_the_nearest() -> None:
    with pytest.raises(SpecError, match="Did you mean 'DIG-0003'"):
        Suppression("DIG-003", "Because.")


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("", "Because."),
        ("dotrain-bert", "Because."),
        ("firewall dotrain-bert", "Because."),
        ("database dotrain-bert", ""),
        ("bert", ""),
        ("dotrain", ""),
    ],
)
def test_a_suppression_is_about_all_objects_or_about_one(where, reason) -> None:
    subject = healthy(suppressions=(Suppression("DIG-0003", "Because.", where),))
    (finding,) = found(subject, "DIG-0003")
    assert finding.suppressed == reason


def test_a_suppression_is_about_one_check_and_changes_nothing_else() -> None:
    bare = audit(healthy())
    marked = audit(healthy(suppressions=(Suppression("DIG-0003", "Because."),)))
    assert [replace(one, suppressed="") for one in marked] == bare
    assert [one.id for one in marked if one.suppressed] == ["DIG-0003"]


def test_the_reason_for_one_object_goes_before_that_for_all() -> None:
    subject = healthy(
        suppressions=(
            Suppression("DIG-0003", "For all."),
            Suppression("DIG-0003", "For this one.", "dotrain-bert"),
        )
    )
    assert [one.suppressed for one in found(subject, "DIG-0003")] == ["For this one."]


def test_what_is_suppressed_comes_after_what_is_as_bad() -> None:
    plain = healthy(clusters=(cluster(auto_upgrade=False),))
    subject = replace(plain, suppressions=(Suppression("DIG-0003", "Because."),))
    assert [(one.id, bool(one.suppressed)) for one in audit(subject)[:2]] == [
        ("DIG-0008", False),
        ("DIG-0003", True),
    ]


def test_a_cluster_with_dotrains_defaults_passes_with_the_reasons_for_them() -> None:
    bare = healthy(clusters=(cluster(ha=False, auto_upgrade=False),))
    assert not passed(audit(bare))
    explained = audit(replace(bare, suppressions=by_design(SPEC)))
    assert passed(explained)
    assert {one.id for one in explained if one.suppressed} == {
        "DIG-0003",
        "DIG-0008",
        "kubernetes-kubernetes-autoupgrade-minor",
        "kubernetes-kubernetes-ha-enabled",
    }


def test_what_is_no_default_is_not_explained_by_one() -> None:
    other = replace(SPEC, egress=("open",), ha=True, auto_upgrade=True)
    assert by_design(other) == ()
    elsewhere = healthy(suppressions=by_design(replace(SPEC, name="gpt")))
    assert not any(one.suppressed for one in audit(elsewhere))


@pytest.mark.parametrize(
    ("egress", "reason"),
    [
        (("web",), "images"),
        (("locked",), "names and the time"),
        (("locked", "tcp 443 to 203.0.113.0/24"), "names and the time"),
        (("web", "tcp 22 to 0.0.0.0/0"), ""),
        (("locked", "tcp 443 to 0.0.0.0/1"), ""),
        (("open",), ""),
    ],
)
def test_a_way_out_to_everywhere_is_explained_only_where_a_preset_makes_it(egress, reason) -> None:
    spec = replace(SPEC, egress=egress, ha=True, auto_upgrade=True)
    explained = {one.id: one.reason for one in by_design(spec)}
    assert ("DIG-0003" in explained) == bool(reason)
    assert reason in explained.get("DIG-0003", "")
