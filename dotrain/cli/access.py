"""Commands about who may enter."""

from __future__ import annotations

import sys
from typing import Any

import click

from dotrain.cli import output


@click.command()
@click.argument("name")
@output.form
def rules(name: str, form: str) -> None:
    """Show every rule that lets anything in or out of the cluster NAME."""
    from dotrain import lifecycle

    output.show(lifecycle.get(name, wait=False).rules(), form)


@click.command()
@click.argument("name")
@click.argument("source")
@click.option("--to", multiple=True, help="A service, or 'tcp 8000-9000'. Repeatable.")
@click.option("--label", default="", help="What it is for; 'dotrain revoke --label' takes it.")
@click.option("--expires", help="When it ends, such as 8h.")
@output.force
@output.form
@output.shown
def allow(name: str, source: str, to: tuple[str, ...], form: str, **options: Any) -> None:
    """Let SOURCE (me, an address, a CIDR or nodes) into the cluster NAME."""
    from dotrain import lifecycle

    output.show(lifecycle.get(name, wait=False).allow(source, to=to or None, **options), form)


@click.command()
@click.argument("name")
@click.argument("source", required=False)
@click.option("--label", help="The label it was allowed under.")
@click.option("--to", multiple=True, help="Only these services of it. Repeatable.")
@output.force
@output.form
@output.shown
def revoke(name: str, source: str | None, to: tuple[str, ...], form: str, **options: Any) -> None:
    """Take back what was allowed on the cluster NAME."""
    from dotrain import lifecycle

    output.show(lifecycle.get(name, wait=False).revoke(source, to=to or None, **options), form)


@click.command()
@click.argument("name")
@click.argument("entries", nargs=-1, required=True)
@output.form
@output.shown
def egress(name: str, entries: tuple[str, ...], form: str) -> None:
    """Say what nodes of NAME may reach: web, open, locked, or 'tcp 443 to 203.0.113.0/24'."""
    from dotrain import lifecycle

    output.show(lifecycle.get(name, wait=False).egress(*entries), form)


@click.command()
@click.argument("name")
@output.shown
def plan(name: str) -> None:
    """Show what 'up' would do to the cluster NAME: access, objects, cost."""
    from dotrain import lifecycle

    click.echo(str(lifecycle.find(name)[0].plan()))


@click.command()
@click.argument("name")
@output.form
def drift(name: str, form: str) -> None:
    """Show the rules of NAME that are not as they should be; ends with status 1 if any are."""
    from dotrain import lifecycle

    frame = lifecycle.get(name, wait=False).drift()
    output.show(frame, form)
    if len(frame):
        sys.exit(1)


@click.command()
@click.argument("name")
@output.form
def exposure(name: str, form: str) -> None:
    """Show who can reach what of the cluster NAME in effect."""
    from dotrain import lifecycle

    output.show(lifecycle.get(name, wait=False).exposure(), form)


@click.command()
@click.argument("name", required=False)
@click.option("--account", is_flag=True, help="Also what dotrain did not make.")
@click.option("--format", "form", type=click.Choice(["table", "json", "sarif"]), default="table")
@click.option(
    "--suppress",
    multiple=True,
    metavar="ID[@OBJECT]=REASON",
    help="Accept a finding; it is still shown, with the reason. Repeatable.",
)
def audit(name: str | None, account: bool, form: str, suppress: tuple[str, ...]) -> None:
    """Check the cluster NAME, or all of dotrain's; ends with status 1 when it fails."""
    from dotrain import inspection, lifecycle

    accepted = [_suppression(text) for text in suppress]
    if name:
        found = lifecycle.find(name)[0].audit(suppress=accepted)
    else:
        found = inspection.audit(account=account, suppress=accepted)
    shown = {"json": found.to_json, "sarif": found.to_sarif}.get(form, found.__str__)
    click.echo(shown())
    if not found.passed:
        sys.exit(1)


def _suppression(text: str) -> Any:
    from dotrain.auditing import Suppression

    what, _, reason = text.partition("=")
    check, _, where = what.partition("@")
    return Suppression(check, reason, where)


@click.command("allow-me")
@click.argument("name")
@click.option("--watch", is_flag=True, help="Go on until interrupted, whenever the address moves.")
@click.option("--every", type=float, default=60, show_default=True, help="Seconds between looks.")
@output.form
@output.shown
def allow_me(name: str, watch: bool, every: float, form: str) -> None:
    """Let this machine into NAME under its present address, and its old one no more."""
    from dotrain import display, lifecycle

    cluster = lifecycle.get(name, wait=False)
    output.show(cluster.allow_me(), form)
    if watch:
        cluster.watch_me(every=every).wait(display.to_stderr)


COMMANDS = (rules, allow, revoke, egress, plan, drift, exposure, audit, allow_me)
