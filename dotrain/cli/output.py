"""What commands have in common: how they print, and what they print."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from dotrain.errors import DotrainError

_FORMATS = click.Choice(["table", "json", "csv"])


class Group(click.Group):
    """A group whose commands say a dotrain error in a paragraph and end with status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except DotrainError as error:
            message = f"{type(error).__name__}: {error}"
            raise click.ClickException(message) from error


def form(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option that says how to print a table."""
    return click.option(
        "--format", "form", type=_FORMATS, default="table", show_default=True, help="How to print."
    )(command)


def force(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option that lets this machine lose its access."""
    return click.option("--force", is_flag=True, help="Even if this machine loses its access.")(
        command
    )


def show(frame: Any, form: str) -> None:
    """Print a DataFrame."""
    if form == "json":
        click.echo(frame.to_json(orient="records", indent=2, date_format="iso"))
    elif form == "csv":
        click.echo(frame.to_csv(index=False), nl=False)
    else:
        click.echo(frame.to_string(index=False) if len(frame) else "none")


def shown(command: Callable[..., Any]) -> Callable[..., Any]:
    """Show operations as lines on standard error, in a terminal and in CI alike."""

    @functools.wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        from dotrain import display

        with display.using(lambda: display.Lines(display.to_stderr)):
            return command(*args, **kwargs)

    return wrapper
