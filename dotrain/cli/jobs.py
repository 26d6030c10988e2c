"""Commands about the jobs of a cluster."""

from __future__ import annotations

import click

from dotrain.cli import output


@click.command()
@click.argument("name")
@output.form
def jobs(name: str, form: str) -> None:
    """Show the jobs of the cluster NAME, the newest last."""
    from dotrain import lifecycle

    output.show(lifecycle.get(name, wait=False).jobs(), form)


@click.command()
@click.argument("name")
@click.argument("job", required=False)
@click.option("--follow", "-f", is_flag=True, help="Go on until it has ended, or until ^C.")
@click.option("--rank", type=int, help="Only this one.")
@click.option("--tail", type=int, help="Only so many lines, the last ones of each rank.")
def logs(name: str, job: str | None, follow: bool, rank: int | None, tail: int | None) -> None:
    """Show what JOB (or the newest one) on the cluster NAME has written."""
    from dotrain import lifecycle

    found = lifecycle.get(name, wait=False).job(job).logs(follow=follow, rank=rank, tail=tail)
    if not follow and len(found):
        click.echo(str(found))


@click.command()
@click.argument("name")
@click.argument("job")
@output.shown
def cancel(name: str, job: str) -> None:
    """End JOB on the cluster NAME for good; what it wrote is kept."""
    from dotrain import lifecycle

    found = lifecycle.get(name, wait=False).job(job)
    found.cancel()
    click.echo(f"{job} is {found.status.phase}.")


COMMANDS = (jobs, logs, cancel)
