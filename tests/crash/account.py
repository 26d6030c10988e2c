"""The sandbox of one case: a data directory of its own, served by a process of its own."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from dotrain.engine import state
from dotrain.engine.workspace import Backend
from tests.crash.cases import NAME
from tests.sandbox import coverage

_PATIENCE = 30.0


class Account:
    """A sandbox that runs, and what dotrain keeps about it.

    Parameters
    ----------
    home : pathlib.Path
        The data directory.
    delay : float
        Seconds the sandbox takes to make or to delete a machine.
    """

    def __init__(self, home: Path, delay: float) -> None:
        self.home = home
        self._directory = home / "sandbox"
        self.backend = Backend("", self._directory / "state")
        server = self._directory / "server"
        server.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (home / "server.log").open("w") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "dotrain.sandbox", "serve"),
                    *("--data", str(server), "--delay", str(delay)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        card = server / "sandbox.json"
        deadline = time.monotonic() + _PATIENCE
        while not card.exists():
            assert time.monotonic() < deadline, (home / "server.log").read_text()
            assert self._process.poll() is None, (home / "server.log").read_text()
            time.sleep(0.01)
        info = json.loads(card.read_text())
        self._http = httpx.Client(
            base_url=info["url"], headers={"Authorization": f"Bearer {info['token']}"}, timeout=10
        )
        self._log: list[dict[str, Any]] = []

    def objects(self) -> dict[str, list[dict[str, Any]]]:
        """Return everything that exists, by kind."""
        found: dict[str, list[dict[str, Any]]] = self._get("objects")
        return found

    def log(self) -> list[dict[str, Any]]:
        """Return all requests since the sandbox started."""
        self._log += self._get(f"requests?after={len(self._log)}")["requests"]
        return self._log

    def changes(self, after: int = 0) -> list[str]:
        """Return the requests that changed something or tried to, but for the first `after`."""
        return [
            f"{one['method']} {one['path']}" for one in self.log()[after:] if one["method"] != "GET"
        ]

    def delay(self, seconds: float) -> None:
        """Have machines take so many seconds from now on."""
        self._http.post("/__sandbox__/settings", json={"delay": seconds}).raise_for_status()

    def have(self, faults: list[dict[str, Any]]) -> None:
        """Have these faults from now on, and no others."""
        self._http.post("/__sandbox__/faults", json={"faults": faults}).raise_for_status()

    def allow_doubles(self, *, allowed: bool) -> None:
        """Let two firewalls have one name from now on, or no more."""
        settings = {"double_firewalls": allowed}
        self._http.post("/__sandbox__/settings", json=settings).raise_for_status()

    @property
    def locks(self) -> list[Path]:
        """The files that lock the stack."""
        return list(self.backend.locks(NAME).glob("*.json"))

    @property
    def journals(self) -> set[Path]:
        """The journals of the operations on the stack."""
        return set((self._directory / "stacks" / NAME / "operations").glob("*.jsonl"))

    @property
    def files(self) -> list[Path]:
        """The files of Pulumi's backend, which are all JSON but for one."""
        found = (self._directory / "state").rglob("*")
        return [path for path in found if path.is_file() and not path.name.startswith("meta.")]

    def deployment(self) -> dict[str, Any] | None:
        """Return the state, None when there is no stack."""
        try:
            text = self.backend.checkpoint(NAME).read_text()
        except FileNotFoundError:
            return None
        latest: dict[str, Any] = json.loads(text)["checkpoint"].get("latest") or {}
        return latest

    def state(self) -> state.State | None:
        """Return the state as dotrain reads it."""
        return state.read(self.backend, NAME)

    def close(self) -> None:
        """Stop the sandbox; its data stay. All that it answered has to be as documented."""
        answered = self.log()
        self._http.close()
        self._process.terminate()
        self._process.wait(_PATIENCE)
        coverage.note(answered)

    def _get(self, path: str) -> Any:
        return self._http.get(f"/__sandbox__/{path}").raise_for_status().json()


def copy(point: Path | None, home: Path) -> Path:
    """Make the data directory `home`, as it was left at `point` or empty."""
    if point is None:
        home.mkdir(mode=0o700)
    else:
        shutil.copytree(point, home)
        for name in ("sandbox.json", "sandbox.lock"):
            with contextlib.suppress(FileNotFoundError):
                (home / "sandbox" / "server" / name).unlink()
    return home
