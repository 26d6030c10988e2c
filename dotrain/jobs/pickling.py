"""Pickles of what the notebook and the user's own files define, which no image has.

cloudpickle takes functions and classes along by value, those of the notebook
always, those of a module when it is told to. A module itself it cannot take when
anything in it leads back to it, as in any package; here it can.
"""

from __future__ import annotations

import contextlib
import io
import os
import site
import sys
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle

# The notebook, which travels by value anyway, and what is no part of any job.
_NEVER = ("__main__", "__mp_main__", "dotrain")
# What Python makes anew for each module, or what says where it was loaded from.
_MADE = frozenset(("__builtins__", "__cached__", "__loader__", "__spec__"))
# cloudpickle's choice of modules is one for the whole process.
_lock = threading.Lock()


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Takes a module along in two steps, as functions: first it, and then what is in it."""

    def reducer_override(self, value: Any) -> Any:
        registered = cloudpickle.list_registry_pickle_by_value()
        if isinstance(value, ModuleType) and value.__name__ in registered:
            return ModuleType, (value.__name__,), content(value)
        return super().reducer_override(value)


def dumps(value: Any) -> bytes:
    """Return a pickle; raises what an object in it raises."""
    file = io.BytesIO()
    _Pickler(file).dump(value)
    return file.getvalue()


def content(module: ModuleType) -> dict[str, Any]:
    """Return what is in a module, by name."""
    return {name: value for name, value in vars(module).items() if name not in _MADE}


@contextlib.contextmanager
def by_value() -> Iterator[None]:
    """Let what comes from the user's own files travel by value, in here."""
    modules = _own_modules()
    with _lock:
        # Who has told cloudpickle so before still wants it afterwards.
        before = cloudpickle.list_registry_pickle_by_value()
        ours = [one for one in modules if one.__name__ not in before]
        for module in ours:
            cloudpickle.register_pickle_by_value(module)
        try:
            yield
        finally:
            for module in ours:
                cloudpickle.unregister_pickle_by_value(module)


def _own_modules() -> list[ModuleType]:
    """Return the modules that come from the user's own files: no image has them installed."""
    installed = _installed()
    found = []
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        # What is compiled has no code that could travel.
        if not isinstance(module, ModuleType) or not str(path).endswith(".py"):
            continue
        other = name != module.__name__ or name.partition(".")[0] in _NEVER
        if not other and not str(path).startswith(installed):
            found.append(module)
    return found


def _installed() -> tuple[str, ...]:
    """Return the directories of Python's own modules, and of those that are installed."""
    paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths += [*site.getsitepackages(), site.getusersitepackages()]
    both = {*paths, *(str(Path(one).resolve()) for one in paths)}
    return tuple(f"{one}{os.sep}" for one in both)
