"""Serve notebooks by a real Jupyter server of their own: for tests, pictures and benchmarks."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from scripts import notebooks

_PATIENCE = 240.0

# What JupyterLab asks or shows on its first start, and is in the way of everything else.
_QUIET = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
_THEMES = "@jupyterlab/apputils-extension/themes"


@dataclass(frozen=True)
class Server:
    """A Jupyter server that runs.

    Parameters
    ----------
    url : str
        Where it listens, on this machine only.
    token : str
        What lets one in.
    directory : pathlib.Path
        What it serves.
    settings : pathlib.Path
        The directory of its users' settings.
    """

    url: str
    token: str
    directory: Path
    settings: Path

    def lab(self, notebook: str) -> str:
        """Return the address of a notebook in JupyterLab, without what was open before."""
        return f"{self.url}/lab/tree/{notebook}?reset&token={self.token}"

    def classic(self, notebook: str) -> str:
        """Return the address of a notebook in Notebook 7."""
        return f"{self.url}/notebooks/{notebook}?token={self.token}"

    def write(self, name: str, *cells: str) -> Path:
        """Write a notebook of code cells, and return its file."""
        kernel = {"name": "python3", "display_name": "Python 3"}
        path = self.directory / name
        path.write_text(notebooks.text(notebooks.of(*cells, kernelspec=kernel)), "utf-8")
        return path

    def theme(self, name: str) -> None:
        """Choose ``"light"`` or ``"dark"`` for pages opened from now on."""
        _set(self.settings, _THEMES, {"theme": f"JupyterLab {name.capitalize()}"})

    def stop_kernels(self) -> None:
        """Shut all kernels down, as the menu does."""
        with self._client() as client:
            for session in client.get("/api/sessions").raise_for_status().json():
                client.delete(f"/api/sessions/{session['id']}").raise_for_status()

    def _client(self) -> httpx.Client:
        headers = {"Authorization": f"token {self.token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)


@contextmanager
def jupyter(directory: Path, **environment: str) -> Iterator[Server]:
    """Serve the notebooks of a directory by JupyterLab and Notebook 7, with default settings.

    Parameters
    ----------
    directory : pathlib.Path
        The notebooks; what the server itself keeps is in a hidden one beside them.
    **environment : str
        Variables of the kernels' environment.

    Yields
    ------
    Server
        The server, once it answers; it and its kernels end with the context.
    """
    own = directory / ".jupyter"
    settings = own / "settings"
    for name, value in _QUIET.items():
        _set(settings, name, value)
    token = secrets.token_hex(16)
    variables = {
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "JUPYTER_TOKEN": token,
        # Kernels write what they think of frozen modules into the server's output.
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    log = own / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                *("--ServerApp.port=0", "--ServerApp.ip=127.0.0.1"),
                *(f"--ServerApp.root_dir={directory}", "--LabApp.expose_app_in_browser=True"),
                "--JupyterNotebookApp.expose_app_in_browser=True",
                f"--LabApp.user_settings_dir={settings}",
                f"--LabApp.workspaces_dir={own / 'workspaces'}",
                f"--IdentityProvider.cookie_name=dotrain-{secrets.token_hex(4)}",
            ],
            env={**os.environ, **variables, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            url = _address(own / "runtime", process, log)
            yield Server(url, token, directory, settings)
        finally:
            process.terminate()
            process.wait(30)


def _address(runtime: Path, process: subprocess.Popen[bytes], log: Path) -> str:
    # The server writes the port that the system gave it into a file, once it listens.
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        for file in runtime.glob(f"jpserver-{process.pid}.json"):
            try:
                port = int(json.loads(file.read_text())["port"])
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except (ValueError, OSError):
                continue
            return f"http://127.0.0.1:{port}"
        time.sleep(0.05)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}")


def _set(settings: Path, name: str, value: dict[str, object]) -> None:
    file = settings / f"{name}.jupyterlab-settings"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value))
