"""Get a Chromium for the tests in a browser, once, unless this machine has one: ``make browser``.

First Playwright's own download. Where that cannot be reached, or lacks libraries,
and the machine is a Debian, its packages: they are downloaded by apt with a state
of its own and unpacked into dotrain's data directory, so that nothing of the
system changes and no one needs to be root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from dotrain.engine.exclusive import every, exclusive
from scripts import browser

_PACKAGES = ("chromium", "fonts-liberation")
_DOWNLOADING = 900.0
_STATUS = Path("/var/lib/dpkg/status")

_LAUNCHER = """#!/bin/sh
# Chromium, with the libraries and the font that were unpacked beside it.
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH={libraries}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}
FONTCONFIG_FILE=$here/fonts.conf
XDG_DATA_DIRS=$here/unpacked/usr/share:${{XDG_DATA_DIRS:-/usr/local/share:/usr/share}}
export LD_LIBRARY_PATH FONTCONFIG_FILE XDG_DATA_DIRS
exec "$here/unpacked/usr/lib/chromium/chromium" "$@"
"""

# Read after the machine's own settings: those of its sources and proxies hold, its hooks do not.
_APT = """#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Update::Pre-Invoke;
#clear Dpkg;
Dir::State "{work}";
Dir::State::lists "{work}/lists";
Dir::State::status "{status}";
Dir::Cache "{work}/cache";
Dir::Cache::archives "{work}/cache/archives";
APT::Sandbox::User "";
APT::Install-Recommends "false";
Debug::NoLocking "true";
"""

_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">unpacked/usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="relative">fonts</cachedir>
  {aliases}
</fontconfig>
"""
_ALIASES = {
    "sans-serif": "Liberation Sans",
    "serif": "Liberation Serif",
    "monospace": "Liberation Mono",
}


class NotInstalled(Exception):
    """One way to get it failed, and why."""


def main() -> None:
    """Get one, unless one starts already; say which it is."""
    found = browser.find()
    if found is None:
        if os.getenv("DOTRAIN_CHROMIUM"):
            sys.exit(browser.advice())
        waits = every(30, lambda holder, _: say(f"Waiting for {holder}, which gets the same."))
        with exclusive(browser.cache() / "install.lock", waits):
            found = browser.find() or install()
    say(f"Chromium: {found}")


def install() -> Path:
    """Get one in the first way that leads to one that starts, or end with what to do."""
    for way in (from_playwright, from_debian):
        try:
            way()
        except NotInstalled as error:
            say(f"  {error}")
            continue
        found = browser.find()
        if found is not None:
            return found
        say("  It came, but does not start here: libraries are missing.")
    sys.exit(browser.advice())


def from_playwright() -> None:
    """Let Playwright download the Chromium that it is made for."""
    say("Getting Chromium from Playwright: about 170 MB, once.")
    command = [sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"]
    impatient = {"PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "5000", **os.environ}
    try:
        run(command, environment=impatient)
    except NotInstalled as error:
        raise NotInstalled(f"Playwright's download cannot be reached. {error}") from error


def from_debian() -> None:
    """Unpack Debian's Chromium, and what it needs that is not installed, into the cache."""
    if not all(shutil.which(program) for program in ("apt-get", "apt-cache", "dpkg")):
        raise NotInstalled("This is no Debian: there is no apt-get.")
    say("Getting Chromium from Debian's packages: up to 200 MB, once; the system stays as it is.")
    # On the disk where it is going to be: a rename there happens whole or not at all.
    with tempfile.TemporaryDirectory(prefix=".new-", dir=browser.cache()) as name:
        work = Path(name)
        apt = configured(work)
        run(["apt-get", *apt, "update"])
        version = candidate(apt)
        run(["apt-get", *apt, "--yes", "--download-only", "install", *_PACKAGES])
        ready = work / "ready"
        (ready / "unpacked").mkdir(parents=True)
        for package in sorted((work / "cache" / "archives").glob("*.deb")):
            run(["dpkg", "-x", package, ready / "unpacked"])
        write_launcher(ready)
        place = browser.cache() / version
        shutil.rmtree(place, ignore_errors=True)
        ready.rename(place)


def configured(work: Path) -> list[str]:
    """Return the options that make apt keep all that it writes in `work`, and lock nothing else."""
    for directory in ("lists/partial", "cache/archives/partial"):
        (work / directory).mkdir(parents=True)
    settings = work / "apt.conf"
    settings.write_text(_APT.format(work=work, status=_STATUS))
    return ["--config-file", str(settings), "-qq"]


def candidate(apt: list[str]) -> str:
    """Return the version of Chromium that apt would install, as a directory's name."""
    said = run(["apt-cache", *apt, "policy", _PACKAGES[0]])
    for line in said.splitlines():
        name, _, version = line.strip().partition(": ")
        if name == "Candidate" and version != "(none)":
            return version.replace(":", "-")
    raise NotInstalled(f"The machine's sources of packages have no {_PACKAGES[0]}.")


def write_launcher(ready: Path) -> None:
    """Write what starts the Chromium in `ready` wherever that is moved to."""
    program = ready / "unpacked/usr/lib/chromium/chromium"
    if not program.exists():
        raise NotInstalled("The package has no program: Ubuntu's, for example, only names a snap.")
    libraries = {
        path.parent.relative_to(ready)
        for pattern in ("unpacked/usr/lib/*-linux-gnu*/*.so.*", "unpacked/lib/*-linux-gnu*/*.so.*")
        for path in ready.glob(pattern)
    }
    search = ":".join(f"$here/{directory}" for directory in sorted(libraries))
    launcher = ready / "chromium"
    launcher.write_text(_LAUNCHER.format(libraries=search))
    launcher.chmod(0o755)
    aliases = "\n  ".join(
        f"<alias><family>{name}</family><prefer><family>{font}</family></prefer></alias>"
        for name, font in _ALIASES.items()
    )
    (ready / "fonts.conf").write_text(_FONTS.format(aliases=aliases))


def run(command: list[str | Path], environment: dict[str, str] | None = None) -> str:
    """Run a command and return what it printed; raise `NotInstalled` with why it failed."""
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_DOWNLOADING,
            check=False,
        )
    except OSError as error:
        raise NotInstalled(f"'{command[0]}' cannot be started: {error.strerror}.") from error
    except subprocess.TimeoutExpired as error:
        raise NotInstalled(f"'{command[0]}' took more than {_DOWNLOADING:.0f} s.") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        told = [line for line in lines if line.lower().startswith(("e:", "error"))] or lines[-1:]
        raise NotInstalled(f"'{Path(command[0]).name}' failed: {told[0]}")
    return done.stdout


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
