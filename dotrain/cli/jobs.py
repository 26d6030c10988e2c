"""Commands about the jobs of a cluster."""

from __future__ import annotations

from typing import Any

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
    from dotrain import recall

    found = recall.job(name, job).logs(follow=follow, rank=rank, tail=tail)
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


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND…")
@click.option("--job", "job_name", help="The job's name; otherwise one is made of the command.")
@click.option("--image", required=True, help="Container image.")
@click.option("--nodes", type=int, default=1, show_default=True, help="On how many nodes at once.")
@click.option("--gpus", "gpus_per_node", type=int, default=0, show_default=True, help="On each.")
@click.option("--cpus", type=float, help="vCPUs on each; otherwise most of what there is.")
@click.option("--memory", help="On each, such as 16Gi; otherwise most of what there is.")
@click.option("--files", multiple=True, help="A file or directory for its use. Repeatable.")
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="A variable. Repeatable.")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME",
    help="A variable of this shell that it gets as a secret. Repeatable.",
)
@click.option("--pool", help="The pool of nodes; otherwise the cheapest one that fits.")
@click.option("--retries", type=int, default=0, show_default=True, help="Of each node.")
@click.option("--timeout", help="How long it may take, such as 6h.")
@click.option("--down-after", is_flag=True, help="Delete NAME when the job has succeeded.")
@click.option("--wait/--no-wait", default=False, help="Follow its log, and end as it does.")
@output.shown
def run(
    name: str,
    *,
    command: tuple[str, ...],
    job_name: str | None,
    files: tuple[str, ...],
    env: tuple[str, ...],
    wait: bool,
    **options: Any,
) -> None:
    """Run a command on the nodes of the cluster NAME.

    One word is given to a shell: 'dotrain run bert --image … -- "python a.py && python b.py"'.
    With --down-after the cluster goes when the job has succeeded, with its logs
    kept on this machine; saying so is the confirmation.
    """
    from dotrain import lifecycle

    work = command[0] if len(command) == 1 else command
    job = lifecycle.get(name).run(
        work, name=job_name, files=files or None, env=dict(map(_variable, env)), **options
    )
    if wait:
        job.logs(follow=True)
        job.wait()
    click.echo(repr(job))


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--env does not understand {text!r}: it takes NAME=VALUE.")
    return name, value


COMMANDS = (run, jobs, logs, cancel)
