"""The process that operations run in: ``python -m dotrain.host``.

It is started by the notebook's kernel, in a session of its own, and takes one
request at a time from its standard input, a line of JSON each. What it has to
say it writes to the operation's journal. When the kernel is gone it finishes
what it is at, and ends; so an operation is never cut off by a restart. SIGINT
and SIGTERM ask the operation to stop as soon as its state is safe.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

from dotrain import address, applying, config, estimates, handover, planning, teardown, transport
from dotrain.departure import Terms
from dotrain.engine import journal
from dotrain.engine.progress import Progress
from dotrain.spec import ClusterSpec
from dotrain.target import Target
from dotrain.turn import Turn

# A notebook that rests for long gets its memory back.
_IDLE_SECONDS = 600.0


class _Signals:
    """Hands signals on to the operation that runs, if one does."""

    def __init__(self) -> None:
        self.turn: Turn | None = None
        self.last = False

    def interrupt(self, *_: object) -> None:
        if self.turn is not None:
            self.turn.progress.note("Asked to stop: it does as soon as its state is safe.")
            self.turn.interrupt()

    def terminate(self, *_: object) -> None:
        self.last = True
        if self.turn is None:
            sys.exit(0)
        self.interrupt()


def main() -> None:
    """Serve requests until there are no more."""
    signals = _Signals()
    signal.signal(signal.SIGINT, signals.interrupt)
    signal.signal(signal.SIGTERM, signals.terminate)
    while not signals.last and select.select([sys.stdin], [], [], _IDLE_SECONDS)[0]:
        line = sys.stdin.readline()
        if not line:
            return
        _serve(json.loads(line), signals)


def _serve(request: dict[str, Any], signals: _Signals) -> None:
    account = handover.take(request)
    writer = journal.Writer(Path(request["journal"]))
    progress = Progress(request["title"], writer.write)
    patience = request["arguments"]["patience"]
    turn = signals.turn = Turn(account, request["name"], progress, request["id"], patience)
    # Whoever reads this may interrupt it from now on.
    writer.open(request["kind"], request["title"], request["id"])
    progress.recall(estimates.read(account.directory).only(progress.verb))
    try:
        end = {"result": _WORK[request["kind"]](turn, writer, request["arguments"])}
    except BaseException as error:  # noqa: BLE001 - raised again where the notebook waits
        end = {"error": transport.to_dict(error)}
    _note(account, turn, done="result" in end)
    writer.write("end", end)
    # Without a turn SIGTERM ends this at once: not before it has said how it went.
    signals.turn = None
    writer.close()


def _note(account: Target, turn: Turn, *, done: bool) -> None:
    """Note how long what was done took, for the estimates of the next time."""
    progress = turn.progress
    steps = [step for step in progress.steps.values() if step.status == "done"]
    if not steps:
        return
    run = None
    if done and turn.began is not None:
        run = estimates.Run(progress.verb, time.monotonic() - turn.began, progress.did)
    estimates.add(account.directory, [(step.what, step.seconds) for step in steps], run)


def _apply(turn: Turn, writer: journal.Writer, arguments: dict[str, Any]) -> None:
    options = applying.Options(
        before=ClusterSpec.from_dict(arguments["before"]),
        found=_found(arguments),
        forget=arguments["forget"],
        force=arguments["force"],
        makes=arguments["makes"],
        refresh=arguments["refresh"],
        replace=arguments["replace"],
        leave=Terms(**arguments["leave"]) if arguments["leave"] else None,
    )
    with turn.taken():
        writer.write("turn", None)
        applying.apply(turn, ClusterSpec.from_dict(arguments["spec"]), options)


def _down(turn: Turn, writer: journal.Writer, arguments: dict[str, Any]) -> list[list[Any]]:
    with turn.taken():
        writer.write("turn", None)
        if arguments["after"] and _has_more(turn, arguments["after"], arguments["only_id"]):
            return []
        gone = teardown.down(
            turn, only_if_over=arguments["only_if_over"], only_id=arguments["only_id"]
        )
        return [list(kind) for kind in gone]


def _has_more(turn: Turn, after: dict[str, Any], cluster_id: str) -> bool:
    """Return whether a job has been begun, or all called off, while this waited for its turn."""
    # Kubernetes' client, which no other operation that deletes has a use for.
    from dotrain.jobs import beside

    called_off = "called_off" in journal.Reader(Path(after["journal"])).facts
    return called_off or beside.is_more(turn.target, cluster_id, after["known"])


def _plan(turn: Turn, _: journal.Writer, arguments: dict[str, Any]) -> dict[str, Any]:
    # It changes nothing, and waits for nobody.
    spec = ClusterSpec.from_dict(arguments["spec"])
    return planning.plan(turn, spec, _found(arguments)).to_dict()


def _found(arguments: dict[str, Any]) -> address.Address | None:
    found = arguments["found"]
    return None if found is None else address.Address(tuple(found["cidrs"]), found["note"])


_WORK = {"apply": _apply, "down": _down, "plan": _plan}


if __name__ == "__main__":
    os.umask(0o077)
    config.home()
    main()
