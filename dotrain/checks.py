"""Checks that every frozen value of a spec makes of its fields."""

from __future__ import annotations

import re

from dotrain.errors import InvalidName, SpecError

# Kubernetes' rule for names (RFC 1123), shortened so that "dotrain-<name>" and
# what DigitalOcean makes of it (pool and Droplet names) stay within 63.
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")


def check_name(name: object, what: str) -> None:
    """Raise InvalidName unless `name` is a name for a `what`."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        return
    raise InvalidName(
        f"{name!r} cannot be the name of a {what}.",
        "A name has 1 to 40 lower-case letters, digits and hyphens, begins with a letter "
        "and does not end with a hyphen.",
        "Choose another, for example 'bert-large'.",
    )


def check_text(value: object, *names: str, optional: bool = False) -> None:
    """Raise SpecError unless the fields `names` of `value` are text, or None where they may be."""
    for name in names:
        given = getattr(value, name)
        if not (isinstance(given, str) and given) and not (given is None and optional):
            raise SpecError(
                f"{given!r} is not a {name}.",
                f"A {name} is text.",
                f"Give it in quotes, or leave {name}= out.",
            )


def check_flag(value: object, *names: str) -> None:
    """Raise SpecError unless the fields `names` of `value` are True or False."""
    for name in names:
        given = getattr(value, name)
        if not isinstance(given, bool):
            raise SpecError(
                f"{name} is {given!r}.",
                "It can be True or False.",
                f"Give {name}=True or {name}=False.",
            )


def check_whole(number: object, least: int, what: str, name: str) -> None:
    """Raise SpecError unless `number` is a whole one of at least `least`."""
    # True is an int, and a count of True is a mistake.
    if not isinstance(number, int) or isinstance(number, bool) or number < least:
        raise SpecError(
            f"{what[:1].upper()}{what[1:]} with {name}={number!r} cannot be made.",
            f"It is a whole number of at least {least}.",
            f"Give {name}={least} or more.",
        )
