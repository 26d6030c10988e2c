"""Where histories happen: dotrain with an account, and with the real engine or none."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import stamina
from pulumi.runtime import resource
from pulumi.runtime.proto import source_pb2

import dotrain
from dotrain import adoption, handover, host, hosts, stack, teardown
from dotrain import target as targets
from dotrain.engine import journal, workspace
from dotrain.target import Target
from dotrain.turn import journals
from tests.histories.account import Account, Direct, served
from tests.histories.engine import Engine

_URL = "http://127.0.0.1:1"
WHO = "ada@lab"
_PATIENCE = 30
_LONG_AGO = "2020-01-01T00:00:00Z"


@dataclass
class World:
    """Where a history happens.

    Parameters
    ----------
    account : Account
        The account.
    home : pathlib.Path
        The data directory.
    waits : bool
        Whether what takes long does: to find that there is no answer, or will be none.
    """

    account: Account
    home: Path
    waits: bool = False
    _kept: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)

    def begin(self) -> None:
        """Be as on the first day."""
        self.account.begin_again()
        for kept in ("state", "stacks", "kube", "jobs"):
            shutil.rmtree(self.home / "sandbox" / kept, ignore_errors=True)
        for note in (self.home / "sandbox").glob("*.json*"):
            note.unlink()
        self.move("203.0.113.7")

    def prepare(self) -> None:
        """Make and keep what histories begin with."""
        self.begin()
        dotrain.up("bert")
        self.keep("plain")
        dotrain.up("bert", database=dotrain.Database("pg", size="db-s-1vcpu-1gb"))
        self.keep("database")

    def keep(self, label: str) -> None:
        """Keep how things are, so that a history can begin with it."""
        shutil.copytree(self.home / "sandbox" / "state", self.home / label / "state")
        shutil.copytree(self.home / "sandbox" / "stacks", self.home / label / "stacks")
        self._kept[label] = self.account.rows()

    def begin_with(self, label: str) -> None:
        """Begin with what was kept."""
        self.begin()
        self.account.restore(self._kept[label])
        shutil.copytree(self.home / label, self.home / "sandbox", dirs_exist_ok=True)

    def move(self, address: str) -> None:
        """Be at another address."""
        targets.set_sandbox_address(address)

    def let_grants_end(self, name: str) -> None:
        """Let the time be over for which anything is granted in a stack."""
        spec, _, _ = stack.read_spec(targets.current(), name)
        path = workspace.backend(targets.current()).checkpoint(name)
        text = path.read_text("utf-8")
        for end in filter(None, [one.expires for one in spec.allow]):
            text = text.replace(end, _LONG_AGO)
        path.write_text(text, "utf-8")

    def forget(self, name: str) -> None:
        """Lose the state of a stack, with all copies of it and what stands beside it."""
        for path in (self.home / "sandbox" / "state").rglob(f"{name}[.-]*"):
            path.unlink()
        shutil.rmtree(self.home / "sandbox" / "stacks" / name, ignore_errors=True)


@contextmanager
def _home(path: Path) -> Iterator[pytest.MonkeyPatch]:
    """Have a data directory, and a patch that is taken back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOTRAIN_HOME", str(path))
        patch.setenv("DOTRAIN_TARGET", "sandbox")
        patch.setenv("DOTRAIN_ME", WHO)
        patch.setenv("DOTRAIN_SANDBOX_POLL_SECONDS", "0.01")
        patch.setenv("DIGITALOCEAN_HTTP_RETRY_WAIT_MIN", "0.01")
        patch.setattr(targets._Choice, "kind", None)
        yield patch


@contextmanager
def inside(path: Path) -> Iterator[World]:
    """Have a world in this process: no network, no Pulumi, and nothing that waits."""
    account = Account(path / "sandbox" / "server")
    account.publish(_URL)
    with _home(path) as patch, stamina.set_testing(testing=True, attempts=4):
        patch.setattr(httpx._client, "HTTPTransport", lambda **_: Direct(account))
        patch.setattr(hosts, "begin", _begin)
        patch.setattr(stack, "open_driver", _open_driver)
        # A third of a run of the program, for messages that nobody reads here.
        patch.setattr(resource, "_get_stack_trace", lambda *_: source_pb2.StackTrace())
        for module in (adoption, teardown):
            patch.setattr(module, "time", SimpleNamespace(sleep=lambda _: None, monotonic=_Clock()))
        # What is imported by now stays: there is nothing of it to be collected.
        gc.freeze()
        yield World(account, path)
        gc.unfreeze()
    account.store.close()


class _Clock:
    """A clock on which waiting takes no time, and ends: each look at it is a minute later."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        self._now += 60.0
        return self._now


def _open_driver(target: Target, name: str, *_: Any) -> Engine:
    return Engine(target, name)


def _begin(
    target: Target, name: str, *, kind: str, title: str, arguments: dict[str, Any]
) -> tuple[Any, Path]:
    """Do what a process of its own would do, here and at once."""
    path = journal.new_path(journals(workspace.directory(target, name)))
    asked = {"kind": kind, "title": title, "name": name, "id": "history", "journal": str(path)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handover, "take", lambda _: target)
        host._serve({**asked, "arguments": arguments}, host._Signals())
    return SimpleNamespace(alive=True, last_words=""), path


@contextmanager
def outside(path: Path) -> Iterator[World]:
    """Have a world with the real engine, in processes of its own, and real HTTP."""
    account = Account(path / "sandbox" / "server")
    with _home(path), served(account) as url:
        account.publish(url)
        dotrain.use_sandbox()
        yield World(account, path, waits=True)
        restart()
    account.store.close()


def restart() -> None:
    """Be another kernel: what was warm of the last one is gone."""
    for one in hosts._hosts:
        one.dismiss()
        one.process.wait(_PATIENCE)
    hosts._hosts.clear()
