"""The crash matrix: what is going on, what happens to it, and when. A case is known by its name."""

from __future__ import annotations

import itertools
import os
import random
from dataclasses import dataclass

SEED = int(os.environ.get("DOTRAIN_CRASH_SEED", "1"))
NAME = "bert"
HERE, MOVED = "203.0.113.7", "198.51.100.4"
DELAY = 1.0
"""Seconds that the sandbox takes to make or to delete a machine: what there is to be hit."""


@dataclass(frozen=True)
class Operation:
    """Something that a cell does to a cluster.

    Parameters
    ----------
    code : str
        The cell.
    exists : bool
        Whether the cluster does before.
    waits : tuple of str
        Method and path (a regular expression) of the request that takes longest, or comes last.
    seconds : float
        How long after that request the operation is in the middle of waiting for it.
    times : int
        How often that request has been made by then.
    address : str
        What ``"me"`` stands for; the cluster was made from `HERE`.
    names_it : bool
        Whether it names the cluster, so that it may be destroyed; then the next call does so, too.
    """

    code: str
    waits: tuple[str, str]
    seconds: float
    exists: bool = True
    times: int = 1
    address: str = HERE
    names_it: bool = False


_CLUSTER = r"/v2/kubernetes/clusters/[^/?]+"
OPERATIONS = {
    "create": Operation(
        f"dotrain.up({NAME!r})", ("POST", "/v2/kubernetes/clusters"), DELAY / 2, exists=False
    ),
    # dotrain.up() itself has nothing to start when nothing is new: nothing to crash, either.
    "no-op": Operation(f"dotrain.get({NAME!r}).up()", ("GET", rf"{_CLUSTER}/node_pools/.*"), 0),
    # It puts the address in force by itself first, and then has the engine do it and record it.
    "allow-me": Operation(
        f"dotrain.get({NAME!r}).allow_me()", ("PUT", _CLUSTER), 0, times=2, address=MOVED
    ),
    "resize-count": Operation(
        f"dotrain.get({NAME!r}).resize(count=3)", ("PUT", rf"{_CLUSTER}/node_pools/.*"), DELAY / 2
    ),
    "resize-size": Operation(
        f"dotrain.get({NAME!r}).resize(size='s-4vcpu-8gb')",
        ("POST", rf"{_CLUSTER}/node_pools"),
        DELAY / 2,
    ),
    "add-database": Operation(
        f"dotrain.up({NAME!r}, database=dotrain.Database('pg', size='db-s-1vcpu-1gb'))",
        ("POST", "/v2/databases"),
        DELAY / 2,
    ),
    "replace": Operation(
        f"dotrain.up({NAME!r}, region='ams3', replace={NAME!r})",
        ("POST", "/v2/kubernetes/clusters"),
        DELAY / 2,
        names_it=True,
    ),
    "down": Operation(
        f"dotrain.down({NAME!r}, confirm={NAME!r})", ("DELETE", rf"{_CLUSTER}/.*/dangerous"), 0.2
    ),
}

EVENTS = {
    "interrupt": "the notebook's stop button",
    "double-interrupt": "the stop button, and once more when that is offered",
    "restart": "the notebook's restart button",
    "kill-kernel": "SIGKILL of the kernel",
    "kill-cli": "SIGKILL of the Pulumi CLI; where there is none yet, of the next one",
}

MOMENTS = {
    "begun": "a process for it has been started, in a kernel that had none",
    "engine": "a Pulumi CLI has started",
    "locked": "it has locked the stack",
    "plugin": "it has started the provider",
    "first": "its first change is made (`no-op`: its first question is answered)",
    "waiting": "it waits for what takes longest (`no-op`, `allow-me`: its last request is made)",
    "unlocked": "it has freed the stack; the operation goes on",
}


@dataclass(frozen=True)
class Case:
    """One cell of the matrix: an operation, what happens to it, and when."""

    operation: str
    event: str
    moment: str

    def __str__(self) -> str:
        return f"{self.operation}-{self.event}-{self.moment}"


def chosen() -> list[Case]:
    """Return the cases to run: the sample, or those that ``DOTRAIN_CRASH_CASES`` names.

    That is ``all``, or names separated by commas.
    """
    named = os.environ.get("DOTRAIN_CRASH_CASES")
    if not named:
        return sample(SEED)
    return [one for one in everything() if named == "all" or str(one) in named.split(",")]


def everything() -> list[Case]:
    """Return all cases."""
    return [Case(*one) for one in itertools.product(OPERATIONS, EVENTS, MOMENTS)]


def sample(seed: int) -> list[Case]:
    """Return 8 cases: each operation once, each event and each moment at least once."""
    choose = random.Random(seed)
    operations, events, moments = list(OPERATIONS), list(EVENTS), list(MOMENTS)
    for some in (operations, events, moments):
        choose.shuffle(some)
    return [
        Case(*one)
        for one in zip(operations, *map(itertools.cycle, (events, moments)), strict=False)
    ]
