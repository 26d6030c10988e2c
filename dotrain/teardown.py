"""Take a cluster down, and prove that nothing of it is left.

Pulumi deletes what it knows: the cluster first, and when that is gone what
guards it. What Pulumi does not know of (an object whose making was cut off, a
load balancer that Kubernetes made) is found by label and deleted too, and then
the account is read again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

from dotrain import account, names, stack
from dotrain.account import Object
from dotrain.api import Api
from dotrain.engine.progress import Progress
from dotrain.errors import ApiError, ClusterNotFound, TeardownIncomplete
from dotrain.turn import Turn

# DigitalOcean deletes clusters in the background, usually within minutes.
_PATIENCE = 15 * 60.0
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 10.0
_GUARDED = account.KINDS[: account.KINDS.index("firewall")]


class Gone(NamedTuple):
    """How many objects of a kind there were before a teardown, and are after it."""

    kind: str
    found: int
    left: int


def down(turn: Turn) -> list[Gone]:
    """Delete the cluster of `turn` with everything around it, and return what went.

    Raises
    ------
    ClusterNotFound
        When there is neither a stack nor anything labelled with the name.
    TeardownIncomplete
        When something is left; it carries what.
    EngineError, ApiError
        See the two.
    """
    target, name, progress = turn.target, turn.name, turn.progress
    remembered = stack.read(target, name)
    known = remembered.resources if remembered else {}
    with closing(Api(target)) as api:
        before = account.belongings(api, name, known.get("cluster"))
        if remembered is None and not before:
            raise ClusterNotFound(
                f"There is no cluster {name!r} on {target.kind}.",
                "Neither the state nor the account knows the name.",
                "dotrain.clusters() lists the clusters that exist.",
            )
        ids = [one.id for one in before if one.kind == "cluster"]
        look = _Look(api, name, known.get("cluster") or next(iter(ids), None))
        if remembered is not None:
            driver = turn.driver()
            if "cluster" in known:
                driver.destroy(progress, only="cluster")
            # The machines of a cluster live on for a while, which Pulumi does
            # not wait for: what guards them goes after them.
            _sweep(look, _GUARDED, progress, asked=set(known.values()))
            turn.refuse_interrupted()
            driver.destroy(progress)
        _sweep(look, account.KINDS, progress)
        _drop_unused_tags(api)
    return [Gone(kind, sum(one.kind == kind for one in before), 0) for kind in account.KINDS]


@dataclass(frozen=True)
class _Look:
    """Looks for what belongs to a cluster."""

    api: Api
    name: str
    cluster_id: str | None

    def __call__(self) -> list[Object]:
        return account.belongings(self.api, self.name, self.cluster_id)


def _sweep(
    look: _Look, kinds: Sequence[str], progress: Progress, asked: Iterable[str] = ()
) -> None:
    """Delete what `look` finds of `kinds` until it finds nothing; `asked` is being deleted already.

    Kinds go one after the other: a firewall stays while it guards something.
    """
    deleted = set(asked)
    deadline = time.monotonic() + _PATIENCE
    wait = _FIRST_WAIT
    while found := [one for one in look() if one.kind in kinds]:
        if time.monotonic() > deadline:
            raise _incomplete(look.name, found)
        for one in found:
            if one.kind == found[0].kind and one.id not in deleted and _delete(look.api, one):
                deleted.add(one.id)
                progress.note(f"Deleted the {one.kind} {one.name}, which the state did not know.")
        time.sleep(wait)
        wait = min(wait * 1.5, _LONGEST_WAIT)


def _delete(api: Api, one: Object) -> bool:
    """Delete something, and return whether it will go."""
    # A cluster's machines go with it, and cannot be deleted one by one.
    if one.kind == "Droplet":
        return False
    try:
        api.delete(one.path)
    except ApiError as error:
        if error.status not in (403, 409):
            raise
        # Still in use: asked again in the next round.
        return False
    return True


def _drop_unused_tags(api: Api) -> None:
    """Delete the tags that clusters share, and that no cluster carries any more."""
    carried = {tag for one in account.clusters(api) for tag in one["tags"]}
    for tag in [one["name"] for one in api.pages("/v2/tags", "tags")]:
        if (tag == names.LABEL or names.is_limit(tag)) and tag not in carried:
            api.delete(f"/v2/tags/{tag}")


def _incomplete(name: str, left: Sequence[Object]) -> TeardownIncomplete:
    kinds = ", ".join(f"{one.kind} {one.name}" for one in left)
    import pandas as pd

    return TeardownIncomplete(
        f"Something of {name!r} is left: {kinds}.",
        f"DigitalOcean had not deleted it after {_PATIENCE / 60:.0f} minutes.",
        "Run down() again in a while; until it is gone it may be billed.",
        left=pd.DataFrame(
            [(one.kind, one.id, one.name) for one in left], columns=["kind", "id", "name"]
        ),
    )
