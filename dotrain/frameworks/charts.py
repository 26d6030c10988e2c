"""Operators, installed by their own Helm charts and confined to one namespace.

Helm gets the path of a kubeconfig of dotrain's own, never the user's context,
and none of the user's Helm settings. Everything that a chart's values change
from its defaults stands with the framework it is for.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dotrain import config
from dotrain.engine import child, helm
from dotrain.errors import OperatorFailed

_LIMIT = 300.0


@dataclass(frozen=True)
class Chart:
    """A chart, and how it is installed.

    Parameters
    ----------
    what : str
        What it installs, such as ``"the Dask operator"``.
    release : str
        The name that the installation has in the cluster.
    source : str
        The chart: a directory, or its name in `repository`.
    repository : str
        The URL of a chart repository; empty for a directory.
    version : str
        The chart's version; empty for a directory.
    values : mapping
        What it is told, as in a ``values.yaml``.
    """

    what: str
    release: str
    source: str
    repository: str = ""
    version: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


def install(chart: Chart, kubeconfig: Path, namespace: str, note: Callable[[str], object]) -> None:
    """Install a chart, or bring it to these values and this version.

    Parameters
    ----------
    chart : Chart
        What to install.
    kubeconfig : pathlib.Path
        For the cluster.
    namespace : str
        Where; it exists.
    note : callable
        Takes a sentence about what goes on.

    Raises
    ------
    HelmNotFound
        When there is no Helm on this machine.
    OperatorFailed
        When it cannot be installed; with Helm's own words.
    """
    program = helm.find()
    origin = ["--repo", chart.repository, "--version", chart.version] if chart.repository else []
    note(f"Installing {chart.what} with Helm ({program}).")
    with tempfile.TemporaryDirectory(prefix="dotrain-") as room:
        values = Path(room) / "values.json"
        # JSON is YAML, which is what Helm reads.
        values.write_text(json.dumps(chart.values), "utf-8")
        command = ["upgrade", "--install", chart.release, chart.source, *origin]
        failure = _run(program, [*command, "--values", str(values)], kubeconfig, namespace, room)
    if failure:
        raise OperatorFailed(
            f"{chart.what[:1].upper()}{chart.what[1:]} could not be installed.",
            f"Helm said: {failure}.",
            "Let this machine reach the chart's repository "
            f"({chart.repository or chart.source}), or install the operator in the namespace "
            f"{namespace!r} yourself; then run the same call again.",
        )


def uninstall(chart: Chart, kubeconfig: Path, namespace: str) -> None:
    """Take out what `install` put in, where it is there; its resource definitions stay.

    With them would go every cluster that uses them, also somebody else's.

    Raises
    ------
    HelmNotFound, OperatorFailed
        As `install`.
    """
    program = helm.find()
    command = ["uninstall", chart.release, "--ignore-not-found", "--wait"]
    with tempfile.TemporaryDirectory(prefix="dotrain-") as room:
        failure = _run(program, command, kubeconfig, namespace, room)
    if failure:
        raise OperatorFailed(
            f"{chart.what[:1].upper()}{chart.what[1:]} could not be taken out.",
            f"Helm said: {failure}.",
            "Look at the cluster's events(), and run the same call again.",
        )


def _run(program: Path, command: Sequence[str], kubeconfig: Path, namespace: str, room: str) -> str:
    """Run Helm to its end and return why it failed; empty when it did not."""
    environment = config.environment_for_helm()
    # Repositories, plugins and caches of the user's own are none of this one's.
    for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"):
        environment[name] = room
    where = ["--kubeconfig", str(kubeconfig), "--namespace", namespace]
    outcome = child.run(
        [str(program), *command, *where], limit=_LIMIT, env=environment, cwd=Path(room)
    )
    return outcome.failure.removeprefix("Error: ")
