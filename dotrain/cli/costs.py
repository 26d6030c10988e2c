"""Commands about what things cost."""

from __future__ import annotations

from typing import Any

import click

from dotrain.cli import output


@click.command()
@click.option("--gpu", help="A GPU's model, or a part of it, such as h100.")
@click.option("--gpu-memory", help="Of all GPUs of a node together, at least, such as 80GB.")
@click.option("--max-price", help="US dollars an hour, at most.")
@click.option("--region", help="Where it has to be.")
@output.form
def sizes(form: str, **wanted: Any) -> None:
    """List the sizes that nodes can have, with prices, the cheapest first."""
    from dotrain import billing

    output.show(billing.sizes(**wanted), form)


@click.command()
@click.argument("name")
@output.form
def cost(name: str, form: str) -> None:
    """Show what the cluster NAME costs: an hour, a month, and so far."""
    from dotrain import lifecycle

    show(lifecycle.find(name)[0].cost(), form)


@click.command()
@output.form
def bill(form: str) -> None:
    """Show what everything with dotrain's label costs, and this month's bill of the account."""
    from dotrain import billing

    show(billing.bill(), form)


def show(found: Any, form: str) -> None:
    """Print a bill: in words and as a table, or as the data it is made of."""
    if form == "table":
        click.echo(str(found))
    else:
        output.show(found.frame, form)


COMMANDS = (sizes, cost, bill)
