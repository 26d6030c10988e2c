"""Follow this machine's address: let it in where it is now, once or whenever it moves."""

from __future__ import annotations

import datetime as dt

from dotrain import address, ahead, changes, config, enforce, expiry, operations, stack
from dotrain.engine.state import State
from dotrain.errors import SpecError
from dotrain.grants import Grant
from dotrain.sources import ME
from dotrain.spec import ClusterSpec
from dotrain.target import Target
from dotrain.watch import Watch


def let_me_in(target: Target, name: str) -> None:
    """Let this machine into the cluster `name` under the address it has now.

    Raises
    ------
    ClusterNotFound, AddressError, ApiError, EngineError
        See each.
    """
    remembered = stack.read_spec(target, name)[2]
    _move(target, name, address.find(target), remembered)


def watch(target: Target, name: str, every: float) -> Watch:
    """Return a watch that lets this machine in whenever its address has moved.

    Raises
    ------
    SpecError
        When `every` is not a positive number.
    """
    if not isinstance(every, (int, float)) or isinstance(every, bool) or every <= 0:
        raise SpecError(
            f"Every {every!r} seconds is no interval.",
            "It has to be a number above 0.",
            "Give one, for example every=60.",
        )

    def look() -> tuple[address.Address, State] | None:
        spec, resolved, remembered = expiry.current(target, name)
        if not _says_me(spec):
            # Revoked or expired: that is no address that has moved.
            return None
        unrecorded = ahead.read(target, name)
        found = address.find(target)
        known = resolved.me.get(config.identity(), ())
        return None if known == found.cidrs and not unrecorded else (found, remembered)

    return Watch(look, lambda found, remembered: _move(target, name, found, remembered), every)


def _move(target: Target, name: str, found: address.Address, remembered: State) -> None:
    now = dt.datetime.now(dt.timezone.utc)
    before = remembered.spec or ClusterSpec(name)
    spec = before.without_expired(now)
    if not _says_me(spec):
        spec = changes.granted(spec, Grant(ME))
    title = f"allow_me {name}"
    enforce.let_in(target, spec, remembered, found, title=title)
    operations.apply(target, spec, before=before, title=title, find_me=True, found=found)


def _says_me(spec: ClusterSpec) -> bool:
    return any(grant.source == ME for grant in spec.allow)
