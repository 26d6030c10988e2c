"""The variables that a task gives its processes: plain ones, and secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from dotrain import config
from dotrain.errors import SpecError
from dotrain.hidden import Hidden
from dotrain.jobs import environ

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SECRET = re.compile(
    r"(.*_)?(KEY|TOKEN|SECRET|PASSPHRASE)|.*(APIKEY|PASSWD|PASSWORD)", re.IGNORECASE
)
_PASSWORD_IN_URL = re.compile(r"//[^/\s:@]*:[^/\s@]+@")
# As a shell takes it, and not from another variable.
_ASSIGNED = re.compile(r"(?:^|[\s;&|(])([A-Z][A-Z0-9_]*)=(?=[^\s$])")


def plain(what: str, given: object) -> dict[str, str]:
    """Return variables with their values; the message about a bad one never has its value."""
    if not isinstance(given, Mapping):
        raise SpecError(
            f"{what} is a {type(given).__name__}.",
            "It has names with their values.",
            f"Give for example {what}={{'EPOCHS': '3'}}.",
        )
    for name, value in given.items():
        _check_variable(name)
        if not isinstance(value, str) or "\0" in value:
            raise SpecError(
                f"The value of {name} in {what} is a {type(value).__name__}.",
                "A variable of an environment is text.",
                f"Give it in quotes, or as str(...), for example {what}={{{name!r}: '3'}}.",
            )
    return dict(given)


def secret(given: object) -> tuple[str, ...] | dict[str, str]:
    """Return secrets as names, or as names with their values, which nothing shows."""
    if isinstance(given, Mapping):
        return {name: Hidden(value) for name, value in plain("secrets", given).items()}
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, Sequence):
        raise SpecError(
            f"secrets is a {type(given).__name__}.",
            "Secrets are names of variables of this kernel's environment.",
            "Give for example secrets=['WANDB_API_KEY'].",
        )
    for name in names:
        _check_variable(name)
    return tuple(dict.fromkeys(names))


def check(env: Mapping[str, str], secrets: Sequence[str] | Mapping[str, str]) -> None:
    """Raise SpecError when a name is taken or given twice, or `env` has what looks secret."""
    names = list(secrets)
    for name in [*env, *names]:
        if name in environ.RESERVED or name.startswith(environ.RESERVED_PREFIXES):
            raise SpecError(
                f"{name} is set for every job, and cannot be given.",
                "By it its processes find each other, or their files.",
                "Choose another name.",
            )
    twice = sorted(set(env) & set(names))
    if twice:
        raise SpecError(
            f"{twice[0]} is in env and in secrets.",
            "One variable has one value.",
            "Leave it out of env.",
        )
    for name, value in env.items():
        if _SECRET.fullmatch(name) or _PASSWORD_IN_URL.search(value):
            raise _exposed(name, "env")


def check_command(words: Iterable[str]) -> None:
    """Raise SpecError when a command sets a variable to what looks secret."""
    names = (name for word in words for name in _ASSIGNED.findall(word))
    for name in names:
        if _SECRET.fullmatch(name):
            raise _exposed(name, "a command")


def _exposed(name: str, where: str) -> SpecError:
    return SpecError(
        f"{name} looks like a secret.",
        f"Who may look at a job can read {where}.",
        f"Leave it out there and give secrets=[{name!r}], which takes it from this kernel's "
        f"environment, or secrets={{{name!r}: ...}}.",
    )


def values(secrets: Sequence[str] | Mapping[str, str]) -> dict[str, Hidden]:
    """Return secrets with their values, from this kernel's environment where only names are given.

    Raises
    ------
    SpecError
        When one is not there.
    """
    if isinstance(secrets, Mapping):
        return {name: Hidden(value) for name, value in secrets.items()}
    return {name: _from_environment(name) for name in secrets}


def _check_variable(name: object) -> None:
    if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
        # What is no name may well be a secret, given in the place of one.
        raise SpecError(
            "One of env or secrets is not the name of a variable.",
            "A name has letters, digits and '_', and does not begin with a digit.",
            "Give for example env={'EPOCHS': '3'}, secrets=['WANDB_API_KEY'].",
        )


def _from_environment(name: str) -> Hidden:
    value = config.variable(name)
    if value is None:
        raise SpecError(
            f"The secret {name} is not in this kernel's environment.",
            "secrets= takes its value from there, so that no notebook has it.",
            f"Set it before Jupyter starts, or with %env; or give secrets={{{name!r}: ...}}.",
        )
    return value
