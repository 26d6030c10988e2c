"""The sandbox's own calls: what exists, what was asked, settings, faults, starting over."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dotrain.sandbox import (
    balancers,
    clusters,
    databases,
    droplets,
    firewalls,
    projects,
    tags,
    validate,
    volumes,
    vpcs,
)
from dotrain.sandbox.answers import NOTHING, Answer, Call, Doc, invalid, not_found
from dotrain.sandbox.journal import redact
from dotrain.sandbox.kubernetes import asked
from dotrain.sandbox.validate import Fields

if TYPE_CHECKING:
    from dotrain.sandbox.core import Sandbox

GREETING = "/__sandbox__/"
_LONGEST = 86_400


def greeting(sandbox: Sandbox) -> Answer:
    """Say that this is a sandbox, and which; anyone may ask."""
    return Answer(
        200,
        {
            "dotrain_sandbox": 1,
            "id": sandbox.identity,
            "pid": os.getpid(),
            "delay": sandbox.delay,
        },
    )


def answer(sandbox: Sandbox, method: str, path: str, call: Call) -> Answer:
    """Answer one of the sandbox's own calls."""
    match method, path.removeprefix(GREETING):
        case "GET", "objects":
            return Answer(200, redact(_objects(call)))
        case "GET", "requests":
            return _requests(sandbox, call)
        case "POST", "settings":
            return _settings(sandbox, call)
        case "POST", "faults":
            sandbox.faults.set(call.body)
            return NOTHING
        case "POST", "reset":
            call.store.clear()
            return NOTHING
    raise not_found()


def _objects(call: Call) -> Doc:
    store = call.store
    return {
        "clusters": [clusters.view(call, doc) for doc in store.all(clusters.KIND)],
        "firewalls": [firewalls.view(call, doc) for doc in firewalls.everything(call)],
        "vpcs": [vpcs.view(doc) for doc in store.all(vpcs.KIND)],
        "databases": [databases.view(call, doc) for doc in store.all(databases.KIND)],
        "load_balancers": [balancers.view(call, doc) for doc in store.all(balancers.KIND)],
        "volumes": [volumes.view(doc) for doc in store.all(volumes.KIND)],
        "snapshots": [volumes.snapshot_view(doc) for doc in store.all(volumes.SNAPSHOT)],
        "droplets": droplets.everything(call),
        "projects": [projects.view(doc) for doc in store.all(projects.KIND)],
        "tags": [{"name": name} for name in tags.names(store)],
    }


def _requests(sandbox: Sandbox, call: Call) -> Answer:
    after = call.query.get("after") or "0"
    if not (after.isascii() and after.isdigit() and len(after) < 16):  # noqa: PLR2004
        raise invalid("after must be a whole number.")
    journal = sandbox.journal
    return Answer(200, {"last": journal.last, "requests": journal.after(int(after))})


def _settings(sandbox: Sandbox, call: Call) -> Answer:
    fields = Fields(call.body)
    delay = fields.data.get("delay", sandbox.delay)
    if isinstance(delay, bool) or not isinstance(delay, int | float):
        raise invalid("delay must be a number of seconds.")
    if not 0 <= delay <= _LONGEST:
        raise invalid(f"delay must be between 0 and {_LONGEST} seconds.")
    strict = fields.flag("rate_limit", default=sandbox.strict)
    source = fields.text("source", sandbox.source("127.0.0.1"))
    validate.check_address(source, "source", versions=(4,))
    doubles = fields.flag("double_firewalls", default=bool(call.store.fact(firewalls.DOUBLES)))
    programs = fields.text("kubernetes", "")
    asked.check_programs(programs)
    # All of it is good: only now is any of it so.
    sandbox.strict, sandbox.delay = strict, float(delay)
    sandbox.sources["127.0.0.1"] = source
    call.store.set_fact(firewalls.DOUBLES, "yes" if doubles else "")
    if fields.has("kubernetes"):
        asked.set_programs(call.store, programs)
    now = {
        "delay": sandbox.delay,
        "rate_limit": sandbox.strict,
        "double_firewalls": doubles,
        "kubernetes": asked.programs(call.store),
    }
    return Answer(200, now)
