"""Why a job was not submitted: each refusal by whoever has made it, with what helps."""

from __future__ import annotations

from typing import Any

import pytest

from dotrain.errors import JobRefused, KubernetesError, KubernetesForbidden
from dotrain.jobs import isolation, manifests, refusals
from tests.unit.jobs import a_job

WANTED = {"metadata": {"name": "bert", "namespace": "training"}}


def answer(status: int, why: str) -> KubernetesError:
    kind = KubernetesForbidden if status in (401, 403) else KubernetesError
    return kind("Refused.", f"It answered {status}: {why}.", status=status)


@pytest.mark.parametrize(
    "error",
    [
        answer(401, "Unauthorized"),
        answer(403, 'jobs.batch is forbidden: User "ada" cannot create resource "jobs" in API'),
        answer(422, "Job.batch is invalid"),
        answer(500, "etcdserver: request timed out"),
    ],
)
def test_what_no_admission_control_has_said_stays_as_it_is(error) -> None:
    assert refusals.explained(WANTED, error) is error


@pytest.mark.parametrize(
    "error",
    [
        answer(403, 'jobs.batch "bert" is forbidden: exceeded quota: compute'),
        answer(403, 'admission webhook "policy.example.com" denied the request: no'),
        answer(400, 'admission webhook "policy.example.com" denied the request: no'),
    ],
)
def test_what_admission_control_does_not_let_in_is_refused_with_its_words(error) -> None:
    found = refusals.explained(WANTED, error)
    assert isinstance(found, JobRefused)
    assert found.why == error.why


def test_a_namespace_that_goes_is_waited_for() -> None:
    gone = answer(403, "unable to create new content because it is being terminated")
    found = refusals.explained(WANTED, gone)
    assert not isinstance(found, JobRefused)
    assert "The namespace 'training' is being deleted" in str(found)


@pytest.mark.parametrize(
    ("job", "says"),
    [
        ({}, "has not ended"),
        ({"conditions": {"Complete": "so"}}, "has succeeded"),
        ({"conditions": {"Failed": "so"}}, "has failed"),
        ({"metadata": {"deletionTimestamp": "2026-01-02T03:04:00Z"}}, "is being deleted"),
        ({"annotations": {manifests.INCOMPLETE: "5ab"}}, "is being submitted"),
    ],
)
def test_a_name_that_is_taken_is_told_with_how_its_job_is(job: dict[str, Any], says) -> None:
    assert f"and {says}." in refusals.taken({"kind": "Job", **a_job("bert", **job)}).why


def test_a_namespace_is_dotrains_only_if_it_says_so() -> None:
    assert isolation.is_own(isolation.namespace("restricted"))
    for labels in ({}, {"metadata": {"labels": {"app.kubernetes.io/managed-by": "helm"}}}):
        assert not isolation.is_own({"metadata": {}, **labels})
