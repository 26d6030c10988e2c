"""Commands about this machine: what it lacks, its engine, its sandbox."""

from __future__ import annotations

import json
import sys
from typing import Literal

import click

from dotrain.cli import output


@click.command()
@output.form
def doctor(form: str) -> None:
    """Check this machine; ends with status 1 when something has to be mended."""
    from dotrain import checkup

    frame = checkup.doctor()
    output.show(frame, form)
    if (frame.status == "FAIL").any():
        sys.exit(1)


@click.group()
def engine() -> None:
    """Manage the Pulumi CLI that dotrain drives."""


@engine.command("install")
@click.option("--route", type=click.Choice(["auto", "download", "build"]), default="auto")
@click.option("--force", is_flag=True, help="Also when there is one already.")
def engine_install(route: Literal["auto", "download", "build"], force: bool) -> None:
    """Get the Pulumi CLI: download it, or build it (about 4 minutes on 2 cores)."""
    from dotrain import display
    from dotrain.engine import install, provider
    from dotrain.errors import ProviderNotFound

    if route == "auto" and not force:
        found = install.ensure(display.to_stderr)
    else:
        found = install.install(display.to_stderr, route=route, force=force)
    click.echo(f"Pulumi CLI {found.version} ({found.origin}): {found.path}")
    try:
        plugin = provider.official() or provider.fetch(found, display.to_stderr)
        click.echo(f"DigitalOcean provider {plugin.version}: {plugin.directory}")
    except ProviderNotFound as error:
        # The sandbox does without; DigitalOcean itself will ask for it again.
        click.echo(f"DigitalOcean provider: none. {error.why} The sandbox has a stand-in.")


@engine.command("install-helm")
def engine_install_helm() -> None:
    """Build Helm, for cluster.ray() and cluster.dask() (about 2 minutes on 2 cores)."""
    from dotrain import display
    from dotrain.engine import helm

    click.echo(f"Helm {helm.VERSION}: {helm.install(display.to_stderr)}")


@click.group()
def sandbox() -> None:
    """Manage the local DigitalOcean."""


@sandbox.command("start")
@click.option(
    "--kubernetes/--no-kubernetes",
    default=None,
    help="Whether new clusters get a control plane, until it is said again.",
)
def sandbox_start(kubernetes: bool | None) -> None:
    """Start the sandbox, which then runs until it is stopped."""
    from dotrain import target

    click.echo(f"The sandbox answers at {target.use_sandbox(kubernetes=kubernetes).url}.")


@sandbox.command("install-kubernetes")
def sandbox_install_kubernetes() -> None:
    """Build the control plane that sandbox clusters can have (about 10 minutes on 2 cores)."""
    from dotrain import display
    from dotrain.engine import kubernetes

    click.echo(f"Kubernetes {kubernetes.VERSION}: {kubernetes.install(display.to_stderr)}")


@sandbox.command("stop")
def sandbox_stop() -> None:
    """Stop the sandbox; what was made in it is kept."""
    from dotrain import target

    click.echo("Stopped." if target.stop_sandbox() else "No sandbox was running.")


@sandbox.command("reset")
@click.confirmation_option(prompt="Delete everything in the sandbox?")
def sandbox_reset() -> None:
    """Empty the sandbox."""
    from dotrain import target

    target.reset_sandbox()
    click.echo("The sandbox is empty.")


@sandbox.command("status")
def sandbox_status() -> None:
    """Show where the sandbox answers; ends with status 1 when none runs."""
    from dotrain import target

    running = target.running_sandbox()
    if not running:
        raise click.ClickException("No sandbox runs. Start one with 'dotrain sandbox start'.")
    click.echo(json.dumps({key: running[key] for key in ("url", "pid", "id")}, indent=2))


COMMANDS = (doctor, engine, sandbox)
