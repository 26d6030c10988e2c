"""Operators, installed by their own Helm charts and confined to one namespace.

Helm gets the path of a kubeconfig of dotrain's own, never the user's context,
and none of the user's Helm settings. Everything that a chart's values change
from its defaults stands with the framework it is for.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dotrain import config, ownfiles
from dotrain.engine import child, helm
from dotrain.engine.exclusive import every, exclusive
from dotrain.errors import OperatorFailed

_LIMIT = 300.0
_KEY = re.compile(r"[A-Za-z]+:")
# Seconds for Helm to end when it is told to; for what is under way elsewhere, which
# takes Helm a few; and between two looks at that.
_GRACE, _PENDING, _LOOK = 10, 20.0, 2.0
_REPEAT, _ATTEMPTS = 10.0, 3
# What Helm says when somebody else is faster.
_BUSY = ("another operation", "cannot re-use a name")
_NETWORK = ("dial tcp", "no such host", "i/o timeout", "cannot be reached")
# Definitions are long, and the one that is written in Python takes seconds for them.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
    with _alone(note):
        note(f"Installing {chart.what} with Helm ({program}).")
        with tempfile.TemporaryDirectory(prefix="dotrain-") as room:
            do = _Helm(program, kubeconfig, namespace, room)
            for _ in range(_ATTEMPTS):
                failure = _settle(do, chart, note) or _upgrade(do, chart)
                if not any(words in failure for words in _BUSY):
                    break
    if failure:
        raise OperatorFailed(
            f"{chart.what[:1].upper()}{chart.what[1:]} could not be installed.",
            f"Helm said: {failure}.",
            _advice(chart, failure, namespace),
        )


def definitions(chart: Chart) -> list[dict[str, Any]]:
    """Return the kinds of objects that a chart defines, which Helm makes once and never changes.

    Raises
    ------
    HelmNotFound, OperatorFailed
        As `install`.
    """
    program = helm.find()
    with tempfile.TemporaryDirectory(prefix="dotrain-") as room:
        lines: list[str] = []
        command = [str(program), "show", "crds", chart.source, *_origin(chart)]
        outcome = child.run(
            command, limit=_LIMIT, env=_environment(room), cwd=Path(room), on_line=lines.append
        )
    if outcome.failure:
        raise OperatorFailed(
            f"The definitions of {chart.what} cannot be read.",
            f"Helm said: {outcome.failure}.",
            _advice(chart, outcome.failure, ""),
        )
    return [one for one in yaml.load_all("\n".join(_apart(lines)), _LOADER) if one]


def _apart(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines of documents, of which Helm puts some together without a mark between."""
    seen: set[str] = set()
    for line in lines:
        key = _KEY.match(line)
        if line.startswith("---"):
            seen = set()
        elif key and key[0] in seen:
            seen = set()
            yield "---"
        if key:
            seen.add(key[0])
        yield line


def uninstall(chart: Chart, kubeconfig: Path, namespace: str) -> None:
    """Take out what `install` put in, where it is there; its resource definitions stay.

    With them would go every cluster that uses them, also somebody else's.

    Raises
    ------
    HelmNotFound, OperatorFailed
        As `install`.
    """
    program = helm.find()
    with _alone(lambda _: None), tempfile.TemporaryDirectory(prefix="dotrain-") as room:
        failure = _Helm(program, kubeconfig, namespace, room).run(*_removal(chart))
    if failure:
        raise OperatorFailed(
            f"{chart.what[:1].upper()}{chart.what[1:]} could not be taken out.",
            f"Helm said: {failure}.",
            "Look at the cluster's events(), and run the same call again.",
        )


@dataclass(frozen=True)
class _Helm:
    """Helm, for one namespace of one cluster."""

    program: Path
    kubeconfig: Path
    namespace: str
    room: str

    def run(self, *command: str, take: Callable[[str], None] | None = None) -> str:
        """Run Helm to its end and return why it failed; empty when it did not."""
        where = ["--kubeconfig", str(self.kubeconfig), "--namespace", self.namespace]
        outcome = child.run(
            [str(self.program), *command, *where],
            limit=_LIMIT,
            env=_environment(self.room),
            cwd=Path(self.room),
            on_line=take,
            # Told to end, it says in the release that it was cut off.
            grace=_GRACE,
        )
        return outcome.failure.removeprefix("Error: ")


def _environment(room: str) -> dict[str, str]:
    # Repositories, plugins and caches of the user's own are none of this one's.
    own = ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")
    return {**config.environment_for_helm(), **dict.fromkeys(own, room)}


@contextmanager
def _alone(note: Callable[[str], object]) -> Iterator[None]:
    """Let one process of this machine at a time change what is installed."""

    def tell(holder: str, _: float) -> None:
        note(f"Waiting for {holder}, which uses Helm.")

    place = ownfiles.private_dir(config.home() / "helm") / "charts.lock"
    with exclusive(place, every(_REPEAT, tell)):
        yield


def _upgrade(do: _Helm, chart: Chart) -> str:
    values = Path(do.room) / "values.json"
    # JSON is YAML, which is what Helm reads.
    values.write_text(json.dumps(chart.values), "utf-8")
    command = ["upgrade", "--install", chart.release, chart.source, *_origin(chart)]
    return do.run(*command, "--values", str(values))


def _settle(do: _Helm, chart: Chart, note: Callable[[str], object]) -> str:
    """Wait for what another machine does to a release; take out what was cut off.

    Helm itself takes a release for busy for ever whose installation was killed.
    """
    deadline, told = time.monotonic() + _PENDING, False
    while True:
        lines: list[str] = []
        filters = ["--all", "--filter", f"^{chart.release}$", "--output", "json"]
        failure = do.run("list", *filters, take=lines.append)
        if failure:
            return failure
        found = [one["status"] for one in json.loads("".join(lines) or "[]")]
        if not any(status.startswith(("pending", "uninstalling")) for status in found):
            return ""
        if time.monotonic() >= deadline:
            note(f"The installation of {chart.what} was cut off, and begins anew.")
            return do.run(*_removal(chart))
        if not told:
            note(f"Waiting for another installation of {chart.what}, or what is left of it.")
            told = True
        time.sleep(_LOOK)


def _removal(chart: Chart) -> list[str]:
    return ["uninstall", chart.release, "--ignore-not-found", "--wait"]


def _origin(chart: Chart) -> list[str]:
    return ["--repo", chart.repository, "--version", chart.version] if chart.repository else []


def _advice(chart: Chart, failure: str, namespace: str) -> str:
    if "cluster unreachable" in failure:
        return "Let this machine reach the cluster's Kubernetes API, and run the same call again."
    if any(words in failure for words in _BUSY):
        return "Somebody else installs it: run the same call again when that has ended."
    if chart.repository and any(words in failure for words in (chart.repository, *_NETWORK)):
        return (
            f"Let this machine reach the chart's repository ({chart.repository}), or install the "
            "operator yourself; then run the same call again."
        )
    return (
        f"Mend what Helm names, or install the operator in the namespace {namespace!r} yourself; "
        "then run the same call again."
    )
