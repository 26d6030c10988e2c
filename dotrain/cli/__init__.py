"""The facade from a shell, so that CI and cron can make, see and clean up."""

from __future__ import annotations

from typing import Any

import click

from dotrain import __version__
from dotrain.cli import access, costs, inside, jobs, machine, nodes, output, time


@click.group(cls=output.Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--sandbox", "sandboxed", is_flag=True, help="Work on the sandbox of this machine.")
@click.version_option(__version__)
def main(sandboxed: bool) -> None:
    """Firewalled Kubernetes training clusters on DigitalOcean.

    Works on the account of DIGITALOCEAN_TOKEN, or with --sandbox (or
    DOTRAIN_TARGET=sandbox) on a local DigitalOcean where nothing costs money.
    """
    if sandboxed:
        from dotrain.target import use_sandbox

        use_sandbox()


@main.command()
@click.argument("name")
@click.option("--size", help="Droplet size of the training nodes.")
@click.option("--count", type=int, help="Number of training nodes.")
@click.option(
    "--pool",
    "pools",
    multiple=True,
    metavar="name=…,size=…,count=…",
    help="A pool, instead of --size and --count; also min=, max=, label=, taint=. Name all.",
)
@click.option("--region", help="DigitalOcean region.")
@click.option("--version", help="Kubernetes version of a new cluster.")
@click.option("--allow", multiple=True, help="Who may enter: me, an address or a CIDR. Repeatable.")
@click.option("--open-to-world", is_flag=True, default=None, help="Let --allow be everybody.")
@click.option("--egress", multiple=True, help="What nodes may reach. Repeatable.")
@click.option(
    "--reaper/--no-reaper", default=None, help="A job in the cluster that ends what is due."
)
@click.option("--budget", help="US dollars that it may cost in all, such as 50; or none.")
@click.option("--max-age", help="How long it may live, such as 12h; or none.")
@click.option("--idle", help="How long nothing may run on it, such as 1h; or none.")
@click.option("--wait/--no-wait", default=True, help="Or go on, and 'dotrain wait' for it later.")
@click.option("--replace", metavar="NAME", help="The name again, if it may be destroyed for it.")
@nodes.drained
@output.force
@output.shown
def up(
    name: str,
    *,
    size: str | None,
    count: int | None,
    pools: tuple[str, ...],
    allow: tuple[str, ...],
    egress: tuple[str, ...],
    **options: Any,
) -> None:
    """Make the cluster NAME, or bring it to what is asked for."""
    from dotrain import lifecycle

    asked = {**nodes.asked(name, size, count, pools), **options}
    made = lifecycle.up(name, allow=allow or None, egress=egress or None, **asked)
    click.echo(repr(made))


@main.command()
@output.form
def ls(form: str) -> None:
    """List the clusters that dotrain made in this account."""
    from dotrain import recall

    output.show(recall.clusters(), form)


@main.command()
@click.argument("name")
@output.shown
def wait(name: str) -> None:
    """Wait for the operation that runs on the cluster NAME, and show it."""
    from dotrain import lifecycle

    cluster = lifecycle.get(name)
    if cluster.operation is not None:
        cluster.operation.wait()
    click.echo(repr(cluster))


@main.command()
@click.argument("name")
def kubeconfig(name: str) -> None:
    """Write a kubeconfig for NAME, good for 8 hours, and print its path."""
    from dotrain import lifecycle

    click.echo(lifecycle.get(name, wait=False).kubeconfig())


@main.command()
@click.argument("name")
@click.option("--confirm", help="The cluster's name; without it the name is asked for.")
@output.form
@output.shown
def down(name: str, confirm: str | None, form: str) -> None:
    """Delete the cluster NAME with everything around it, and prove that nothing is left."""
    from dotrain import lifecycle

    output.show(lifecycle.down(name, confirm=confirm), form)


for command in (
    *nodes.COMMANDS,
    *access.COMMANDS,
    *inside.COMMANDS,
    *jobs.COMMANDS,
    *costs.COMMANDS,
    *time.COMMANDS,
    *machine.COMMANDS,
):
    main.add_command(command)
