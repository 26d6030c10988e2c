"""The public names: sorted, there, the same each time, and documented."""

from __future__ import annotations

import inspect
import re

import pytest

import dotrain

CALLABLES = [name for name in dotrain.__all__ if callable(getattr(dotrain, name))]

FIELDS = ["Cluster", "ClusterSpec", "Database", "Job", "Pool", "Storage", "Task"]
FUNCTIONS = {name: getattr(dotrain, name) for name in CALLABLES if name.islower()} | {
    f"{kind.__name__}.{name}": method
    for kind in (dotrain.Cluster, dotrain.Job)
    for name, method in inspect.getmembers(kind, inspect.isfunction)
    if not name.startswith("_")
}


def sections(doc: str) -> dict[str, str]:
    """Return the sections of a numpy docstring by their titles."""
    parts = re.split(r"^(\w[\w ]*)\n-+\n", inspect.cleandoc(doc), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def parameters(function: object) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def test_all_is_sorted_and_complete() -> None:
    assert dotrain.__all__ == sorted(set(dotrain.__all__))
    assert set(dotrain._HOME) | {"errors"} == set(dotrain.__all__)


def test_completion_offers_the_public_names() -> None:
    assert dir(dotrain) == dotrain.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'clutser'"):
        dotrain.clutser  # noqa: B018 - looking is the test


def test_names_mean_the_same_after_every_module_was_imported(python) -> None:
    result = python(
        "import dotrain, importlib, pkgutil\n"
        "first = {name: getattr(dotrain, name) for name in dotrain.__all__}\n"
        "for module in pkgutil.iter_modules(dotrain.__path__, 'dotrain.'):\n"
        "    importlib.import_module(module.name)\n"
        "for name in dotrain.__all__:\n"
        "    assert getattr(dotrain, name) is first[name], name\n"
        "    assert callable(first[name]) or name == 'errors', name\n"
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", dotrain.__all__)
def test_every_name_is_documented(name) -> None:
    doc = inspect.getdoc(getattr(dotrain, name))
    assert doc
    assert doc.splitlines()[0].endswith((".", ":"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_is_documented(name) -> None:
    function = FUNCTIONS[name]
    wanted = parameters(function)
    described = sections(function.__doc__ or "").get("Parameters", "")
    names = re.findall(r"^\**(\w+) :", described, re.MULTILINE)
    if names[-1:] == ["asked"] != wanted[-1:]:
        # Which a task describes.
        names[-1:] = parameters(dotrain.Task)[1:]
    assert names == wanted


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_result_is_documented(name) -> None:
    function = FUNCTIONS[name]
    doc = inspect.cleandoc(function.__doc__ or "")
    # Where the first sentence says what is returned, a section would repeat it.
    said = re.match(r"[^\n]*\breturn\b", doc, re.IGNORECASE)
    if inspect.signature(function).return_annotation != "None":
        assert said or "Returns" in sections(doc)


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_documented(name) -> None:
    one = getattr(dotrain, name)
    described = re.findall(r"^(\w+) :", sections(one.__doc__)["Parameters"], re.MULTILINE)
    assert described == parameters(one.__init__)


@pytest.mark.parametrize("name", ["up", "get", "down", "clusters", "use_sandbox"])
def test_what_is_called_first_has_an_example(name) -> None:
    assert ">>> " in sections(getattr(dotrain, name).__doc__)["Examples"]
