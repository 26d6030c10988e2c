"""Take a cluster down, and prove that nothing of it is left.

Pulumi deletes what it knows: the cluster first, and when that is gone what
guards it. What Pulumi does not know of (an object whose making was cut off, a
load balancer that Kubernetes made, a snapshot of a volume) is found by label
and deleted too, and then the account is read again.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from typing import NamedTuple

from dotrain import account, belongings, names, stack, timers
from dotrain.api import Api
from dotrain.belongings import Object, Search
from dotrain.engine.progress import Progress
from dotrain.errors import ApiError, TeardownIncomplete
from dotrain.turn import Turn

# DigitalOcean deletes clusters in the background, usually within minutes.
_PATIENCE = 15 * 60.0
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 10.0
# So long after it was asked for, what is still there is asked for once more.
_AGAIN = 1.0
_UNAUTHORIZED = 401
# So many more looks for what no list shows, though its label says that something carries it.
_DOUBTS = 3
# What a firewall guards, and its label selects: as long as it is there, so is that.
_GUARDED = ("database", "cluster", "Droplet")
# What holds a network, for which the engine waits two minutes and no longer.
_IN_NETWORK = (*_GUARDED, "load balancer")


class Gone(NamedTuple):
    """How many objects of a kind there were before a teardown, and are after it."""

    kind: str
    found: int
    left: int


def down(turn: Turn, *, only_if_over: bool = False, only_id: str | None = None) -> list[Gone]:
    """Delete the cluster of `turn` with everything around it, and return what went.

    Parameters
    ----------
    turn : Turn
        The operation.
    only_if_over : bool
        Whether to leave it as it is, and return nothing, unless it has lived
        as long as it may: somebody may have extended it meanwhile.
    only_id : str, optional
        The id of the cluster that is meant; empty when there was none, but what
        is left of one. One that has been made since under the same name is left
        as it is, and nothing is returned.

    Raises
    ------
    ClusterNotFound
        When there is neither a stack nor anything labelled with the name.
    TeardownIncomplete
        When something is left; it carries what, and why.
    EngineError, ApiError
        See the two.
    """
    target, name, progress = turn.target, turn.name, turn.progress
    remembered = stack.read(target, name)
    known = remembered.resources if remembered else {}
    with closing(Api(target)) as api:
        search = Search(api, name, filter(None, [known.get("cluster")]))
        before = search.find()
        if only_if_over and not _is_over(before):
            return []
        if only_id is not None and any(
            one.kind == "cluster" and one.id != only_id for one in before
        ):
            return []
        if remembered is None and not before:
            raise belongings.nothing(name, target.kind)
        _label(api, name, before)
        removal = _Removal(search, progress)
        if remembered is not None:
            driver = turn.driver()
            if "cluster" in known:
                driver.destroy(progress, only="cluster")
            # The machines of a cluster live on for a while, which Pulumi does
            # not wait for: what guards them goes after them.
            removal.finish(_IN_NETWORK, asked=known.values())
            turn.refuse_interrupted()
            driver.destroy(progress)
        removal.finish(belongings.KINDS, found=before if remembered is None else ())
        _drop_unused(api)
    found = {(one.kind, one.id) for one in before} | removal.deleted
    return [Gone(kind, sum(one == kind for one, _ in found), 0) for kind in belongings.KINDS]


class _Removal:
    """Deletes what a search finds, until it finds nothing."""

    def __init__(self, search: Search, progress: Progress) -> None:
        self._search = search
        self._progress = progress
        self._asked: set[str] = set()
        self._refused: dict[str, str] = {}
        self.deleted: set[tuple[str, str]] = set()

    def finish(
        self, kinds: Sequence[str], *, asked: Iterable[str] = (), found: Sequence[Object] = ()
    ) -> None:
        """Delete everything of `kinds`, and return when a look at all of them finds nothing.

        Parameters
        ----------
        kinds : sequence of str
            Kinds out of `belongings.KINDS`.
        asked : iterable of str
            Ids of what is being deleted already.
        found : sequence of Object
            What a look at all of them has just found.

        Raises
        ------
        TeardownIncomplete
            When something is left after 15 minutes, or somebody has made a
            cluster of the same name meanwhile.
        """
        self._asked = {key for _, key in self.deleted} | set(asked)
        deadline = time.monotonic() + _PATIENCE
        everything = looked_at = tuple(kinds)
        wait, count, doubts = _FIRST_WAIT, -1, _DOUBTS
        while True:
            found = found or self._search.find(looked_at)
            if self._search.newcomers:
                raise _overtaken(self._search.name, self._search.newcomers)
            if doubts and _is_carried(found):
                # What is new may be in no list yet, and without its label nobody would find it.
                doubts -= 1
                looked_at, found = everything, ()
                time.sleep(wait)
                wait = min(wait * 5, _LONGEST_WAIT)
                continue
            if not found and looked_at == everything:
                return
            if found and time.monotonic() > deadline:
                raise _incomplete(self._search.name, found, self._refused)
            self._round(found, again=wait > _AGAIN)
            # Only what is waited for is read while that goes on, and at the end
            # everything once more.
            left = {one.kind for one in found}
            looked_at = tuple(left & set(_GUARDED) or left) or everything
            # What goes in the background takes its time; what does not is gone at once.
            wait = min(wait * 1.5, _LONGEST_WAIT) if len(found) == count else _FIRST_WAIT
            count = len(found)
            time.sleep(wait if found else 0)
            found = ()

    def _round(self, found: Sequence[Object], *, again: bool) -> None:
        """Ask for what can go now: what refuses keeps nothing else that does not depend on it.

        What has been asked for and does not go is asked for again: to the
        engine, an answer of 404 is the end of it.
        """
        guarded = any(one.kind in _GUARDED for one in found)
        for one in found:
            waits = guarded and one.kind not in _GUARDED
            # The label is what the rest is found by, when this is cut off.
            last = one.kind == "tag" and len(found) > 1
            asked = one.id in self._asked
            if (asked and (not again or _is_going(one))) or waits or last:
                continue
            # A cluster's machines go with it, and cannot be deleted one by one.
            if one.kind != "Droplet" and self._delete(one) and not asked:
                self._asked.add(one.id)
                self.deleted.add((one.kind, one.id))
                note = f"Deleted the {one.kind} {one.name}, which the state did not know."
                self._progress.note(note)

    def _delete(self, one: Object) -> bool:
        """Ask for the deletion of something, and return whether it will go."""
        try:
            self._search.api.delete(one.path)
        except ApiError as error:
            if error.status == _UNAUTHORIZED:
                raise
            # Still in use, for example: asked again in the next round.
            self._refused[one.id] = f"{error.what} {error.why}"
            return False
        self._refused.pop(one.id, None)
        return True


def _is_going(one: Object) -> bool:
    # Of nothing else the API says it.
    state = (one.described.get("status") or {}).get("state") if one.kind == "cluster" else ""
    return state in ("deleting", "deleted")


def _is_carried(found: Sequence[Object]) -> bool:
    """Return whether there is the label alone, and yet something carries it."""
    if [one.kind for one in found] != ["tag"]:
        return False
    carriers = found[0].described["resources"]
    # Droplets go with their cluster, or are of another one.
    return bool(carriers["count"] > carriers.get("droplets", {}).get("count", 0))


def _is_over(found: Iterable[Object]) -> bool:
    now = dt.datetime.now(dt.timezone.utc)
    ours = [one.described for one in found if one.kind == "cluster"]
    return bool(ours) and all(timers.is_over(cluster, now) for cluster in ours)


def _label(api: Api, name: str, found: Iterable[Object]) -> None:
    """Put the label on volumes and snapshots: theirs names the cluster's id, which is forgotten."""
    tag = names.label(name)
    types = {"volume": "volume", "volume snapshot": "volume_snapshot"}
    bare = [
        {"resource_id": one.id, "resource_type": types[one.kind]}
        for one in found
        if one.kind in types and tag not in (one.described.get("tags") or ())
    ]
    if bare and any(one.kind == "tag" for one in found):
        # A help for the case that this is cut off, and no reason to stop.
        with suppress(ApiError):
            api.post(f"/v2/tags/{tag}/resources", {"resources": bare})


