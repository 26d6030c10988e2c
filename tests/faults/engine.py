"""Run a case in which Pulumi's provider asks: the call, its error, and what the next call makes."""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dotrain
from dotrain import target
from dotrain.errors import ClusterNotFound, DotrainError
from tests.crash import verdict
from tests.crash.account import Account, copy
from tests.crash.cases import HERE, MOVED, NAME
from tests.crash.watch import MARK, processes
from tests.faults import table
from tests.faults.cases import Case
from tests.faults.rows import Row

_TIMEOUT, _FULL = "DOTRAIN_SANDBOX_TIMEOUT_SECONDS", "60"
ENVIRONMENT = {
    MARK: uuid.uuid4().hex,
    "DIGITALOCEAN_HTTP_RETRY_WAIT_MIN": "0.02",
    "DIGITALOCEAN_HTTP_RETRY_WAIT_MAX": "0.1",
    "DOTRAIN_SANDBOX_DELAY": "0.2",
    _TIMEOUT: "1.5",
    "DOTRAIN_SANDBOX_WAIT_SECONDS": "4",
}
"""What processes are found by, and the provider's patience, shortened: it would be minutes."""

_FULL_LENGTH = "up-provider-post-kubernetes-clusters-slow-once"
"""The one case in which slow is as slow as it gets."""

_AGENT = "dotrain-provider"
_CLUSTERS = "/v2/kubernetes/clusters"
_MADE = {
    "/v2/databases": {"database.num_nodes": "1"},
    "/v2/firewalls": {"firewall.name": 7},
    _CLUSTERS: {"kubernetes_cluster.status": "running"},
    f"{_CLUSTERS}/{{id}}/node_pools": {"node_pool.count": "1"},
    "/v2/tags": {"tag.name": 7},
    "/v2/vpcs": {"vpc.ip_range": 7},
}
_MISTYPED = {
    **{f"POST {path}": wrong for path, wrong in _MADE.items()},
    **{f"{verb} {path}/{{id}}": wrong for path, wrong in _MADE.items() for verb in ("GET", "PUT")},
    "GET /v2/tags/{name}": _MADE["/v2/tags"],
    "GET /v2/databases/{id}/firewall": {"rules.*.type": 7},
    f"GET {_CLUSTERS}/{{id}}/credentials": {"token": 7},
    f"GET {_CLUSTERS}/{{id}}/destroy_with_associated_resources": {"volumes": 7},
}
"""What is of another type than it should be in an endpoint's answer."""

_REFUSED = 400
_DELAY = 0.2
_DATABASE = dotrain.Database("pg", size="db-s-1vcpu-1gb")
_SIZES = ("s-2vcpu-4gb", "s-4vcpu-8gb")
_PATIENCE = 10.0


@dataclass(frozen=True)
class Outcome:
    """How a case went.

    Parameters
    ----------
    outcome : str
        ``"ok"`` or ``"error"``, as the matrix has it.
    wrong : list of str
        What was found wrong.
    said : str
        The error of the call; empty without one.
    """

    outcome: str
    wrong: list[str]
    said: str = ""


