"""Commands about how long clusters live, and what they leave behind."""

from __future__ import annotations

import sys

import click

from dotrain.cli import output


@click.command()
@click.argument("name")
@click.argument("by")
@output.shown
def extend(name: str, by: str) -> None:
    """Let the cluster NAME live longer than its max age by a span, such as 2h."""
    from dotrain import lifecycle

    click.echo(repr(lifecycle.find(name)[0].extend(by)))


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@output.form
@output.shown
def sweep(form: str, dry_run: bool) -> None:
    """End what should have ended, on all clusters of this account: for cron and CI."""
    from dotrain import sweeping
    from dotrain.errors import SweepIncomplete

    try:
        frame = sweeping.sweep(dry_run=dry_run)
    except SweepIncomplete as error:
        output.show(error.frame, form)
        raise
    output.show(frame, form)


@click.command()
@output.form
def leaks(form: str) -> None:
    """Show what is billed and belongs to nothing; ends with status 1 if anything does."""
    from dotrain import leftovers

    frame = leftovers.leaks()
    output.show(frame, form)
    if len(frame):
        sys.exit(1)


COMMANDS = (extend, leaks, sweep)
