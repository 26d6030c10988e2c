"""A Pod's own paths and names, as this machine has them: pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dotrain.sandbox.answers import Doc

LOOPBACK = "127.0.0.1"
_WORD = r"[\w.-]"


class Local:
    """Replaces what is elsewhere on this machine than it is in the Pod.

    A mount path is replaced where it stands by itself or begins a longer path:
    ``/data`` in ``--in=/data/x`` and ``file:///data/x``, but not in ``/database``,
    ``/mnt/data``, ``https://host/data`` or ``-I/data``. The names
    ``<hostname>.<subdomain>`` of the Pods of one Indexed Job, the full names of
    services of its namespace, and the Pod's own address become 127.0.0.1; so does
    0.0.0.0, which is the Pod's own network, and would be the whole one of this machine.

    Parameters
    ----------
    pod : Doc
        The Pod.
    mounts : mapping of str to str
        The local path of each mount path of a container.
    address : str
        The Pod's IP address.
    """

    def __init__(self, pod: Doc, mounts: Mapping[str, str], address: str) -> None:
        # What is mounted as the whole file system cannot be told from the rest of it.
        whole = {f"/{path.strip('/')}": here for path, here in mounts.items()}
        self._mounts = {path: here for path, here in whole.items() if path != "/"}
        # The longest first: one may lie in another.
        paths = "|".join(re.escape(path) for path in sorted(self._mounts, key=len, reverse=True))
        before = rf"(?:(?<=file://)|(?<!{_WORD})(?<!/))"
        self._paths = re.compile(rf"{before}({paths})(?!{_WORD})") if paths else None
        names = rf"{_names(pod)}{_services(pod)}|{re.escape(address)}|0\.0\.0\.0"
        self._names = re.compile(rf"(?<!{_WORD})({names})(?!{_WORD})")

    def __call__(self, text: str) -> str:
        """Return `text` with what is elsewhere replaced."""
        if self._paths is not None:
            text = self._paths.sub(lambda found: self._mounts[found[1]], text)
        return self._names.sub(LOOPBACK, text)


def _names(pod: Doc) -> str:
    """Return an expression for the DNS names of a Pod and of its like, with a bar at its end."""
    spec, space = pod["spec"], re.escape(pod["metadata"]["namespace"])
    if not spec.get("subdomain"):
        return ""
    host = spec.get("hostname") or pod["metadata"]["name"]
    base, dash, index = host.rpartition("-")
    every = rf"{re.escape(base)}-\d+" if dash and index.isdigit() else re.escape(host)
    service = re.escape(spec["subdomain"])
    return rf"{every}\.{service}(?:\.{space}(?:\.svc(?:\.cluster\.local)?)?)?|"


def _services(pod: Doc) -> str:
    """Return an expression for the full DNS names of the services of a Pod's namespace."""
    space = re.escape(pod["metadata"]["namespace"])
    return rf"[a-z][a-z0-9-]*\.{space}\.svc(?:\.cluster\.local)?"


def expand(text: str, known: Mapping[str, str]) -> str:
    """Return `text` with each ``$(NAME)`` replaced that is known; ``$$`` stands for ``$``.

    As Kubernetes does it: what is not known stays as it is.
    """

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return known.get(found[1], found[0])

    return re.sub(r"\$\$|\$\(([^)]*)\)", value, text)
