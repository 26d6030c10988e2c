"""What a job should be: a frozen value, checked when it is made, before anything is asked."""

from __future__ import annotations

import datetime as dt
import difflib
import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from dotrain import durations
from dotrain.checks import check_flag, check_text, check_whole
from dotrain.errors import SpecError
from dotrain.hidden import Hidden
from dotrain.jobs import naming, quantities, taken, variables
from dotrain.jobs.storage import Storage

POD_SECURITY = ("restricted", "baseline", "privileged")
LAUNCHERS = ("python", "torchrun")
BACKENDS = ("job", "trainer")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*", re.ASCII)
_LEAST_CPUS = 0.01
_GPU_IMAGE = "pytorch/pytorch:2.9.0-cuda12.8-cudnn9-runtime"

Work = str | Sequence[str] | Callable[..., Any]
_Method = TypeVar("_Method", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Task:
    """What a job should be; `Cluster.run` makes it one.

    Parameters
    ----------
    work : str, sequence of str or callable
        A command as a shell takes it, a program with its arguments, or a
        function of the notebook.
    name : str, optional
        The job's; otherwise one is made of the function's or the script's.
    image : str, optional
        The container image, such as ``"pytorch/pytorch:2.9.0-cuda12.8-cudnn9-runtime"``.
        A function without GPUs runs in the slim image of this kernel's Python;
        its own must have the same minor version of it.
    nodes : int
        How many nodes it runs on at once, at least 1.
    gpus_per_node : int
        GPUs that it has on each of them.
    cpus : float, optional
        vCPUs that it needs on each; it may use more while they are free. Otherwise
        nine tenths of what the system leaves, or of its GPUs' part of that.
    memory : str, optional
        What it gets on each, such as ``"16Gi"``, and not more; otherwise nine
        tenths, as of the vCPUs.
    args : sequence
        What the function is called with.
    kwargs : mapping
        What it is called with by name.
    files : str, Path or sequence of them, optional
        Files and directories that it finds in its working directory.
    env : mapping of str to str
        Its environment; nothing secret.
    secrets : sequence of str, or mapping of str to str
        Names of variables of this kernel's environment, whose values it gets in
        its own; or names with their values. They are kept in a Kubernetes Secret.
    storage : Storage, optional
        Where files and results go that are too large for Kubernetes.
    pool : str, optional
        The pool of nodes; otherwise the cheapest one that it fits.
    retries : int
        How often a node may start again after its process has failed, on the
        average: all of them together have `retries` times `nodes`. A node that is
        lost or drained does not count.
    timeout : str or datetime.timedelta, optional
        How long it may take, such as ``"6h"``, from its submission to its end:
        waiting for nodes and for its image counts.
    grace : str or datetime.timedelta
        How long it may go on after it was told to end, by SIGTERM, such as ``"30s"``.
    pod_security : str
        ``"restricted"``, ``"baseline"`` (it may be root) or ``"privileged"``:
        https://kubernetes.io/docs/concepts/security/pod-security-standards/.
    launcher : str
        What starts a function on each node: ``"python"`` once, ``"torchrun"``
        once for each GPU.
    backend : str
        ``"job"``, or ``"trainer"`` for a TrainJob of Kubeflow Trainer.
    down_after : bool
        Whether the cluster is deleted when it has succeeded.

    Raises
    ------
    SpecError
        When one of these is wrong; the message says what to give.

    Examples
    --------
    >>> Task("python train.py", image="python:3.13-slim", nodes=2)
    Task('python train.py', image='python:3.13-slim', nodes=2)
    """

    work: Work = field(kw_only=False)
    name: str | None = None
    image: str | None = None
    nodes: int = 1
    gpus_per_node: int = 0
    cpus: float | None = None
    memory: str | None = None
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    files: str | Path | Sequence[str | Path] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] | Mapping[str, str] = ()
    storage: Storage | None = None
    pool: str | None = None
    retries: int = 0
    timeout: str | dt.timedelta | None = None
    grace: str | dt.timedelta = "30s"
    pod_security: str = "restricted"
    launcher: str = "python"
    backend: str = "job"
    down_after: bool = False

    def __post_init__(self) -> None:
        self._check_work()
        if self.name is not None:
            naming.check(self.name)
        self._check_image()
        self._check_size()
        self._set("files", taken.paths(self.files))
        self._set("env", variables.plain("env", self.env))
        self._set("secrets", variables.secret(self.secrets))
        variables.check(self.env, self.secrets)
        # Read when it is submitted; that it is there is checked before anything is made.
        self.secret_values()
        if self.timeout is not None:
            self._set("timeout", durations.text(self.timeout))
        self._set("grace", durations.text(self.grace))
        check_text(self, "pool", optional=True)
        if self.storage is not None and not isinstance(self.storage, Storage):
            raise SpecError(
                f"storage is a {type(self.storage).__name__}.",
                "It is a bucket, and where that is.",
                "Give for example storage=dotrain.Storage('experiments', region='nyc3').",
            )
        taken.check_choice("pod_security", self.pod_security, POD_SECURITY)
        taken.check_choice("launcher", self.launcher, LAUNCHERS)
        taken.check_choice("backend", self.backend, BACKENDS)
        check_flag(self, "down_after")

    @property
    def is_function(self) -> bool:
        """Whether it is a function of the notebook, and no command."""
        return callable(self.work)

    @property
    def runs_in(self) -> str:
        """The container image: the one given, or that of this kernel's Python."""
        return self.image or f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"

    def secret_values(self) -> dict[str, Hidden]:
        """Return each secret with its value, as this kernel's environment has it now.

        Raises
        ------
        SpecError
            When one is not there any more.
        """
        return variables.values(self.secrets)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Task):
            return NotImplemented
        return all(_same(getattr(self, name), getattr(other, name)) for name in _NAMES)

    def __hash__(self) -> int:
        # Arguments of a function need not be hashable.
        return hash((self.name, self.image, self.nodes, self.gpus_per_node, self.pool))

    def __repr__(self) -> str:
        shown = [_work(self.work)]
        for one in fields(self)[1:]:
            value = getattr(self, one.name)
            if not _same(value, _default(one.name)):
                shown.append(f"{one.name}={_value(one.name, value)}")
        return f"Task({', '.join(shown)})"

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _check_work(self) -> None:
        work = self.work
        if not callable(work):
            words = [work] if isinstance(work, str) else taken.listed(work)
            # An argument may be empty; what runs may not.
            if not words or not all(map(variables.is_text, words)) or not words[0].strip():
                raise SpecError(
                    f"{work!r} is nothing that can run.",
                    "Work is a command, a program with its arguments as text, or a function; no "
                    "text has NUL.",
                    "Give one, for example run('python train.py', image='python:3.13-slim').",
                )
            variables.check_command(words)
            if not isinstance(work, str):
                self._set("work", tuple(words))
        arguments, named = taken.listed(self.args), self.kwargs
        if (
            arguments is None
            or not isinstance(named, Mapping)
            or not all(isinstance(one, str) for one in named)
        ):
            raise SpecError(
                f"args is a {type(self.args).__name__}, and kwargs a {type(named).__name__}.",
                "A function is called with a list of values, and with values by their names.",
                "Give for example args=(3,), kwargs={'lr': 1e-4}.",
            )
        self._set("args", tuple(arguments))
        self._set("kwargs", dict(named))
        if not callable(work) and (arguments or named or self.launcher == "torchrun"):
            given = "args" if arguments else "kwargs" if named else "launcher"
            raise SpecError(
                f"A command takes no {given}=.",
                "It is for a function of the notebook.",
                "Write it into the command, for example run('torchrun train.py --lr 1e-4', ...).",
            )

    def _check_image(self) -> None:
        if self.image is None and self.is_function and not self.gpus_per_node:
            return
        if self.image is None:
            why, example = (
                ("A function with GPUs", f"{_GPU_IMAGE!r}, if its Python is this kernel's")
                if self.is_function
                else (
                    "A command",
                    f"{_GPU_IMAGE!r}" if self.gpus_per_node else "'python:3.13-slim'",
                )
            )
            raise SpecError(
                "The image is missing.",
                f"{why} needs one that has what it imports.",
                f"Give one, for example image={example}.",
            )
        if not isinstance(self.image, str) or not _IMAGE.fullmatch(self.image):
            raise SpecError(
                f"{self.image!r} is not the name of an image.",
                "It is a name with a tag or a digest, and perhaps a registry before it.",
                f"Give one, for example image={_GPU_IMAGE!r}.",
            )

    def _check_size(self) -> None:
        for name in ("nodes", "gpus_per_node", "retries", "cpus"):
            self._set(name, taken.number(getattr(self, name)))
        check_whole(self.nodes, 1, "a job", "nodes")
        check_whole(self.gpus_per_node, 0, "a job", "gpus_per_node")
        check_whole(self.retries, 0, "a job", "retries")
        if self.memory is not None:
            quantities.memory(self.memory)
        cpus = self.cpus
        number = isinstance(cpus, int | float) and not isinstance(cpus, bool)
        if cpus is not None and not (number and _LEAST_CPUS <= cpus < float("inf")):
            raise SpecError(
                f"A job with cpus={cpus!r} cannot be made.",
                f"It is a number of vCPUs on each node, at least {_LEAST_CPUS}.",
                "Give for example cpus=4, or leave cpus= out.",
            )


