"""Pickles of what the notebook and the user's own files define, which no image has.

cloudpickle takes functions and classes along by value, those of the notebook
always, those of a module when it is told to. A module itself it cannot take when
anything in it leads back to it, as in any package; here it can.
"""

from __future__ import annotations

import contextlib
import io
import linecache
import operator
import os
import site
import sys
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import cloudpickle

# The notebook, which travels by value anyway, and what is no part of any job.
_NEVER = ("__main__", "__mp_main__", "dotrain")
Lines = dict[str, dict[int, str]]
"""Lines of code by file and number."""

_NOWHERE = "<dynamic-code>"
# Characters of them: tracebacks are good to have, and a Secret has little room.
_MOST_LINES = 2**16
# What Python makes anew for each module, or what says where it was loaded from.
_MADE = frozenset(("__builtins__", "__cached__", "__loader__", "__spec__"))
# cloudpickle's choice of modules is one for the whole process.
_lock = threading.Lock()


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Takes a module along in two steps, as functions: first it, and then what is in it."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.codes: list[CodeType] = []

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, CodeType) and value.co_filename != _NOWHERE:
            self.codes.append(value)
            # cloudpickle forgets where it was written, and with it its lines in a traceback.
            named = operator.methodcaller("replace", co_filename=value.co_filename)
            return named, (value.replace(co_filename=_NOWHERE),)
        registered = cloudpickle.list_registry_pickle_by_value()
        if isinstance(value, ModuleType) and value.__name__ in registered:
            return ModuleType, (value.__name__,), content(value)
        return super().reducer_override(value)


def dumps(value: Any) -> bytes:
    """Return a pickle; raises what an object in it raises."""
    return with_lines(value)[0]


def with_lines(value: Any) -> tuple[bytes, Lines]:
    """Return a pickle, and the lines of the functions in it, as far as they are few."""
    file = io.BytesIO()
    pickler = _Pickler(file)
    pickler.dump(value)
    found: Lines = {}
    for code in pickler.codes:
        for _, _, number in code.co_lines():
            line = linecache.getline(code.co_filename, number or 0)
            if line:
                found.setdefault(code.co_filename, {})[number or 0] = line
    size = sum(len(line) for lines in found.values() for line in lines.values())
    return file.getvalue(), found if size <= _MOST_LINES else {}


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
