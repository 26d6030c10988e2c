"""Commands about the nodes of a cluster, and what options say of its pools."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import click

from dotrain.cli import costs, output

_NUMBERS = ("count", "min", "max")
_FORM = "name=NAME,size=SIZE,count=N,min=N,max=N,label=KEY=VALUE,taint=KEY=VALUE:EFFECT"


def asked(name: str, size: str | None, count: int | None, pools: Iterable[str]) -> dict[str, Any]:
    """Return what options of ``up`` say of the pools of the cluster `name`, as its arguments."""
    given = {key: value for key, value in (("size", size), ("count", count)) if value is not None}
    if pools and given:
        raise click.UsageError("Give --pool alone, or --size and --count for the only pool.")
    if pools:
        having = {pool.name: pool for pool in _pools(name)}
        return {"pools": [_parse(text, having) for text in pools]}
    return {"pool": _only_pool(name, given)} if given else {}


def _pools(name: str) -> tuple[Any, ...]:
    """Return the pools of the cluster `name`; none of one that does not exist."""
    from dotrain import lifecycle
    from dotrain.errors import ClusterNotFound

    try:
        return lifecycle.get(name, wait=False).spec.pools
    except ClusterNotFound:
        return ()


def _only_pool(name: str, given: dict[str, Any]) -> Any:
    """Return the one training pool of `name`, or a new cluster's, with what is given."""
    from dotrain.pools import Pool

    pools = _pools(name) or (Pool(),)
    if len(pools) > 1:
        raise click.UsageError(f"{name} has several node pools: use 'dotrain resize --pool'.")
    return replace(pools[0], **given)


def _parse(text: str, having: dict[str, Any]) -> Any:
    """Return the pool that an option says: what it does not say stays, or is as a new pool has it.

    Parameters
    ----------
    text : str
        As in `_FORM`; label and taint more than once.
    having : dict
        The pools that there are, by name.
    """
    from dotrain.pools import Pool

    given: dict[str, Any] = {}
    for part in text.split(","):
        key, _, value = (one.strip() for one in part.partition("="))
        if key in _NUMBERS and value.isdecimal():
            given[key] = int(value)
        elif key in ("name", "size") and value:
            given[key] = value
        elif key == "label" and "=" in value:
            label, _, content = value.partition("=")
            given.setdefault("labels", {})[label] = content
        elif key == "taint":
            given["taints"] = (*given.get("taints", ()), value)
        else:
            raise click.UsageError(f"--pool does not understand {part!r}: it takes {_FORM}.")
    pool = having.get(given.get("name", Pool().name), Pool())
    return replace(pool, **given)


def drained(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how nodes go."""
    command = click.option(
        "--drain-timeout", default="10m", show_default=True, help="How long draining may take."
    )(command)
    return click.option(
        "--drain/--no-drain", default=True, help="Or delete nodes with what runs on them."
    )(command)


@click.command()
@click.argument("name")
@click.option("--count", type=int, help="Number of nodes.")
@click.option("--size", help="Droplet size of the nodes.")
@click.option("--min", type=int, help="The fewest nodes, with --max: autoscaled from then on.")
@click.option("--max", type=int, help="The most nodes.")
@click.option("--pool", help="Which pool; needed when there are several.")
@drained
@output.shown
def resize(name: str, **options: Any) -> None:
    """Change the training nodes of the cluster NAME."""
    from dotrain import lifecycle

    click.echo(repr(lifecycle.get(name, wait=False).resize(**options)))


@click.command()
@click.argument("name")
@drained
@output.form
@output.shown
def pause(name: str, form: str, **options: Any) -> None:
    """Delete all training nodes of NAME until 'dotrain resume', and show what still costs."""
    from dotrain import lifecycle

    costs.show(lifecycle.get(name, wait=False).pause(**options), form)


@click.command()
@click.argument("name")
@output.shown
def resume(name: str) -> None:
    """Make the training nodes of NAME again that 'dotrain pause' deleted."""
    from dotrain import lifecycle

    click.echo(repr(lifecycle.get(name, wait=False).resume()))


COMMANDS = (resize, pause, resume)
