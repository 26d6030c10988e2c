"""Which part of a call cannot be pickled, and which is large: found by trying each part."""

from __future__ import annotations

import dis
import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from dotrain.jobs import pickling

# Each part is tried: of a very large object, not all of them.
_PATIENCE = 10.0
_DEEP = 12
# What is smaller is not looked into: it may be no more than a name.
_SMALL = 4096
_LONGEST = 200

Found = Iterator[tuple[str, Any]]


def name_of(function: Any) -> str:
    """Return what a function is called in messages.

    Examples
    --------
    >>> name_of(functools.partial(len)), name_of(lambda: 1)
    ('len', 'the lambda')
    """
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__qualname__", None)
    if not isinstance(name, str):
        return kind(function) if callable(function) else repr(function)[:_LONGEST]
    short = name.rpartition("<locals>.")[2]
    return "the lambda" if short == "<lambda>" else short


def kind(value: object) -> str:
    """Return the type of a value by its full name.

    Examples
    --------
    >>> import threading
    >>> kind(threading.Lock()), kind([])
    ('_thread.lock', 'list')
    """
    found = type(value)
    module = "" if found.__module__ in ("builtins", "__main__") else f"{found.__module__}."
    return f"{module}{found.__qualname__}"


def said(error: BaseException) -> str:
    """Return what an error says, in one line."""
    text = " ".join(str(error).split()).rstrip(".")[:_LONGEST]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def culprit(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """Return what it is of a call that cannot be pickled, and where it is reached."""
    deadline = time.monotonic() + _PATIENCE
    text, value = name_of(function), None
    inside: Found = _of_call(function, args, kwargs)
    seen: set[int] = set()
    for _ in range(_DEEP):
        found = next(
            (
                one
                for one in inside
                if id(one[1]) not in seen and time.monotonic() < deadline and not _size(one[1])
            ),
            None,
        )
        if found is None:
            break
        text, value = found
        seen.add(id(value))
        inside = _inside(value, text)
    return text[:1].upper() + text[1:]


def largest(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[str, int]:
    """Return the largest single thing that a call takes along, and its bytes as a pickle."""
    deadline = time.monotonic() + _PATIENCE
    best = ("its code", 0)
    todo = list(_of_call(function, args, kwargs))
    seen: set[int] = set()
    while todo and time.monotonic() < deadline:
        text, value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        size = _size(value)
        if size < _SMALL:
            continue
        # Of what a function takes along one wants to know more than that it does.
        if isinstance(value, (FunctionType, MethodType, functools.partial, ModuleType)):
            todo += _inside(value, text)
        elif size > best[1]:
            best = (text, size)
    return best


def _size(value: object) -> int:
    """Return the bytes of a value as a pickle; 0 when it has none."""
    try:
        return len(pickling.dumps(value))
    except Exception:  # noqa: BLE001 - an object decides what it raises
        return 0


def _of_call(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Found:
    yield f"{name_of(function)} itself", function
    for number, value in enumerate(args, 1):
        yield f"argument {number} ({kind(value)})", value
    for name, value in kwargs.items():
        yield f"the keyword {name!r} ({kind(value)})", value


def _inside(value: Any, text: str) -> Found:
    """Yield what a value is made of, each with where it is reached."""
    if isinstance(value, FunctionType):
        yield from _of_function(value)
    elif isinstance(value, MethodType):
        name = name_of(value)
        yield f"the object ({kind(value.__self__)}) that {name} is a method of", value.__self__
        yield from _of_function(value.__func__)
    elif isinstance(value, functools.partial):
        yield f"{name_of(value)} itself", value.func
        yield from _of_call(value.func, value.args, value.keywords)
    elif isinstance(value, (Mapping, list, tuple, set, frozenset)):
        yield from _of_container(value, text)
    elif isinstance(value, ModuleType):
        for name, item in pickling.content(value).items():
            yield f"the global {name!r} ({kind(item)}) of the module {value.__name__}", item
    else:
        slots = [name for one in type(value).__mro__ for name in vars(one).get("__slots__", ())]
        held = {name: getattr(value, name) for name in slots if hasattr(value, name)}
        for name, item in {**held, **getattr(value, "__dict__", {})}.items():
            yield f"the attribute {name!r} ({kind(item)}) of {text}", item


def _of_container(value: Any, text: str) -> Found:
    if not isinstance(value, Mapping):
        for number, item in enumerate(value, 1):
            yield f"item {number} ({kind(item)}) of {text}", item
        return
    for key, item in value.items():
        yield f"a key ({kind(key)}) of {text}", key
        yield f"the item {_shown(key)} ({kind(item)}) of {text}", item


def _of_function(function: Any) -> Found:
    name = name_of(function)
    for used in sorted(_globals(function.__code__)):
        if used in function.__globals__:
            item = function.__globals__[used]
            yield f"the global {used!r} ({kind(item)}) that {name} uses", item
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    for variable, cell in cells:
        try:
            item = cell.cell_contents
        except ValueError:
            # Not assigned yet.
            continue
        yield f"the variable {variable!r} ({kind(item)}) of the function around {name}", item
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    defaults = function.__defaults__ or ()
    by_name = dict(zip(positional[len(positional) - len(defaults) :], defaults, strict=True))
    for parameter, item in {**by_name, **(function.__kwdefaults__ or {})}.items():
        yield f"the default of {parameter!r} ({kind(item)}) of {name}", item
    for attribute, item in vars(function).items():
        yield f"the attribute {attribute!r} ({kind(item)}) of {name}", item


def _globals(code: CodeType) -> set[str]:
    """Return the names of the globals that code uses, that of functions in it too."""
    found = {one.argval for one in dis.get_instructions(code) if one.opname.endswith("_GLOBAL")}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _globals(constant)
    return found


def _shown(key: object) -> str:
    text = repr(key) if isinstance(key, (str, int, float, bool, tuple)) else f"of a {kind(key)}"
    return text[:_LONGEST]
