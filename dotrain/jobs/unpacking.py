"""What unpacks a job's files in its Pod, with what most images have: a shell and tar.

From storage they come by a signed URL, with the first of python3, curl and wget
that there is. The URL is a secret: it stands in no command line, which others
on the node see.
"""

from __future__ import annotations

from dotrain.jobs.files import NAME

URL = "DOTRAIN_FILES_URL"
"""The variable with the signed URL of files that come from storage."""

# Without -o, root would give the files to whoever has that number.
_TAR = "tar -x -z -o -f"
_NO_TAR = (
    "command -v tar >/dev/null || "
    "{ echo 'The image has no tar, which unpacks files=.' >&2; exit 127; }"
)
_VOLUME = f"""\
{_NO_TAR}
exec {_TAR} "$DOTRAIN_FILES/{NAME}"
"""
_DOWNLOAD = f"""\
set -eu
umask 077
archive=".dotrain-{NAME}"
{_NO_TAR}
if command -v python3 >/dev/null; then
    python3 -c '
import os, shutil, sys, time, urllib.request
for pause in (1, 5, 20, None):
    try:
        with urllib.request.urlopen(os.environ["{URL}"], timeout=60) as answer:
            with open(sys.argv[1], "wb") as file:
                shutil.copyfileobj(answer, file)
        break
    except OSError as error:
        if pause is None or getattr(error, "code", 500) in (400, 403, 404):
            sys.exit("The files could not be fetched from storage: %s." % error)
        time.sleep(pause)
' "$archive"
elif command -v curl >/dev/null; then
    printf 'url = "%s"\\n' "${URL}" | curl -sSf --retry 5 --config - --output "$archive"
elif command -v wget >/dev/null; then
    printf '%s\\n' "${URL}" | wget -q --tries=5 --input-file=- --output-document="$archive"
else
    echo 'The image has none of python3, curl and wget, to fetch files= from storage.' >&2
    exit 127
fi
umask 022
{_TAR} "$archive"
rm -f "$archive"
"""


def unpack_command(*, stored: bool) -> list[str]:
    """Return the command that unpacks a job's files into the directory that it is run in.

    Parameters
    ----------
    stored : bool
        Whether they come from storage, by the URL in ``DOTRAIN_FILES_URL``;
        otherwise they are in the directory ``DOTRAIN_FILES``.
    """
    return ["/bin/sh", "-c", _DOWNLOAD if stored else _VOLUME]
