"""The page of the command line, from what click knows of it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles

from dotrain.cli import main


def commands(
    group: click.Group, parent: click.Context
) -> Iterator[tuple[click.Context, click.Command]]:
    """Yield each command of a group, those of groups in it included, by name."""
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        if command is None or command.hidden:
            continue
        context = click.Context(command, parent=parent, info_name=name)
        if isinstance(command, click.Group):
            yield from commands(command, context)
        else:
            yield context, command


def lines() -> Iterator[str]:
    """Yield the page as reStructuredText: what is for all commands, and a section for each."""
    root = click.Context(main, info_name="dotrain")
    yield from _options(root, main)
    for context, command in commands(main, root):
        title = context.command_path
        yield from (title, "-" * len(title), "")
        yield from _options(context, command)


def _options(context: click.Context, command: click.Command) -> Iterator[str]:
    """Yield how a command is called, what it does, and its options."""
    usage = " ".join(command.collect_usage_pieces(context))
    yield from (f".. program:: {context.command_path}", "", "::", "")
    yield from (f"   {context.command_path} {usage}", "")
    yield from (_plain(line) for line in inspect.cleandoc(command.help or "").splitlines())
    yield ""
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            names, said = record
            yield from (f".. option:: {names.replace(' / ', ', ')}", "", f"   {_plain(said)}", "")


def _plain(text: str) -> str:
    """Return text in which nothing means anything to reStructuredText."""
    return re.sub(r"([\\*`|_])", r"\\\1", text)


class Commands(SphinxDirective):
    """Puts all commands where it stands."""

    def run(self) -> list[nodes.Node]:
        """Return their sections."""
        from docutils.statemachine import StringList

        source = StringList(list(lines()), source="dotrain.cli")
        holder = nodes.container()
        holder.document = self.state.document
        nested_parse_with_titles(self.state, source, holder)
        return holder.children


def setup(app: Sphinx) -> dict[str, bool]:
    """Give Sphinx the directive."""
    app.add_directive("dotrain-commands", Commands)
    return {"parallel_read_safe": True}
