"""The variables that a task gives its processes: plain ones, and secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from dotrain import config
from dotrain.errors import SpecError
from dotrain.hidden import Hidden
from dotrain.jobs import environ

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SECRET = re.compile(
    r"(.*_)?(KEY|TOKEN|SECRET|PASSPHRASE)|.*(APIKEY|PASSWD|PASSWORD)", re.IGNORECASE
)
# With a password, or as a token alone, and not from a variable. A short user alone,
# such as git, is no secret.
_CREDENTIAL_IN_URL = re.compile(
    r"""://(?:[^/\s:@$'"]*:[^/\s@$'"]+|[^/\s:@$'"]{12,})@""",
)
# As a shell takes it, quoted or not, and not from another variable.
_ASSIGNED = re.compile(r"""(?:^|[\s;&|('"])([A-Z][A-Z0-9_]*)=(?=["']?[^\s$"'`])""")
# As a program does. A tokenizer's "--pad-token" is none, nor is a "--sort-key".
_OPTION = re.compile(
    r"(?:^|\s)--?((?:[a-z0-9]+[-_])*?"
    r"(?:(?:api|access|secret|private)[-_]?key|(?:auth|access|hf|hub)[-_]?token|secret|password))"
    r"""(?:=|\s+)(?=["']?[^\s$"'`-])""",
    re.IGNORECASE,
)


def is_text(value: object) -> bool:
    """Return whether a value is text that a process takes: no NUL, no half of a character."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


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
        if not is_text(value):
            is_what = (
                "no text of Unicode" if isinstance(value, str) else f"a {type(value).__name__}"
            )
            raise SpecError(
                f"The value of {name} in {what} is {is_what}.",
                "A variable of an environment is text, without NUL.",
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
        if _SECRET.fullmatch(name) or _CREDENTIAL_IN_URL.search(value):
            raise _exposed(name, "env")


def check_command(words: Sequence[str]) -> None:
    """Raise SpecError when a command sets what looks secret, or has a URL with a password."""
    # What an option is set to may be a word of its own.
    text = " ".join(words)
    assigned = [name for name in _ASSIGNED.findall(text) if _SECRET.fullmatch(name)]
    options = [name.replace("-", "_").upper() for name in _OPTION.findall(text)]
    if assigned or options:
        raise _exposed([*assigned, *options][0], "a command")
    if _CREDENTIAL_IN_URL.search(text):
        raise _exposed("URL_TOKEN", "a command", what="Who a URL is asked as")


def _exposed(name: str, where: str, *, what: str = "") -> SpecError:
    return SpecError(
        f"{what or name} looks like a secret.",
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
