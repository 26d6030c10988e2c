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
from dotrain.target import Target


def read(target: Target, name: str) -> dict[str, tuple[str, ...]]:
    """Return the CIDRs of each ``"me"`` that are in force and not recorded; often none."""
    try:
        data = json.loads(_file(target, name).read_text("utf-8"))
        return {who: tuple(cidrs) for who, cidrs in data.items()}
    except FileNotFoundError:
        return {}


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
