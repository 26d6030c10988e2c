"""Pack a function of the notebook, with what it takes along, for a Python elsewhere.

Functions of the notebook itself travel by value: their code, and those of its
variables that they use. So do those of modules that the user writes beside it,
which no image has. What is installed is imported where the function runs.
"""

from __future__ import annotations

import functools
import inspect
import io
import json
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle

from dotrain.errors import FunctionTooLarge, NotPicklable, SpecError
from dotrain.jobs import parts, pickling, runner

MOST = runner.MOST - 2**16
"""Bytes of a call that a Secret takes beside the URLs for its results."""

_LAUNCHERS = {"python": "", "torchrun": " -m torch.distributed.run"}
# By `exec`, so that what runs the function is told to end, and not a shell.
_COMMAND = (
    "command -v python3 >/dev/null || { echo 'The image has no python3.' >&2; exit 127; }; "
    'exec python3 -u%s "$DOTRAIN_FUNCTION/runner.py"'
)


@dataclass(frozen=True)
class Payload:
    """A call as it travels.

    Parameters
    ----------
    name : str
        The function's name.
    call : bytes
        It, its arguments and its keywords, as a pickle.
    command : tuple of str
        What runs it in a container, where ``DOTRAIN_FUNCTION`` is the directory
        with `files`.
    sources : mapping
        Its lines by file, for tracebacks.
    """

    name: str
    call: bytes = field(repr=False)
    command: tuple[str, ...]
    sources: pickling.Lines = field(default_factory=dict, repr=False)

    @property
    def is_large(self) -> bool:
        """Whether a Secret does not take it, so that it needs storage."""
        return len(self.call) + sum(map(len, self._program("").values())) > MOST

    def files(self, namespace: str, urls: Mapping[str, Any] | None = None) -> dict[str, bytes]:
        """Return what lies in the directory: the content of a Secret, by key.

        Parameters
        ----------
        namespace : str
            Where the job is, and with it the Secrets for its results.
        urls : mapping, optional
            Signed URLs, as ``storage.Folder.urls`` returns them: ``"results"``
            by rank, and ``"call"`` where `call` lies there and not here.
        """
        found = self._program(namespace)
        if "call" not in (urls or {}):
            found["call.pickle"] = self.call
        if urls:
            found["storage.json"] = json.dumps(urls).encode()
        return found

    def _program(self, namespace: str) -> dict[str, bytes]:
        python = ".".join(map(str, sys.version_info[:2]))
        call = {
            "name": self.name,
            "python": python,
            "namespace": namespace,
            "sources": self.sources,
        }
        return {
            "runner.py": Path(runner.__file__).read_bytes(),
            "cloudpickle.zip": _zipped(cloudpickle),
            "call.json": json.dumps(call).encode(),
        }


def pack(
    function: Callable[..., Any],
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    launcher: str = "python",
    *,
    stored: bool = False,
) -> Payload:
    """Pack a call.

    Parameters
    ----------
    function : callable
        What is called; its result, or the exception that it raises, travels back.
    args, kwargs : sequence, mapping
        What it is called with.
    launcher : str
        ``"python"``, or ``"torchrun"`` for a process for each GPU.
    stored : bool
        Whether there is storage, so that it may be larger than a Secret.

    Returns
    -------
    Payload
        What goes into the Pod, and what runs it there.

    Raises
    ------
    SpecError
        When it is no function, or one that cannot be called like this or elsewhere.
    NotPicklable
        When it takes something along that cannot leave this process; it says what.
    FunctionTooLarge
        When it is larger than a Secret takes; it says what is large.

    Examples
    --------
    >>> pack(lambda epochs: 0.9**epochs, [3]).name
    'the lambda'
    """
    keywords = dict(kwargs or {})
    name = parts.name_of(function)
    _check(function, name, args, keywords)
    with pickling.by_value():
        call = (function, tuple(args), keywords)
        try:
            pickled, lines = pickling.with_lines(call)
        except Exception as error:
            culprit = parts.culprit(*call)
            raise NotPicklable(
                f"{name} cannot leave this kernel.",
                f"{culprit} cannot be pickled: {parts.said(error)}.",
                f"Make it inside {name}, or give the function what it is made of, such as a path.",
            ) from error
        command = _COMMAND % _LAUNCHERS[launcher]
        payload = Payload(name, pickled, ("/bin/sh", "-c", command), lines)
        if payload.is_large and not stored:
            largest, size = parts.largest(*call)
            raise FunctionTooLarge(
                f"{name}, with what it takes along, is {_mebibytes(len(pickled))} as a pickle.",
                f"A Kubernetes Secret takes 1 MiB; the largest is {largest}, {_mebibytes(size)}.",
                "Let it load that from a file of files=, or give "
                "storage=dotrain.Storage('<bucket>', region='<region>').",
            )
    return payload


def _check(function: object, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raise unless a call can be made as it is asked for."""
    if not callable(function):
        raise SpecError(
            f"{name} cannot be called.",
            fix="Give a function, or a command as text: 'python train.py'.",
        )
    plain = inspect.unwrap(_below_partials(function))
    kinds = (plain, getattr(plain, "__call__", None))  # noqa: B004 - the method itself
    if any(map(inspect.iscoroutinefunction, kinds)):
        raise SpecError(
            f"{name} is an async function.",
            "A job calls its function, and there is no event loop that would run it.",
            "Give one that calls asyncio.run() with it.",
        )
    if any(inspect.isgeneratorfunction(one) or inspect.isasyncgenfunction(one) for one in kinds):
        raise SpecError(
            f"{name} is a generator.",
            "A job hands over what its function returns, and a generator is made of values "
            "that are still to come.",
            "Give one that returns a list.",
        )
    try:
        signature = inspect.signature(function)
    except ValueError as error:
        # Some of those that are written in C do not tell; nor does a partial that
        # gives its function what that does not take.
        if plain is function or not _tells(plain):
            return
        raise SpecError(
            f"{name} cannot be called like this.",
            f"It is {name}{inspect.signature(plain)}, and the partial gives it something else.",
            "Give what it takes, in the partial and with args= and kwargs=.",
        ) from error
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise SpecError(
            f"{name} cannot be called like this.",
            f"It is {name}{signature}: {error}.",
            "Give what it takes with args= and kwargs=.",
        ) from error


def _below_partials(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _tells(function: Any) -> bool:
    try:
        inspect.signature(function)
    except ValueError:
        return False
    return True


def _zipped(package: ModuleType) -> bytes:
    """Return a package as a zip that Python imports from, the same each time."""
    home = Path(str(package.__file__)).parent
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for source in sorted(home.glob("*.py")):
            info = zipfile.ZipInfo(f"{home.name}/{source.name}")
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, source.read_bytes())
    return packed.getvalue()


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
