"""Errors on their way from an operation's process to the notebook: as JSON, and back.

The class, its sentences and its attributes come through; of the causes below
it, which may be of any class, their words do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dotrain import errors
from dotrain.errors import DotrainError, EngineError, JobError

_ATTRIBUTES = ("nearest", "status", "request_id", "failures", "left", "causes", "objects")


class Cause(Exception):
    """A cause of an error, in the words it had where it happened."""


def to_dict(error: BaseException) -> dict[str, Any]:
    """Return an error as JSON."""
    if not isinstance(error, DotrainError):
        unforeseen = EngineError(
            "The operation stopped for a reason that dotrain did not foresee.",
            f"{type(error).__name__}: {error}.",
            "What was made until then is saved: run the same call again. If it stays, it is a "
            "fault of dotrain: please report it.",
        )
        unforeseen.__cause__ = error
        error = unforeseen
    values = {name: getattr(error, name) for name in _ATTRIBUTES if hasattr(error, name)}
    if isinstance(error, JobError):
        # How the job was is no number: whoever reads this asks the job itself.
        del values["status"]
    if values.get("left") is not None:
        values["left"] = values["left"].to_dict("records")
    return {
        "type": type(error).__name__,
        "said": [error.what, error.why, error.fix],
        "attributes": values,
        "causes": [f"{type(one).__name__}: {one}" for one in _causes(error)],
    }


def from_dict(data: Mapping[str, Any]) -> DotrainError:
    """Return the error that `to_dict` made `data` of, its causes chained."""
    kind = getattr(errors, data["type"], EngineError)
    values = dict(data["attributes"])
    if values.get("left") is not None:
        import pandas as pd

        values["left"] = pd.DataFrame(values["left"], columns=["kind", "id", "name", "why"])
    error: DotrainError = kind(*data["said"], **values)
    below: BaseException = error
    for said in data["causes"]:
        below.__cause__ = Cause(said)
        below = below.__cause__
    return error


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    below = error.__cause__
    while below is not None and below not in found:
        found.append(below)
        below = below.__cause__
    return found
