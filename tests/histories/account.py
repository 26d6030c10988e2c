"""A sandbox in this process that looks at itself after every change, and two ways to ask it."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from dotrain import names
from dotrain.sandbox import firewalls, serve, server
from dotrain.sandbox.answers import Answer, Ending
from dotrain.sandbox.core import Request, Sandbox
from dotrain.sandbox.store import Store

_TOKEN = "sandbox_of_the_histories"
_ID = "histories"
_SECONDS = 10


class Account(Sandbox):
    """The sandbox's core, with what was wrong at any moment in `breaches`.

    Parameters
    ----------
    directory : pathlib.Path
        Where the sandbox server would have its data; dotrain finds it there.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, mode=0o700)
        self._card = directory / "sandbox.json"
        super().__init__(Store(directory / "sandbox.db"), _ID, _TOKEN, delay=0.0)
        self.breaches: list[str] = []
        self._bare: set[str] = set()
        self._still: list[int] = []
        # A server asks from its own thread.
        self._lock = threading.RLock()

    def publish(self, url: str) -> None:
        """Let dotrain find this where it looks for the sandbox that runs."""
        card = {"url": url, "token": _TOKEN, "pid": os.getpid(), "id": _ID}
        self._card.write_text(json.dumps(card))

    def answer(self, request: Request) -> Answer:
        """Answer, and look whether any cluster is without a firewall now."""
        with self._lock:
            answer = super().answer(request)
            if request.method != "GET":
                self._look(f"{request.method} {request.path}")
            return answer

    def by_hand(self, method: str, path: str, **body: Any) -> Any:
        """Do what somebody does to the account without dotrain; what he breaks he broke."""
        headers = {"host": "127.0.0.1", "authorization": f"Bearer {_TOKEN}"}
        sent = json.dumps(body).encode() if body else b""
        with self._lock:
            answer = super().answer(Request(method, path, "", headers, sent))
            self._bare = set(self._unguarded())
        assert answer.status < 400, answer.body
        return answer.body

    def meet(self, *faults: dict[str, Any]) -> None:
        """Have these faults from now on, and no others."""
        with self._lock:
            self.faults.set({"faults": list(faults)})
            self._still = [one.times for one in self.faults._faults]

    @property
    def met(self) -> bool:
        """Whether a request has met one of the faults."""
        return self._still != [one.times for one in self.faults._faults]

    def begin_again(self) -> None:
        """Empty it."""
        with self._lock, self.store.transaction():
            self.store.clear()
            # A repeated request may have made two.
            self.store.set_fact(firewalls.DOUBLES, "yes")
        self.meet()
        self.breaches.clear()
        self._bare.clear()

    def rows(self) -> list[tuple[str, str, str]]:
        """Return everything as it is stored, for `restore`."""
        return self.store._db.execute("SELECT kind, id, body FROM objects ORDER BY n").fetchall()

    def restore(self, rows: list[tuple[str, str, str]]) -> None:
        """Have what `rows` returned, and nothing else."""
        self.begin_again()
        for kind, _, body in rows:
            self.store.put(kind, json.loads(body))

    def objects(self) -> dict[str, list[dict[str, Any]]]:
        """Return everything that exists, as the API shows it."""
        found: dict[str, list[dict[str, Any]]] = self.by_hand("GET", "/__sandbox__/objects")
        return found

    def age(self, name: str, seconds: float) -> None:
        """Let a cluster be older than it is."""
        with self._lock, self.store.transaction():
            for one in self.store.all("cluster"):
                if one["name"] == name:
                    self.store.put("cluster", {**one, "created": one["created"] - seconds})

    def _look(self, asked: str) -> None:
        self._bare &= set(unguarded := self._unguarded())
        for name, why in unguarded.items():
            if name not in self._bare:
                self.breaches.append(f"after {asked} {name} {why}")

    def _unguarded(self) -> dict[str, str]:
        """Return what is wrong with each cluster of dotrain's that is not guarded."""
        guarded = {tag for one in self.store.all("firewall") for tag in one["tags"]}
        found = {}
        for one in self.store.all("cluster"):
            name = names.cluster_of(one["tags"])
            if name is None or one["deleted"] is not None:
                continue
            closed = one["control_plane_firewall"]
            if names.label(name) not in guarded:
                found[name] = "has no firewall"
            elif not (closed["enabled"] and closed["allowed_addresses"]):
                found[name] = "lets everybody into its control plane"
        return found


class Direct(httpx.BaseTransport):
    """Asks an account without any network: with the endings that a network has."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of httpx."""
        url = request.url
        asked = Request(
            request.method, url.path, url.query.decode("ascii"), request.headers, request.read()
        )
        answer = self._account.answer(asked)
        if answer.ending is Ending.RESET:
            raise httpx.ReadError("Connection reset by peer", request=request)
        if answer.ending is Ending.SILENCE:
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        made = server._response(answer)
        headers = {**made.headers, "date": formatdate(usegmt=True)}
        return httpx.Response(made.status_code, headers=headers, content=made.body)


@contextmanager
def served(account: Account) -> Iterator[str]:
    """Serve an account over HTTP for a while; yields its URL."""
    listener = serve._listener(0, 0)
    config = uvicorn.Config(
        server.application(account),
        http=server.Protocol,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: running.run(sockets=[listener]), daemon=True)
    thread.start()
    deadline = time.monotonic() + _SECONDS
    while not running.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join(_SECONDS)
        listener.close()
