"""Install PyTorch for the test that runs torchrun, once: ``make torch``.

It gets an environment of its own in dotrain's data directory, beside the engine
and the control plane: PyPI's wheel for Linux brings CUDA, 5 GB of it. Pip takes
the smaller one for CPUs where ``PIP_INDEX_URL`` names PyTorch's index of those,
https://download.pytorch.org/whl/cpu.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from dotrain import config
from dotrain.engine.exclusive import every, exclusive

_PROJECT = Path(__file__).parents[1] / "pyproject.toml"
_STAMP = ".installed"


def requirement() -> str:
    """Return the project's extra ``torch``, such as ``"torch>=2.9"``."""
    # tomllib came with Python 3.11, and the project begins at 3.10.
    found = re.search(r'^torch = \[\n +"(torch>=[\d.]+)",\n\]$', _PROJECT.read_text(), re.MULTILINE)
    assert found
    return found[1]


def place() -> Path:
    """Return the environment's directory: one for each requirement and version of Python."""
    version = requirement().partition(">=")[2]
    python = ".".join(map(str, sys.version_info[:2]))
    return config.home() / "torch" / f"{version}-python{python}"


def installed() -> bool:
    """Return whether it is there, and whole."""
    return (place() / _STAMP).exists()


def main() -> None:
    """Install it, unless it is there; what was interrupted is done again."""
    directory = place()
    directory.parent.mkdir(mode=0o700, exist_ok=True)
    waits = every(30, lambda holder, _: say(f"Waiting for process {holder}."))
    with exclusive(directory.with_name(f"{directory.name}.lock"), waits):
        if installed():
            return
        say(f"Installing {requirement()} in {directory}: about a minute, once.")
        shutil.rmtree(directory, ignore_errors=True)
        venv.create(directory, with_pip=True)
        install = [directory / "bin" / "python", "-m", "pip", "install", "--quiet", requirement()]
        subprocess.run(install, check=True)
        (directory / _STAMP).touch()


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
