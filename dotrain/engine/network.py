"""Whether a host can be reached at all, told in seconds rather than minutes."""

from __future__ import annotations

import queue
import socket
import threading
import urllib.request

VENDOR = "get.pulumi.com"
"""Where Pulumi serves its CLI and its plugins."""


def obstacle(host: str = VENDOR, port: int = 443, limit: float = 5.0) -> str:
    """Return why a host cannot be reached, as a clause; empty when nothing is in the way.

    Parameters
    ----------
    host : str
        The host to connect to.
    port : int
        Its port.
    limit : float
        Seconds to wait, name look-up included.

    Returns
    -------
    str
        The reason. Empty also where a proxy is set: then only the proxy can tell.
    """
    if "https" in urllib.request.getproxies() and not urllib.request.proxy_bypass(host):
        return ""
    answers: queue.SimpleQueue[str] = queue.SimpleQueue()

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout=limit).close()
        except OSError as error:
            answers.put(f"this machine cannot reach {host} ({error.strerror or error})")
        else:
            answers.put("")

    # A thread, since a look-up of a name has no time-out of its own.
    threading.Thread(target=connect, daemon=True).start()
    try:
        return answers.get(timeout=limit)
    except queue.Empty:
        return f"no answer from {host} within {limit:.0f} seconds"
