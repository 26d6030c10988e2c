"""A cluster for the length of a `with` block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

from dotrain import lifecycle, operations, stack
from dotrain.api import Api
from dotrain.belongings import Search
from dotrain.checks import check_name
from dotrain.errors import (
    AddressError,
    ClusterNotFound,
    ConfigError,
    LockedOut,
    NameInUse,
    ReplacementRefused,
    SpecError,
    TeardownFailed,
)
from dotrain.facade import Cluster
from dotrain.target import Target, current

# How `up` refuses while nothing is made: what is there then is another's.
_BEFORE_ANYTHING = (
    SpecError,
    ConfigError,
    AddressError,
    NameInUse,
    ReplacementRefused,
    LockedOut,
)


@contextmanager
def cluster(name: str, **asked: Any) -> Iterator[Cluster]:
    """Make a cluster for a `with` block, and delete it with everything around it at the end.

    It also goes when the block, or the making itself, ends with an exception or
    an interrupt, and nobody is asked. A cluster that exists is not taken: the
    end of the block would delete somebody's. What no `with` survives, such as a
    killed kernel, leaves it: give a `max_age`, too, and `sweep` deletes it.

    Parameters
    ----------
    name : str
        The new cluster's name.
    **asked : optional
        As for `dotrain.up`.

    Returns
    -------
    context manager of Cluster
        The cluster, running, with its nodes.

    Raises
    ------
    NameInUse
        When the account or the state has a cluster of that name.
    TeardownFailed
        When the block ended with an exception, and the teardown with another
        one; it carries both.
    SpecError, ConfigError, ApiError, EngineError, TeardownIncomplete
        As `dotrain.up` and `dotrain.down`.

    Examples
    --------
    >>> with dotrain.cluster("shortlived", max_age="2h") as made:
    ...     print(made.spec.max_age)
    2h
    """
    check_name(name, "cluster")
    target = current()
    _refuse_existing(target, name)
    try:
        made = lifecycle.up(name, **asked)
    except _BEFORE_ANYTHING:
        raise
    except BaseException as error:
        _take_down(target, name, error)
        raise
    try:
        yield made
    except BaseException as error:
        _take_down(target, name, error)
        raise
    _take_down(target, name, None)


def _refuse_existing(target: Target, name: str) -> None:
    there = f"a cluster {name!r}"
    if operations.running(target, name) is None and stack.read(target, name) is None:
        with closing(Api(target)) as api:
            # A tag alone is nobody's loss.
            found = [one for one in Search(api, name).find() if one.kind != "tag"]
        if not found:
            return
        there = f"something of {name!r}, the {found[0].kind} {found[0].name},"
    raise NameInUse(
        f"There is {there} already.",
        "The end of the with block would delete it, with what others may have on it.",
        f"Choose another name, use dotrain.get({name!r}), or call dotrain.down({name!r}) first.",
    )


def _take_down(target: Target, name: str, before: BaseException | None) -> None:
    """Delete the cluster; `before` is how the block ended, and stays known when this fails."""
    try:
        # Taken down in the block already, or nothing of it was ever made.
        with suppress(ClusterNotFound):
            Cluster(name, target).down(confirm=name)
    except BaseException as failure:
        if before is None:
            raise
        raise TeardownFailed(
            f"The cluster {name!r} could not be taken down: {failure}",
            f"The block had ended with {type(before).__name__}: {before}.",
            f"Call dotrain.down({name!r}); until it is gone it may be billed.",
            block=before,
        ) from failure
