"""Run a case in which dotrain itself asks: let the endpoint fail, look, and make the call again."""

from __future__ import annotations

import difflib
import math
import os
import random
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pandas as pd
import pytest
import stamina

from dotrain import api, connections
from dotrain.errors import ApiError, DotrainError
from tests.faults import wrongs
from tests.faults.calls import CALLS, DELAY, OVER, Call, quick
from tests.faults.cases import SEED, Case
from tests.faults.endpoints import LIBRARY, used
from tests.faults.table import ERROR, RIDDEN_OUT
from tests.live import labelled
from tests.live.conftest import Sandbox

_SOON = 0.5
"""Seconds after which no answer is a timeout here; the client waits for a minute."""

_DRAWN = 6
"""How many wrong values are tried where each call takes long, or only a sample is run."""

_TAKE_LONG = frozenset({"allow_me", "resize", "sweep", "down"})
# What is not known may be left out where the call says so, or be taken for what is not there.
_MAY_DIFFER = frozenset({"403", "404", "hidden", "state-error"})
_SHOWN = 400


@dataclass(frozen=True)
class Outcome:
    """How a case went.

    Parameters
    ----------
    outcome : str
        ``"ok"`` or ``"error"``.
    wrong : list of str
        What was found wrong.
    """

    outcome: str
    wrong: list[str]


@dataclass(frozen=True)
class Went:
    """How a call went.

    Parameters
    ----------
    result : str
        What it returned, as text; empty when it raised.
    error : BaseException or None
        What it raised.
    said : tuple of str
        What it warned of, and what it noted beside.
    """

    result: str
    error: BaseException | None
    said: tuple[str, ...]


