"""What is in force ahead of the state: an address that was let in and is not recorded yet.

`dotrain.enforce` lets an address in before Pulumi records it. Should the
recording not come about (the stack is locked, the kernel dies), a file beside
the stack's settings still knows: Pulumi alone would take its state for the
truth, and see nothing to do when the address moves back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from dotrain import ownfiles
from dotrain.errors import ConfigError, InvalidAddress
from dotrain.sources import parse_network
from dotrain.target import Target


def read(target: Target, name: str) -> dict[str, tuple[str, ...]]:
    """Return the CIDRs of each ``"me"`` that are in force and not recorded; often none."""
    file = _file(target, name)
    try:
        data = json.loads(file.read_text("utf-8"))
        return {who: tuple(str(parse_network(one)) for one in cidrs) for who, cidrs in data.items()}
    except FileNotFoundError:
        return {}
    except (OSError, *ownfiles.DAMAGED, InvalidAddress) as error:
        raise ConfigError(
            f"What is in force at the firewalls of {name!r} cannot be read.",
            f"{file} is damaged: an address may be let in that the state does not know.",
            "Remove that file, then call allow_me(): it puts your address in force and records it.",
        ) from error


def write(target: Target, name: str, me: Mapping[str, tuple[str, ...]]) -> None:
    """Note that what `me` stands for is about to be in force."""
    file = _file(target, name)
    ownfiles.private_dir(file.parent)
    ownfiles.write_private(file, json.dumps(me))


def clear(target: Target, name: str, recorded: Mapping[str, tuple[str, ...]]) -> None:
    """Forget what is recorded now, unless something else came into force meanwhile."""
    if recorded and read(target, name) == recorded:
        _file(target, name).unlink(missing_ok=True)


def _file(target: Target, name: str) -> Path:
    return target.directory / "stacks" / name / "ahead.json"
