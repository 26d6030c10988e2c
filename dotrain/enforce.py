"""Put the rules for a new address in force at once, through the API alone.

Pulumi takes most of a second to start, and waits while another operation has
the stack. Who is locked out should wait for neither: the rules are worked out
from what the stack remembers and sent to each firewall as Pulumi would send
them. Pulumi records it afterwards, and reports what did not work here.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any

from dotrain import address, ahead, bodies, config, display, rules, settle
from dotrain.api import Api
from dotrain.engine.state import State
from dotrain.errors import ApiError, RateLimited, TokenRejected, Unreachable
from dotrain.spec import ClusterSpec, Resolved
from dotrain.target import Target

# What stops one request stops all of Pulumi's, too, later and in more words.
_HOPELESS = (TokenRejected, RateLimited, Unreachable)


def let_in(
    target: Target, spec: ClusterSpec, remembered: State, found: address.Address, *, title: str
) -> None:
    """Let this machine in under the address it has now, and its old address no more.

    Parameters
    ----------
    target : Target
        The account.
    spec : ClusterSpec
        What should be; it differs from what is remembered in ``"me"`` alone.
    remembered : State
        What the stack remembers.
    found : address.Address
        The address that ``"me"`` stands for now.
    title : str
        What this is to the user, such as ``"allow_me bert"``.

    Raises
    ------
    SpecError, LockedOut
        Before anything is sent.
    TokenRejected, RateLimited, Unreachable
        When no other request would fare better. Any other failure is noted, and
        left to Pulumi's part.
    """
    if remembered.spec is None or remembered.resolved is None:
        # Nothing is there that could be changed: Pulumi makes it.
        return
    known = ahead.read(target, spec.name)
    moved = {**known, config.identity(): found.cidrs}
    spec = spec.without_expired(dt.datetime.now(dt.timezone.utc))
    resolved = replace(remembered.resolved, me={**remembered.resolved.me, **moved})
    change = settle.access(remembered, spec, resolved)
    settle.check(spec, change.after)
    settle.refuse_lockout(target, change, here=found.cidrs)
    before = _requests(remembered.spec, remembered.resolved, remembered.resources)
    wanted = _requests(spec, resolved, remembered.resources)
    # What is ahead of the state already is not known to be as remembered.
    changed = {layer: one for layer, one in wanted.items() if known or one != before.get(layer)}
    if not changed:
        return
    ahead.write(target, spec.name, moved)
    with display.shown(title) as note:
        _send(target, changed, note)


def _requests(
    spec: ClusterSpec, resolved: Resolved, ids: Mapping[str, str]
) -> dict[str, tuple[str, dict[str, Any]]]:
    return bodies.requests(spec, rules.desired(spec, resolved), ids)


def _send(
    target: Target,
    requests: Mapping[str, tuple[str, dict[str, Any]]],
    note: Callable[[str], None],
) -> None:
    """Send all layers' requests at once: none of them needs another's answer."""
    begun = time.monotonic()
    with closing(Api(target)) as api, ThreadPoolExecutor(len(requests)) as pool:
        sent = {layer: pool.submit(api.put, *one) for layer, one in requests.items()}
        errors = {layer: one.exception() for layer, one in sent.items()}
    seconds = time.monotonic() - begun
    done = [layer for layer, error in errors.items() if error is None]
    if done:
        note(f"In force after {seconds:.2f} s: {', '.join(done)}. Recording it in the state.")
    for layer, error in errors.items():
        if isinstance(error, ApiError) and not isinstance(error, _HOPELESS):
            note(f"Not in force yet: {layer}. {error.what} {error.why}")
        elif error is not None:
            raise error