_NAMES = [one.name for one in fields(Task)]


def taking(method: _Method) -> _Method:
    """Let a method with `**asked` show what `asked` takes, as it is here: for help, and Tab."""
    own = inspect.signature(method)
    kept = [one for one in own.parameters.values() if one.kind is not one.VAR_KEYWORD]
    given = list(inspect.signature(Task).parameters.values())[1:]
    shown = [one.replace(default=_default(one.name)) for one in given]
    setattr(method, "__signature__", own.replace(parameters=[*kept, *shown]))  # noqa: B010 - no type knows it
    return method


def _default(name: str) -> Any:
    one = next(one for one in fields(Task) if one.name == name)
    return one.default if one.default_factory is MISSING else one.default_factory()


def asked(work: Work | Task, given: Mapping[str, Any]) -> Task:
    """Return the task of `work` with what is given by name, as `Task` takes it.

    Raises
    ------
    SpecError
        As `Task`; also for a name that it does not have, with the nearest.
    """
    for name in given:
        if name not in _NAMES:
            # "gpus" means gpus_per_node, and is spelled more like cpus.
            nearest = [one for one in _NAMES if name in one]
            nearest += difflib.get_close_matches(name, _NAMES, n=1, cutoff=0.4)
            raise SpecError(
                f"A job has no {name}=.",
                f"It takes {', '.join(_NAMES[1:])}.",
                f"Did you mean {nearest[0]}=?" if nearest else "help(dotrain.Task) describes them.",
            )
    return replace(work, **given) if isinstance(work, Task) else Task(work, **given)


def _same(one: object, other: object) -> bool:
    """Return whether two values are the same; those that cannot say, such as arrays, are not."""
    if one is other:
        return True
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 - whatever the values of others raise
        return False


def _work(work: Work) -> str:
    return str(getattr(work, "__qualname__", type(work).__name__)) if callable(work) else repr(work)


def _value(name: str, value: Any) -> str:
    """Return a field as it can be shown: what a function gets may be large, or a secret."""
    if name == "args":
        return f"<{len(value)}>"
    if name in ("kwargs", "secrets"):
        return repr(tuple(value))
    return repr(value)
