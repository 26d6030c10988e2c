"""The reference is complete: every public name, method, error, command and option is in it."""

from __future__ import annotations

import inspect
import pydoc
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import dotrain
from dotrain import cli

DOCS = Path(__file__).parents[1] / "docs"
REFERENCE = "\n".join(path.read_text() for path in sorted((DOCS / "reference").glob("*.rst")))


def public(kind: type) -> Iterator[str]:
    """Yield what a class offers: its methods and properties, inherited ones too."""
    for name, value in inspect.getmembers(kind):
        if not name.startswith("_") and (callable(value) or isinstance(value, property)):
            yield name


def entries() -> set[str]:
    """Return the names that the reference has an entry for, as autodoc will write them."""
    directive = (
        r"^\.\. auto(?:function|class|exception|method|attribute|module):: (\S+)\n((?:   .*\n)*)"
    )
    found = set()
    for name, options in re.findall(directive, REFERENCE, re.MULTILINE):
        full = name if name.startswith("dotrain.") else f"dotrain.{name}"
        found.add(full)
        if (
            ":members:" in options
            and full.count(".") == 1
            and inspect.isclass(one := getattr(dotrain, name.removeprefix("dotrain.")))
        ):
            found |= {f"{full}.{member}" for member in public(one)}
    return found


@pytest.mark.parametrize("name", dotrain.__all__)
def test_every_public_name_has_an_entry(name: str) -> None:
    assert f"dotrain.{name}" in entries()


def test_every_entry_is_of_something_that_exists() -> None:
    sys.path.insert(0, str(DOCS))
    try:
        import conf

        named = entries() | set(conf.numpydoc_xref_aliases.values())
    finally:
        sys.path.remove(str(DOCS))
        sys.modules.pop("conf", None)
    missing = {name for name in named if pydoc.locate(name) is None}
    assert missing == set()


@pytest.mark.parametrize("kind", [dotrain.Cluster, dotrain.Job], ids=lambda kind: kind.__name__)
def test_every_method_has_an_entry(kind: type) -> None:
    wanted = {f"dotrain.{kind.__name__}.{name}" for name in public(kind)}
    assert wanted <= entries()


def test_the_errors_page_has_all_errors() -> None:
    page = (DOCS / "reference" / "errors.rst").read_text()
    assert ".. automodule:: dotrain.errors\n   :members:" in page
    # Which is all that the module exports, so that none can be missing.
    kinds = {name for name, one in vars(dotrain.errors).items() if inspect.isclass(one)}
    assert kinds == set(dotrain.errors.__all__)


def test_every_command_and_option_has_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(DOCS / "extensions")
    import commands

    page = "\n".join(commands.lines())
    sys.modules.pop("commands")
    root = click.Context(cli.main, info_name="dotrain")
    for context, command in commands.commands(cli.main, root):
        section = page.split(f".. program:: {context.command_path}\n")[1].split(".. program::")[0]
        assert section.count(".. option::") == sum(
            isinstance(one, click.Option) for one in command.params
        )
    assert "dotrain sandbox install-kubernetes\n---" in page
