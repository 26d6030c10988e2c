"""The project's own files agree with each other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

import dotrain
from dotrain import config
from dotrain.engine import gotool, locate
from tests.browser.conftest import SCREENSHOTS

ROOT = Path(__file__).parents[1]
PROJECT = (ROOT / "pyproject.toml").read_text()


def _requirements(section: str) -> set[str]:
    # tomllib came with Python 3.11, and the project begins at 3.10.
    lines = re.search(rf"^{section} = \[\n(.*?)^\]", PROJECT, re.DOTALL | re.MULTILINE)
    assert lines
    return set(re.findall(r'^    "(.*)",$', lines.group(1), re.MULTILINE))


def test_conda_users_get_the_same_environment() -> None:
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (by_pip,) = [entry["pip"] for entry in entries if isinstance(entry, dict)]
    by_conda = {entry for entry in entries if isinstance(entry, str)}
    assert by_conda | set(by_pip) == (
        _requirements("dependencies")
        | _requirements("notebook")
        | {"python>=3.10", "pip", "--editable ."}
    )


def test_the_version_stands_once_in_code_and_metadata() -> None:
    assert f'version = "{dotrain.__version__}"' in PROJECT
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert f"## [{dotrain.__version__}]" in changelog or "## [Unreleased]" in changelog


def test_the_engine_built_is_the_engine_asked_for() -> None:
    module = gotool.module_file("pulumi", "go.mod").decode()
    assert f"github.com/pulumi/pulumi/pkg/v3 v{locate.VERSION}" in module
    assert f"github.com/pulumi/pulumi/sdk/v3 v{locate.VERSION}" in module


def test_the_control_plane_built_is_the_one_asked_for() -> None:
    module = gotool.module_file("kubernetes", "go.mod").decode()
    assert f"\tk8s.io/kubernetes v{config.KUBERNETES}" in module
    staging = re.findall(r"k8s\.io/\S+ => k8s\.io/\S+ (\S+)", module)
    assert set(staging) == {config.KUBERNETES.replace("1.", "v0.", 1)}


TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_readme_names_the_commands_that_exist() -> None:
    named = set(re.findall(r"`?make ([\w-]+)`?", (ROOT / "README.md").read_text()))
    assert {"demo", "test", "test-all"} <= named <= TARGETS


def test_ci_runs_commands_that_exist_and_keeps_the_screenshots() -> None:
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text()
    named = set(re.findall(r'"make ([\w-]+)"', workflow))
    assert {"gallery", "crash", "faults", "soak"} <= named <= TARGETS
    assert ".ci/run" in workflow
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    (job,) = yaml.safe_load(workflow)["jobs"].values()
    (kept,) = [step["with"]["path"] for step in job["steps"] if "upload" in step.get("uses", "")]
    assert ROOT / kept == SCREENSHOTS


def test_without_an_engine_the_suite_fails_and_says_how_to_get_one(tmp_path: Path) -> None:
    environment = {**os.environ, "DOTRAIN_HOME": str(tmp_path), "PATH": "/nonexistent"}
    environment.pop("DOTRAIN_PULUMI")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__))],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert "make engine" in result.stdout + result.stderr


def test_the_sandbox_is_kept_from_every_module_of_the_library() -> None:
    contract = PROJECT.split('name = "The sandbox imports nothing of the library"')[1]
    forbidden = set(re.findall(r'"(dotrain\.\w+)"', contract.split("[[tool")[0]))
    modules = {
        f"dotrain.{path.stem}"
        for path in (ROOT / "dotrain").iterdir()
        if path.stem.isidentifier() and not path.stem.startswith("__") and path.name != "py.typed"
    }
    assert forbidden - {"dotrain.sandbox"} == modules - {"dotrain.sandbox"}
