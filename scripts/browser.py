"""Find a Chromium that really starts: one place for tests, pictures and benchmarks.

Taken is the first of these that starts without a window and draws text:

1. what ``DOTRAIN_CHROMIUM`` names, and then no other;
2. chromium, chromium-browser or google-chrome on ``PATH``;
3. the one that Playwright has downloaded;
4. one that ``make browser`` has put into the data directory.

Trying one takes a second or two, so that success is remembered until its file changes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from dotrain import config, ownfiles

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
"""How it is started: as root in a container, and without calls of its own."""

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PATIENCE = 60.0

# Without a font, letters take no room, or all the same box.
_PAGE = """data:text/html,<canvas></canvas><script>
const pen = document.querySelector('canvas').getContext('2d');
pen.font = '40px sans-serif';
function ink(letter) {
  pen.clearRect(0, 0, 300, 150);
  pen.fillText(letter, 50, 100);
  return pen.getImageData(0, 0, 300, 150).data.filter((value, at) => at %25 4 == 3 && value).length;
}
document.title = 0 < ink('i') && ink('i') < ink('W') ? 'text is drawn' : 'no text';
</script>"""


def chromium() -> Path:
    """Return a Chromium that starts; end the program with advice where there is none."""
    found = find()
    if found is None:
        sys.exit(advice())
    return found


def advice() -> str:
    """Say what to do where no Chromium starts."""
    named = os.getenv("DOTRAIN_CHROMIUM")
    if named:
        return (
            f"The Chromium that DOTRAIN_CHROMIUM names, {named}, does not start and draw text. "
            "Name another, or unset it and run 'make browser'."
        )
    return (
        "There is no Chromium that starts here and draws text. Run 'make browser', which gets one; "
        "or install one by hand (Debian: 'apt-get install chromium fonts-liberation', Ubuntu: "
        "'playwright install --with-deps chromium', macOS: Google Chrome), or name yours in "
        "DOTRAIN_CHROMIUM."
    )


def find() -> Path | None:
    """Return the first Chromium that starts, if there is one."""
    return next((path for path in _candidates() if works(path)), None)


def cache() -> Path:
    """Return the directory of those that ``make browser`` gets, made if need be."""
    return ownfiles.private_dir(config.home() / "chromium")


def works(path: Path) -> bool:
    """Return whether it starts and draws text; tried again only once its file has changed."""
    try:
        status = path.stat()
    except OSError:
        return False
    state = f"{status.st_mtime_ns} {status.st_size}"
    known = _known()
    if known.get(str(path)) == state:
        return True
    if not starts(path):
        return False
    ownfiles.write_private(_notes(), json.dumps({**known, str(path): state}))
    return True


def starts(path: Path) -> bool:
    """Start it once, and return whether it draws text."""
    command = [path, "--headless", *FLAGS, "--dump-dom", _PAGE.replace("\n", " ")]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return b"<title>text is drawn</title>" in done.stdout


def _candidates() -> Iterator[Path]:
    named = os.getenv("DOTRAIN_CHROMIUM")
    if named:
        yield Path(named).expanduser().absolute()
        return
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            yield Path(found)
    yield from _playwrights()
    yield from sorted(cache().glob("*/chromium"), key=lambda path: path.stat().st_mtime)[::-1]


def _playwrights() -> Iterator[Path]:
    # Asking Playwright itself starts its driver, which takes longer than all else here.
    package = find_spec("playwright")
    if package is None or package.origin is None:
        return
    listed = Path(package.origin).parent / "driver" / "package" / "browsers.json"
    try:
        browsers = json.loads(listed.read_text())["browsers"]
        revision = next(one["revision"] for one in browsers if one["name"] == "chromium")
    except (OSError, ValueError, LookupError, StopIteration):
        return
    caches = "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    default = Path(caches).expanduser() / "ms-playwright"
    directory = Path(os.getenv("PLAYWRIGHT_BROWSERS_PATH") or default)
    for program in ("chrome-*/chrome", "chrome-*/*.app/Contents/MacOS/*"):
        yield from directory.glob(f"chromium-{revision}/{program}")


def _notes() -> Path:
    return cache() / "started.json"


def _known() -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(_notes().read_text())
    except (OSError, ValueError):
        return {}
    return found