class Library:
    """Runs cases on a sandbox.

    Parameters
    ----------
    sandbox : Sandbox
        With the cluster of `calls.make`.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._right: dict[str, tuple[str, dict[str, Any]]] = {}

    def run(self, case: Case) -> Outcome:
        """Run a case."""
        call = CALLS[case.call]
        right, answers = self._reference(case.call)
        if case.at not in used(answers.values(), LIBRARY):
            return Outcome(ERROR, [f"{case.call} does not ask for {case.at}"])
        sandbox = self._sandbox
        if call.before:
            call.before(sandbox)
        there, last = self._objects(), sandbox.last_request()
        outcome, wrong = RIDDEN_OUT, []
        for number, fault in enumerate(self._faults(case, answers)):
            if number and call.before:
                call.before(sandbox)
            sandbox.call("POST", "/__sandbox__/faults", faults=[fault])
            with _timeouts(case):
                went = _went(call, sandbox)
            sandbox.call("POST", "/__sandbox__/faults", faults=[])
            outcome = ERROR if went.error is not None else outcome
            null = None in fault.get("replaced", {}).values()
            vague = null or case.fault in _MAY_DIFFER
            found = _wrong(case, went, None if vague else right, vague=vague)
            wrong += [f"{one} ({fault['replaced']})" if number else one for one in found]
            if not call.reads:
                wrong += self._go_on(call, right)
            wrong += _unguarded(case, sandbox.requests(last))
            if sandbox.token in f"{went.error!r} {went.said}":
                wrong.append("it shows the token")
        requests = sandbox.requests(last)
        if case.at not in used(requests, LIBRARY):
            wrong.append(f"{case.at} was not asked")
        if all(one["method"] == "GET" for one in requests) and self._objects() != there:
            wrong.append("something has changed")
        if call.reads:
            wrong += self._go_on(call, right)
        return Outcome(outcome, list(dict.fromkeys(wrong)))

    def _go_on(self, call: Call, right: str) -> Iterator[str]:
        """Make the call again, now that nothing is wrong, and yield what is wrong with that."""
        again = _went(call, self._sandbox)
        if again.error is not None:
            yield f"the next call failed: {again.error}"
        elif call.reads and again.result != right:
            yield f"the next call returned something else: {_difference(again.result, right)}"
        if call.after:
            call.after(self._sandbox)
        if labelled.left_of(self._sandbox, OVER):
            yield f"left: {labelled.left_of(self._sandbox, OVER)}"

    def _faults(self, case: Case, answers: dict[str, Any]) -> list[dict[str, Any]]:
        fault = case.kind.fault(case.endpoint, case.lasting)
        if case.fault == "slow":
            # In its full length it is a case of its own.
            fault["delay"] = 1
        if case.fault != "wrong-type":
            return [fault]
        choose = random.Random(f"{SEED} {case}")
        values = list(wrongs.of(answers[case.at]["response"], choose))
        if case.call in _TAKE_LONG or not _whole():
            values = choose.sample(values, min(_DRAWN, len(values)))
        return [{**fault, "replaced": {place: value}} for place, value in values]

    def _reference(self, name: str) -> tuple[str, dict[str, Any]]:
        """Return what a call returns when nothing is wrong, and what each endpoint answered."""
        if name not in self._right:
            call = CALLS[name]
            if call.before:
                call.before(self._sandbox)
            last = self._sandbox.last_request()
            went = _went(call, self._sandbox)
            assert went.error is None, went.error
            requests = self._sandbox.requests(last)
            if call.after:
                call.after(self._sandbox)
            answers = {endpoint: one for one in requests for endpoint in used([one], LIBRARY)}
            self._right[name] = went.result, answers
        return self._right[name]

    def _objects(self) -> dict[str, Any]:
        found: dict[str, Any] = self._sandbox.call("GET", "/__sandbox__/objects")
        return found


def _whole() -> bool:
    return os.environ.get("DOTRAIN_FAULT_CASES") == "all"


@contextmanager
def _timeouts(case: Case) -> Iterator[None]:
    """Wait for no answer as long as the client does, where that is what is tried; else less."""
    with stamina.set_testing(testing=True, attempts=1000, cap=True):
        if case.fault == "timeout":
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(api, "_TIMEOUT", _SOON)
                yield
        else:
            yield


def _went(call: Call, sandbox: Sandbox) -> Went:
    """Make a call, and return how it went, whatever it raised."""
    # What an earlier one has learnt is not to be relied on.
    connections._shared.clear()
    result, error = "", None
    with quick(), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            result = _text(call.make(sandbox))
        except Exception as raised:  # noqa: BLE001 - whatever it is, it is what is looked at
            error = raised
    return Went(result, error, tuple(str(one.message) for one in warned))


def _text(result: Any) -> str:
    """Return a result as text that is the same whenever it says the same."""
    if isinstance(result, tuple):
        return "\n".join(map(_text, result))
    if isinstance(result, pd.DataFrame):
        return str(result.to_csv())
    # Costs go on meanwhile, and with them the widths of columns.
    text = re.sub(r"(under )?\$\d+\.\d+|\d+\.\d+(e-\d+)?|\d+%", "#", str(result))
    return re.sub(" +", " ", text)


def _wrong(case: Case, went: Went, right: str | None, *, vague: bool) -> Iterator[str]:
    """Yield what is wrong with how a call went; `right` is what it returns, None for anything.

    What is `vague` may be taken for something that is not there, and is told as that.
    """
    if went.error is None:
        # What it leaves out it has to say.
        told = went.said or not CALLS[case.call].reads
        if case.endpoint.reads and not told and right not in (None, went.result):
            yield f"it returned something else: {_difference(went.result, right or '')}"
        return
    if not isinstance(went.error, DotrainError):
        yield f"{type(went.error).__name__}: {went.error}"
        return
    said = str(went.error)
    if "\n" in said:
        yield f"it says more than a paragraph: {said!r}"
    if not went.error.fix:
        yield f"it does not say what to do: {said}"
    if vague and case.fault != "403" and not isinstance(went.error, ApiError):
        return
    method, path = case.at.split()
    pattern = re.sub(r"\{\w+\}", "[^/ ]+", path)
    if not re.search(rf"{method} {pattern}", said):
        yield f"it does not name {case.at}: {said}"
    answered = case.fault not in ("reset", "timeout")
    if answered and not re.search(r"request [0-9a-f-]{36}", said):
        yield f"it does not name the request: {said}"


def _unguarded(case: Case, requests: list[dict[str, Any]]) -> Iterator[str]:
    """Yield when a firewall went before the cluster that it guards had the time to go."""
    done = {HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT}
    if case.fault == "500-applied":
        done.add(HTTPStatus.INTERNAL_SERVER_ERROR)
    gone = math.inf
    for one in requests:
        if one["method"] != "DELETE" or one["status"] not in done:
            continue
        if one["path"].endswith("/dangerous"):
            gone = one["t"] + DELAY
        elif one["path"].startswith("/v2/firewalls/"):
            if one["t"] < gone:
                yield "the firewall went before the cluster"
            gone = math.inf


def _difference(one: str, other: str) -> str:
    lines = difflib.unified_diff(other.split(","), one.split(","), "right", "wrong", n=0)
    return " ".join(lines)[:_SHOWN]
