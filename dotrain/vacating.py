"""Empty the nodes of pools that leave, and let them work again when the pools stay.

From then until they are deleted the nodes are cordoned, and no autoscaler adds
any. When something goes wrong on the way, that is taken back. Who is killed
takes nothing back: so a note beside the stack's settings says which pools it
is about, and an operation that wants one of them again gives it back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from dotrain import departure, names
from dotrain.account import Leaving
from dotrain.api import Api
from dotrain.departure import Terms
from dotrain.engine.state import State
from dotrain.engine.workspace import Note
from dotrain.errors import ApiError, DotrainError
from dotrain.spec import ClusterSpec
from dotrain.turn import Turn

_FILE = "leaving"


@contextmanager
def vacated(
    api: Api, cluster: str, leaving: Sequence[Leaving], turn: Turn, terms: Terms
) -> Iterator[None]:
    """Empty the nodes of `leaving`, and have whoever enters delete them; else they go on working.

    Parameters
    ----------
    api : Api
        The account.
    cluster : str
        The cluster's id.
    leaving : sequence of Leaving
        The pools.
    turn : Turn
        The operation.
    terms : Terms
        Whether they are emptied, and in what time.

    Raises
    ------
    KubernetesUnreachable, DrainFailed
        When that cannot be done.
    """
    note = Note(turn.target, turn.name, _FILE)
    note.write(" ".join([cluster, *(one.name for one in leaving)]))
    with _not_autoscaled(api, cluster, leaving if terms.drain else (), turn):
        empty(leaving, turn, terms)
        try:
            turn.refuse_interrupted()
            yield
        except BaseException:
            if terms.drain:
                _take_back(leaving, turn)
            raise
    note.write("")


@contextmanager
def _not_autoscaled(
    api: Api, cluster: str, leaving: Sequence[Leaving], turn: Turn
) -> Iterator[None]:
    """Have no autoscaler add nodes to `leaving`, unless what is done meanwhile fails."""
    # One without nodes has nothing to empty, and a fixed number of 0 is refused.
    scaled = [one for one in leaving if one.scale and one.count]
    try:
        for one in scaled:
            turn.progress.note(f"No autoscaling of {one.name} any more: it leaves.")
            _scale(api, cluster, one, {"auto_scale": False})
        yield
    except BaseException:
        for one in scaled:
            least, most = one.scale or (0, 0)
            range_ = {"auto_scale": True, "min_nodes": least, "max_nodes": most}
            try:
                _scale(api, cluster, one, range_)
            except ApiError as error:
                # Why it was not deleted says more.
                turn.progress.note(f"{one.name} may not be autoscaled any more. {error}")
            else:
                turn.progress.note(f"{one.name} is autoscaled again.")
        raise


def _scale(api: Api, cluster: str, pool: Leaving, autoscaling: Mapping[str, object]) -> None:
    path = f"/v2/kubernetes/clusters/{cluster}/node_pools/{pool.id}"
    api.put(path, {"name": pool.name, "count": pool.count, **autoscaling})


def empty(leaving: Sequence[Leaving], turn: Turn, terms: Terms) -> None:
    """Have what runs on the nodes of `leaving` move, all of them at once.

    Parameters
    ----------
    leaving, turn, terms
        As for `vacated`.

    Raises
    ------
    KubernetesUnreachable, DrainFailed
        When that cannot be done; the nodes take work again.
    """
    turn.refuse_interrupted()
    there = " and ".join(f"{one.name} (nodes: {len(one.nodes)})" for one in leaving if one.nodes)
    note = turn.progress.note
    if not there:
        return
    if not terms.drain:
        note(f"Not drained, as was asked for: {there}.")
        return
    with departure.reached(turn.target, turn.name) as kube:
        if kube is None:
            note(f"Nothing runs on {there}: this cluster has no Kubernetes API of its own.")
            return
        from dotrain import draining

        note(f"Draining {there}.")
        draining.drain(
            kube,
            [node for one in leaving for node in one.nodes],
            pools=[one.name for one in leaving],
            timeout=terms.timeout,
            note=note,
            stop=turn.refuse_interrupted,
        )


def _take_back(leaving: Sequence[Leaving], turn: Turn) -> None:
    """Let nodes of `leaving`, which were emptied and could not be deleted, take work again."""
    try:
        _uncordon([one.name for one in leaving], turn)
    except DotrainError as error:
        # Why they could not be deleted says more.
        turn.progress.note(f"The old nodes may still be cordoned. {error}")


def _uncordon(pools: Collection[str], turn: Turn) -> None:
    with departure.reached(turn.target, turn.name) as kube:
        if kube is not None:
            from dotrain import draining

            draining.recover(kube, pools, turn.progress.note)


def returned(turn: Turn, spec: ClusterSpec, remembered: State | None) -> set[str]:
    """Return the names on DigitalOcean of the pools that were leaving and that `spec` wants again.

    Parameters
    ----------
    turn : Turn
        The operation.
    spec : ClusterSpec
        What should be.
    remembered : State or None
        What the state has.
    """
    cluster, *pools = Note(turn.target, turn.name, _FILE).read().split() or [""]
    if remembered is None or cluster != remembered.resources.get("cluster"):
        # It was about one that is gone.
        return set()
    return {names.pool_name(pool) for pool in spec.live_pools} & {*pools}


def give_back(pools: Collection[str], turn: Turn, terms: Terms) -> None:
    """Let nodes of `pools`, which are `returned`, take work again.

    Parameters
    ----------
    pools : collection of str
        The pools' names on DigitalOcean.
    turn : Turn
        The operation.
    terms : Terms
        On which terms others leave.

    Raises
    ------
    KubernetesUnreachable
        When it cannot be done, unless who asks lets nodes go without draining.
    """
    try:
        _uncordon(pools, turn)
    except DotrainError as error:
        if terms.drain:
            raise
        turn.progress.note(f"Nodes of {' and '.join(sorted(pools))} may be cordoned. {error}")
        return
    note = Note(turn.target, turn.name, _FILE)
    cluster, *noted = note.read().split()
    rest = [name for name in noted if name not in pools]
    note.write(" ".join([cluster, *rest]) if rest else "")
