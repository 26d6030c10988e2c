"""A sandbox for each module, and what it says about itself."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

import dotrain
from dotrain import target
from dotrain.engine.processes import OPERATION
from dotrain.engine.workspace import backend
from tests.faults import endpoints
from tests.sandbox import coverage, openapi

GOING_REAL = Path(__file__).parents[2] / "docs" / "how-to" / "going-real.md"


class Sandbox:
    """The sandbox that runs, seen from outside of dotrain."""

    def __init__(self) -> None:
        info = target.start_sandbox()
        self.url = info["url"]
        self.token = info["token"]
        self._http = httpx.Client(
            base_url=info["url"], headers={"Authorization": f"Bearer {info['token']}"}, timeout=10
        )

    def call(self, method: str, path: str, **body: Any) -> Any:
        """Return the answer to any request."""
        answer = self._http.request(method, path, json=body or None)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """Return everything of a kind that exists, such as ``"clusters"``."""
        found: list[dict[str, Any]] = self.call("GET", "/__sandbox__/objects")[kind]
        return found

    def last_request(self) -> int:
        """Return the number of the last request."""
        return int(self.call("GET", "/__sandbox__/requests?after=999999999")["last"])

    def requests(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the requests made since the one with the number `after`."""
        found: list[dict[str, Any]] = self.call("GET", f"/__sandbox__/requests?after={after}")[
            "requests"
        ]
        return found

    def changes(self, after: int = 0) -> list[tuple[str, str]]:
        """Return method and path of the requests that changed something."""
        return [
            (one["method"], one["path"]) for one in self.requests(after) if one["method"] != "GET"
        ]

    def close(self) -> None:
        self._http.close()


def processes(*, leading: bool) -> list[psutil.Process]:
    """Return the engines (or the plugins, which lead no session) that run for this home."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            environment = process.environ()
            ours = environment.get("DOTRAIN_HOME") == os.environ["DOTRAIN_HOME"]
            works = ours and environment.get(OPERATION)
            if works and leading == (os.getsid(process.pid) == process.pid):
                found.append(process)
    return found


def engine() -> psutil.Process:
    """Return the Pulumi CLI that runs for this home."""
    (found,) = processes(leading=True)
    return found


@contextlib.contextmanager
def frozen() -> Iterator[None]:
    """Hold the engine that runs, so that its operation takes as long as this does."""
    held = engine()
    held.suspend()
    try:
        yield
    finally:
        held.resume()


def host_of(kernel: int) -> psutil.Process:
    """Return the process that runs the operation of the process `kernel`."""
    children = psutil.Process(kernel).children()
    return next(one for one in children if "dotrain.host" in one.cmdline())


def cut_off(kernel: int) -> None:
    """Kill the engine and the process of the operation at once, as a lack of memory does."""
    works, runs = engine(), host_of(kernel)
    # Neither may see the other's end.
    runs.suspend()
    works.kill()
    runs.kill()


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the stack `name` as an operation on another machine does; nobody waits for it."""
    directory = backend(target.current()).locks(name)
    directory.mkdir(parents=True, exist_ok=True)
    lock = directory / "another-operation.json"
    holder = {"pid": 1, "username": "ben", "hostname": "elsewhere"}
    lock.write_text(json.dumps({**holder, "timestamp": "2026-01-01T00:00:00Z"}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOTRAIN_PATIENCE", "0")
        try:
            yield
        finally:
            lock.unlink()


@contextlib.contextmanager
def started(**options: Any) -> Iterator[Sandbox]:
    """Have the sandbox of the data directory for a while, as `dotrain.use_sandbox` starts it."""
    dotrain.use_sandbox(**options)
    running = Sandbox()
    yield running
    answered = running.requests()
    running.close()
    target.stop_sandbox()
    dotrain.use_digitalocean()
    coverage.note(answered)


@pytest.fixture(scope="module")
def sandbox(module_home: Path) -> Iterator[Sandbox]:
    """A sandbox of its own for the tests of one module."""
    with started() as running:
        yield running
        requests = running.requests()
        missing = needed_scopes(requests) - granted_scopes()
    assert not missing, f"the token of {GOING_REAL.name} lacks {missing}"
    strange = endpoints.used(requests, endpoints.LIBRARY) - endpoints.ENDPOINTS.keys()
    assert not strange, f"the fault matrix does not have {strange}"


def needed_scopes(requests: list[dict[str, Any]]) -> set[str]:
    """Return what DigitalOcean's document says a token needs for these requests."""
    ours = [one for one in requests if one["status"] < HTTPStatus.BAD_REQUEST]
    return {scope for one in ours for scope in openapi.scopes(one["method"], one["path"])}


def granted_scopes() -> set[str]:
    """Return the scopes that users are told to give a token."""
    granted: set[str] = set()
    for row in re.findall(r"^ *\| (`.*?) \|", GOING_REAL.read_text(), re.MULTILINE):
        kind = ""
        for name in re.findall(r"`(\w*):(\w+)`", row):
            kind = name[0] or kind
            granted.add(f"{kind}:{name[1]}")
    # What the tests themselves put into the account, as Kubernetes would.
    return granted | {"load_balancer:create", "block_storage:create"}
