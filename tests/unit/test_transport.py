"""An error that crosses from an operation's process to the notebook is the same error there."""

from __future__ import annotations

import inspect
import json

import pandas as pd
import pytest

from dotrain import errors, transport
from dotrain.jobs.status import JobStatus

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.DotrainError)
]


def cross(error: BaseException) -> errors.DotrainError:
    return transport.from_dict(json.loads(json.dumps(transport.to_dict(error))))


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_crosses_with_its_class_and_its_sentences(kind) -> None:
    error = cross(kind("What.", "Why.", "Fix."))
    assert type(error) is kind
    assert (error.what, error.why, error.fix, str(error)) == (
        "What.",
        "Why.",
        "Fix.",
        "What. Why. Fix.",
    )


@pytest.mark.parametrize(
    ("error", "attribute"),
    [
        (errors.UnknownRegion("No.", nearest=("nyc3", "nyc1")), "nearest"),
        (errors.ApiError("No.", status=503, request_id="abc"), "status"),
        (errors.RateLimited("No.", status=429, request_id="abc"), "request_id"),
        (errors.OperationFailed("No.", failures=["vpc: busy"]), "failures"),
        (errors.KubernetesForbidden("No.", status=403, causes=["why"]), "causes"),
        (errors.DrainFailed("No.", objects=["default/train-0"]), "objects"),
    ],
)
def test_attributes_cross(error, attribute) -> None:
    assert getattr(cross(error), attribute) == getattr(error, attribute)


@pytest.mark.parametrize("kind", [errors.NotFinished, errors.ImageNotPulled, errors.JobFailed])
def test_an_error_about_a_job_crosses_without_how_that_was(kind) -> None:
    error = cross(kind("No.", status=JobStatus("running")))
    assert (type(error), error.what, error.status) == (kind, "No.", None)


@pytest.mark.parametrize("rows", [[], [("volume", "1", "data", "In use.")]])
def test_a_frame_of_what_is_left_crosses(rows) -> None:
    left = pd.DataFrame(rows, columns=["kind", "id", "name", "why"])
    error = cross(errors.TeardownIncomplete("No.", left=left))
    assert isinstance(error, errors.TeardownIncomplete)
    assert error.left.to_dict("records") == left.to_dict("records")
    assert list(error.left.columns) == ["kind", "id", "name", "why"]


def test_causes_cross_as_their_words() -> None:
    unreachable = errors.Unreachable("No answer.")
    unreachable.__cause__ = TimeoutError("slow")
    error = errors.OperationFailed("Stopped.")
    error.__cause__ = unreachable
    below = cross(error).__cause__
    assert [str(below), str(below.__cause__)] == [
        "Unreachable: No answer.",
        "TimeoutError: slow",
    ]


@pytest.mark.parametrize("error", [KeyError("size"), SystemExit(3), RecursionError("deep")])
def test_what_nobody_foresaw_is_said_so(error) -> None:
    crossed = cross(error)
    assert type(crossed) is errors.EngineError
    assert f"{type(error).__name__}: {error}" in crossed.why
    assert str(crossed.__cause__) == f"{type(error).__name__}: {error}"


def test_an_error_of_a_newer_dotrain_is_an_error_of_the_engine() -> None:
    data = {"type": "Unheard", "said": ["What.", "", ""], "attributes": {}, "causes": []}
    assert type(transport.from_dict(data)) is errors.EngineError
