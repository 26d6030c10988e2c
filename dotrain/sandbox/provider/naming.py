"""Names for resources whose program gives none."""

from __future__ import annotations

import hashlib

from dotrain.sandbox.provider.wire import Props

_DEFAULTS = "__defaults"


def was_defaulted(inputs: Props, name: str) -> bool:
    """Say whether a property was filled in and not given by the program."""
    return name in (inputs.get(_DEFAULTS) or [])


def marked(inputs: Props, defaulted: list[str]) -> Props:
    """Return the inputs with a note of what was filled in, as the official provider keeps it."""
    return inputs | {_DEFAULTS: sorted(defaulted)}


def unmarked(inputs: Props) -> Props:
    """Return the inputs without that note."""
    return {name: value for name, value in inputs.items() if name != _DEFAULTS}


def automatic(urn: str, olds: Props, seed: bytes) -> str:
    """Return the name it was given before, or the resource's own with a random end."""
    if was_defaulted(olds, "name"):
        return str(olds["name"])
    return f"{urn.rpartition('::')[2]}-{hashlib.sha256(seed + urn.encode()).hexdigest()[:7]}"