class Bench:
    """A sandbox on which cases run, one after the other.

    Parameters
    ----------
    home : pathlib.Path
        A data directory that is not there yet; the environment names it, too.
    """

    def __init__(self, home: Path) -> None:
        self._mark = os.environ[MARK]
        self._account = Account(copy(None, home), delay=_DELAY)
        self._address = HERE
        dotrain.use_sandbox(address=self._address)

    def close(self) -> None:
        """End what runs."""
        self._account.close()
        dotrain.use_digitalocean()

    def run(self, row: Row) -> dict[Case, Outcome]:
        """Run the cases of a row, from whatever the last one left.

        Each case goes on where the one before it stopped. After the last one the
        same call is made without a fault, and has to make good whatever they left.
        """
        found: dict[Case, Outcome] = {}
        for step in row.steps:
            outcome = self._hit(step)
            if not outcome.outcome:
                # What the last one left needs nothing of what this one is about.
                self._begin(step[0], anew=True)
                outcome = self._hit(step)
            found |= dict.fromkeys(step, outcome)
        after = [*self._converge(row), *self._strays()]
        return {one: replace(it, wrong=[*it.wrong, *after]) for one, it in found.items()}

    def _hit(self, step: tuple[Case, ...]) -> Outcome:
        """Make a call that meets faults, and look; there is no outcome when it does not."""
        account, case = self._account, step[0]
        self._begin(case)
        before, since = account.objects(), len(account.log())
        call = self._call(case)
        # A slow answer is one that the provider waits for, as long as it ever does.
        os.environ[_TIMEOUT] = _FULL if case.fault == "slow" else ENVIRONMENT[_TIMEOUT]
        # Whether a firewall is made twice or refused the second time: both have been seen.
        account.allow_doubles(allowed=case.fault == "500-applied")
        account.have([_fault(one) for one in step])
        error = _error_of(call)
        account.have([])
        made = account.log()[since:]
        met = {one: _met(one, made) for one in step}
        if not any(met.values()):
            return Outcome("", [f"the fault was never met; the call ended with {error!r}"])
        wrong = [f"{one} was never met" for one, asked in met.items() if not asked]
        if error is not None:
            wrong += [words for one, asked in met.items() for words in _unclear(error, one, asked)]
        wrong += verdict.intact(account)
        wrong += verdict.guarded(account, before, since)
        if error is None:
            wrong += self._done(case)
        ended = table.RIDDEN_OUT if error is None else table.ERROR
        return Outcome(ended, wrong, "" if error is None else f"{type(error).__name__}: {error}")

    def _begin(self, case: Case, *, anew: bool = False) -> None:
        """Have what the call of a case begins with: no cluster, or one that is up."""
        if anew or (case.call == "up" and not list(self._done(case))):
            target.reset_sandbox()
        if case.call != "up" and self._account.state() is None:
            dotrain.up(NAME, database=_DATABASE if _needs_database(case) else None)

    def _done(self, case: Case) -> Iterator[str]:
        if case.call == "down":
            return verdict.gone(self._account)
        return verdict.complete(self._account, self._address)

    def _again(self, case: Case) -> Callable[[], Any]:
        """Return the call that finishes what a case has begun."""
        if case.call == "down" or (case.call == "up" and self._account.deployment() is None):
            return self._call(case)
        return lambda: dotrain.up(NAME)

    def _call(self, case: Case) -> Callable[[], Any]:
        if case.call == "up":
            database = _DATABASE if _needs_database(case) else None
            return lambda: dotrain.up(NAME, database=database)
        if case.call == "down":
            return lambda: dotrain.down(NAME, confirm=NAME)
        cluster = dotrain.get(NAME)
        if case.call == "allow_me":
            self._address = MOVED if self._address == HERE else HERE
            dotrain.use_sandbox(address=self._address)
            return cluster.allow_me
        pool = cluster.spec.pools[0]
        if case.endpoint.method == "PUT":
            return lambda: dotrain.get(NAME).resize(count=3 - pool.count)
        size = next(one for one in _SIZES if one != pool.size)
        return lambda: dotrain.get(NAME).resize(size=size)

    def _converge(self, row: Row) -> Iterator[str]:
        """Make the call once more, with no fault, and yield what is wrong with what is left."""
        account, case = self._account, row.steps[-1][0]
        error = _error_of(self._again(case))
        gone = case.call == "down" and isinstance(error, ClusterNotFound)
        if error is not None and not gone:
            yield f"the next call failed: {type(error).__name__}: {error}"
        yield from self._done(case)
        if case.call != "down":
            so_far = len(account.log())
            error = _error_of(lambda: dotrain.get(NAME).up())
            if error is not None:
                yield f"a further up failed: {type(error).__name__}: {error}"
            changes = account.changes(so_far)
            if changes:
                yield f"a further up still changes something: {changes}"
            dotrain.down(NAME, confirm=NAME)
            yield from verdict.gone(account)
        for leak in dotrain.leaks().itertuples():
            yield f"a leak: {leak}"
        yield from verdict.intact(account)

    def _strays(self) -> list[str]:
        """Return the processes that should have ended, in words."""
        deadline = time.monotonic() + _PATIENCE
        while found := processes(self._mark).beside(os.getpid()):
            if time.monotonic() > deadline:
                return [f"a process is left: {one}" for one in found]
            time.sleep(0.05)
        return []


def _needs_database(case: Case) -> bool:
    return "databases" in case.at


def _fault(case: Case) -> dict[str, Any]:
    fault = case.kind.fault(case.endpoint, case.lasting)
    if case.fault == "slow" and str(case) != _FULL_LENGTH:
        fault["delay"] = 1
    elif case.fault == "wrong-type":
        fault["replaced"] = _MISTYPED[case.at]
    gone = case.fault == "404" and case.endpoint.reads
    if not gone and case.fault not in ("state-error", "hidden"):
        # What is so is so for everybody; what goes wrong does for the provider alone.
        fault["agent"] = _AGENT
    return fault


def _met(case: Case, made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the requests of the provider to the endpoint of a case."""
    return [
        one
        for one in made
        if one["method"] == case.endpoint.method
        and re.fullmatch(case.endpoint.pattern, one["path"].partition("?")[0])
        and one["agent"] == _AGENT
    ]


def _error_of(call: Callable[[], Any]) -> Exception | None:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
        return error
    return None


def _unclear(error: Exception, case: Case, met: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what an error does not say, or says as nobody should have to read it."""
    said = str(error)
    if not isinstance(error, DotrainError):
        yield f"it ended with {type(error).__name__}: {said}"
        return
    wanted = _wanted(case, met)
    for what, pattern in wanted.items():
        if not re.search(pattern, said):
            yield f"the error does not say {what}: {said}"
    if "\n" in said or "Traceback" in said or not error.fix:
        yield f"the error is no paragraph that says what to do: {said}"


def _wanted(case: Case, met: list[dict[str, Any]]) -> dict[str, str]:
    if case.fault in ("truncated", "wrong-type"):
        return {"where": re.escape(_list_of(case)), "what": "cannot be read"}
    if (case.at, case.fault) == ("GET /v2/databases/{id}", "404"):
        # The provider waits on, and says at the end only that it has waited.
        return {"where": re.escape(_list_of(case)), "what": "Timeout waiting"}
    if case.fault == "state-error":
        return {"what": re.escape("Creation failed.")}
    wanted = {"where": f"{case.endpoint.method} {case.endpoint.pattern}"}
    if case.fault in ("reset", "timeout"):
        return wanted
    # What was done in spite of its answer is refused when it is asked for again.
    refused = [one for one in met if one["status"] >= _REFUSED]
    answers = [one["response"] for one in refused]
    return {
        **wanted,
        "the status": "|".join(str(one["status"]) for one in refused),
        "what DigitalOcean said": "|".join(re.escape(one["message"].strip(".")) for one in answers),
        "the request id": "|".join(one["request_id"] for one in answers),
    }


def _list_of(case: Case) -> str:
    parts = case.endpoint.path.split("/{")
    return parts[0]