def _drop_unused(api: Api) -> None:
    """Delete the tags that clusters share and none carries any more."""
    carried = {tag for one in account.clusters(api) for tag in one["tags"]}
    for tag in api.pages("/v2/tags", "tags"):
        name = tag["name"]
        shared = name == names.LABEL or names.is_limit(name)
        if shared and name not in carried and not tag["resources"]["count"]:
            api.delete(f"/v2/tags/{name}")


def _overtaken(name: str, made: Sequence[Object]) -> TeardownIncomplete:
    import pandas as pd

    why = "It was made while the other was being deleted, and is left alone."
    return TeardownIncomplete(
        f"There is a new cluster {name!r}.",
        "Somebody has made it while the old one was being deleted. What is left of that cannot be "
        "told from what belongs to the new one.",
        "Call up() where the new one was made, which brings back what it may have lost; or down() "
        "again to delete that, too.",
        left=pd.DataFrame(
            [(one.kind, one.id, one.name, why) for one in made],
            columns=["kind", "id", "name", "why"],
        ),
    )


def _incomplete(
    name: str, left: Sequence[Object], refused: Mapping[str, str]
) -> TeardownIncomplete:
    import pandas as pd

    guarded = any(one.kind in _GUARDED for one in left)
    rows = []
    for one in left:
        why = refused.get(one.id)
        if why is None and guarded and one.kind not in _GUARDED:
            why = "It waits for what it guards or is used by."
        rows.append((one.kind, one.id, one.name, why or "DigitalOcean has not carried it out."))
    kinds = ", ".join(f"{one.kind} {one.name}" for one in left)
    return TeardownIncomplete(
        f"Something of {name!r} is left: {kinds}.",
        f"After {_PATIENCE / 60:.0f} minutes: {' '.join(dict.fromkeys(row[3] for row in rows))}",
        "Run down() again in a while; until it is gone it may be billed.",
        left=pd.DataFrame(rows, columns=["kind", "id", "name", "why"]),
    )
