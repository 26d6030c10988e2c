"""Shut what must not stay open until Pulumi has come to it, through the API alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress

from dotrain import adoption, bodies, rules
from dotrain.api import Api
from dotrain.engine.progress import Progress
from dotrain.engine.state import State
from dotrain.errors import ApiError, NotFound
from dotrain.spec import ClusterSpec, Resolved


def expired(api: Api, known: State | None) -> None:
    """Let in nobody whose time is over, before Pulumi records that he is not let in.

    Pulumi records first and changes then. Should that fail, no later call would
    see in the state that anything has expired, and end it.

    Parameters
    ----------
    api : Api
        The account.
    known : State or None
        What the stack remembers, and what ``"me"`` stands for at the firewalls.

    Raises
    ------
    ApiError
        When something stays open; the state still says so.
    """
    if known is None or known.spec is None or known.resolved is None:
        return
    live = known.spec.without_expired(dt.datetime.now(dt.timezone.utc))
    before, after = (
        bodies.requests(spec, rules.desired(spec, known.resolved), known.resources)
        for spec in (known.spec, live)
    )
    for layer, request in after.items():
        if request != before[layer]:
            # What is gone lets nobody in.
            with suppress(NotFound):
                api.put(*request)


def database(
    api: Api, spec: ClusterSpec, resolved: Resolved, ids: Mapping[str, str], progress: Progress
) -> None:
    """Let nobody else into a database that was made, when what says who may enter was not.

    A database without trusted sources lets everybody in, until the next call.

    Parameters
    ----------
    api : Api
        The account.
    spec : ClusterSpec
        What should be.
    resolved : Resolved
        What its words stand for.
    ids : mapping of str to str
        The id of each object that the state knows, by its name in the program.
    progress : Progress
        What is told of it, also when it fails: why the operation failed is said already.
    """
    if spec.database is None or "database-firewall" in ids:
        return
    try:
        # One that failed to become ready may be in no state yet.
        made = {} if "database" in ids else adoption.find(api, spec, {"database"}, ())
        sent = bodies.requests(spec, rules.desired(spec, resolved), {**made, **ids})
        if "database" not in sent:
            return
        api.put(*sent["database"])
    except ApiError as error:
        progress.note(
            f"If a database of {spec.name} was made, it lets in whoever has its password, until "
            f"the next call: its trusted sources were not set. {error}"
        )
    else:
        progress.note("Set the trusted sources of the database, which was made all the same.")
