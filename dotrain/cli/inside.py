"""Commands about what runs in a cluster."""

from __future__ import annotations

import threading

import click

from dotrain.cli import output


@click.command()
@click.argument("name")
@output.form
def nodes(name: str, form: str) -> None:
    """Show the nodes of the cluster NAME as Kubernetes sees them."""
    from dotrain import lifecycle

    output.show(lifecycle.get(name, wait=False).nodes(), form)


@click.command()
@click.argument("name")
@click.option("--namespace", "-n", help="Only those of this namespace.")
@output.form
def pods(name: str, namespace: str | None, form: str) -> None:
    """Show the Pods of the cluster NAME."""
    from dotrain import lifecycle

    output.show(lifecycle.get(name, wait=False).pods(namespace), form)


@click.command()
@click.argument("name")
@click.option("--namespace", "-n", help="Only what is about this namespace.")
@output.form
def events(name: str, namespace: str | None, form: str) -> None:
    """Show what has happened in the cluster NAME within the last hour."""
    from dotrain import lifecycle

    output.show(lifecycle.get(name, wait=False).events(namespace), form)


@click.command("wait-ready")
@click.argument("name")
@click.option("--timeout", default="10m", show_default=True, help="How long, such as 90s.")
@output.shown
def wait_ready(name: str, timeout: str) -> None:
    """Wait until all nodes of the cluster NAME are ready, and its own Pods run."""
    from dotrain import lifecycle

    lifecycle.get(name).wait_ready(timeout)
    click.echo(f"{name} is ready.")


@click.command()
@click.argument("name")
@click.argument("service")
@click.argument("port")
@click.option("--namespace", "-n", default="default", show_default=True, help="Where it is.")
@click.option("--local-port", type=int, help="The port on this machine; else one that is free.")
def forward(name: str, service: str, port: str, namespace: str, local_port: int | None) -> None:
    """Forward PORT of SERVICE (or pod/POD) in the cluster NAME to this machine, until ^C."""
    from dotrain import lifecycle

    cluster = lifecycle.get(name, wait=False)
    with cluster.forward(service, port, namespace=namespace, local_port=local_port) as opened:
        click.echo(opened.url)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            click.echo("Closed.", err=True)


COMMANDS = (nodes, pods, events, wait_ready, forward)
