"""The workflow that runs the sweep on GitHub: valid, with few rights, and commands that exist."""

from __future__ import annotations

import re
from typing import Any

import click
import pytest
import yaml

from dotrain import cli
from tests.unit.conftest import ROOT

TEXT = (ROOT / "docs" / "sweep.yml").read_text()
PAGE = (ROOT / "docs" / "time.md").read_text()


@pytest.fixture
def workflow() -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(TEXT)
    return found


def test_it_runs_on_a_schedule_and_by_hand_and_may_read_the_source_only(workflow) -> None:
    # YAML 1.1 takes the key "on" for true.
    triggers = workflow[True]
    assert re.fullmatch(r"[\d,]+ \* \* \* \*", triggers["schedule"][0]["cron"])
    assert "workflow_dispatch" in triggers
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["sweep"]["timeout-minutes"] <= 360


def test_its_commands_are_the_command_line_s_own(workflow) -> None:
    steps = workflow["jobs"]["sweep"]["steps"]
    lines = [step["run"] for step in steps if step.get("run", "").startswith("dotrain ")]
    assert [line.split()[1] for line in lines] == ["sweep"]
    for line in lines:
        command = cli.main.commands[line.split()[1]]
        options = {
            name for one in command.params if isinstance(one, click.Option) for name in one.opts
        }
        assert set(re.findall(r"--[\w-]+", line)) <= options


def test_the_token_is_a_secret_of_the_step_that_needs_it(workflow) -> None:
    steps = workflow["jobs"]["sweep"]["steps"]
    (step,) = [step for step in steps if "DIGITALOCEAN_TOKEN" in (step.get("env") or {})]
    assert step["run"].startswith("dotrain sweep")
    assert step["env"]["DIGITALOCEAN_TOKEN"] == "${{ secrets.DIGITALOCEAN_TOKEN }}"
    assert "env" not in workflow["jobs"]["sweep"]


def test_the_page_is_short_and_links_what_is_there() -> None:
    assert len(PAGE.splitlines()) <= 100
    for link in re.findall(r"\]\((\S+?)\)", PAGE):
        assert (ROOT / "docs" / link).exists()
