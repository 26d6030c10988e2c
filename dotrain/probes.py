"""What a sweep finds out about a cluster beyond the list of clusters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from dotrain.api import Api
from dotrain.errors import DotrainError
from dotrain.target import Target


def idle_since(
    target: Target,  # noqa: ARG001 - for the connection
    api: Api,  # noqa: ARG001 - likewise
    cluster: Mapping[str, Any],
    now: dt.datetime,  # noqa: ARG001 - likewise
) -> dt.datetime | None:
    """Return since when nothing runs on a cluster, None while something does.

    Raises
    ------
    DotrainError
        When it is not known.
    """
    raise DotrainError(f"This version cannot ask the Kubernetes API of {cluster['name']!r}.")


def share_of_budget(
    cluster: Mapping[str, Any],
    sizes: Iterable[Mapping[str, Any]],  # noqa: ARG001 - for the sum
    now: dt.datetime,  # noqa: ARG001 - likewise
) -> float | None:
    """Return the part of a cluster's budget that is spent, 1.0 for all; None without one.

    Raises
    ------
    DotrainError
        When it is not known.
    """
    raise DotrainError(f"This version cannot work out what {cluster['name']!r} has cost.")
