"""``python -m dotrain.sandbox serve``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

_TAKEN = 3


@click.group()
def main() -> None:
    """Run a local DigitalOcean."""


@main.command()
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default="the last one")
@click.option("--delay", type=click.FloatRange(min=0), default=3.0, show_default=True)
def serve(data: Path, port: int, delay: float) -> None:
    """Serve the sandbox in a directory until it is told to stop."""
    # Imported late: --help needs no web server.
    from dotrain.sandbox import serve as server

    try:
        server.serve(data.absolute(), port, delay, click.echo)
    except server.Taken as error:
        click.echo(str(error), err=True)
        sys.exit(_TAKEN)
    except OSError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main(prog_name="python -m dotrain.sandbox")
