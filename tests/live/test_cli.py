"""The command line does what the notebook does, and says so to scripts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dotrain import cli
from tests.live.conftest import Sandbox

pytestmark = pytest.mark.long(100)


def run(*arguments: str, status: int = 0) -> Result:
    """Run a command in this process, which has imported everything already."""
    result = CliRunner().invoke(cli.main, ["--sandbox", *arguments])
    assert result.exit_code == status, result.stderr
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def shell(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command as a shell does: in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-m", "dotrain", "--sandbox", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    return result


def test_a_cluster_from_up_to_down(sandbox: Sandbox) -> None:
    made = shell("up", "shell", "--size", "s-4vcpu-8gb", "--count", "2", "--region", "nyc3")
    assert "shell: running" in made.stdout
    assert "create cluster" in made.stderr

    (row,) = json.loads(shell("ls", "--format", "json").stdout)
    assert (row["name"], row["nodes"]) == ("shell", 2)

    rules = json.loads(run("rules", "shell", "--format", "json").stdout)
    assert {"203.0.113.7/32"} == {
        rule["peer"]
        for rule in rules
        if rule["direction"] == "inbound" and rule["layer"] != "doks-managed"
    }

    run("resize", "shell", "--count", "3")
    run("up", "shell", "--count", "4")
    (row,) = json.loads(run("ls", "--format", "json").stdout)
    assert (row["nodes"], row["sizes"]) == (4, "s-4vcpu-8gb")

    assert "control-plane" in run("allow-me", "shell").stdout
    lines = json.loads(run("pause", "shell", "--no-drain", "--format", "json").stdout)
    (left,) = [one["item"] for one in lines if one["hourly"]]
    assert left == "pool system: 1 x s-1vcpu-2gb"
    resumed = run("resume", "shell")
    assert "4/4 s-4vcpu-8gb" in resumed.stdout
    other = ("up", "shell", "--pool", "name=gpu,min=1,max=2,label=team=nlp,taint=spot:NoExecute")
    assert "without train" in run(*other, status=1).stderr
    assert "1/1 (1-2) s-2vcpu-4gb" in run(*other, "--replace", "shell").stdout
    assert run("kubeconfig", "shell").stdout.strip().endswith("shell.yaml")

    unasked = shell("down", "shell", status=1)
    assert "--confirm" in unasked.stderr or "confirm='shell'" in unasked.stderr
    proof = json.loads(run("down", "shell", "--confirm", "shell", "--format", "json").stdout)
    assert {row["left"] for row in proof} == {0}
    assert run("ls").stdout == "none\n"


@pytest.mark.slow
def test_an_operation_that_another_shell_waits_for(sandbox: Sandbox) -> None:
    shell("up", "later", "--no-wait")
    waited = shell("wait", "later")
    assert "create cluster later" in waited.stderr
    assert "later: running" in waited.stdout
    run("down", "later", "--confirm", "later")
    assert "ClusterNotFound" in run("wait", "later", status=1).stderr


def test_access_from_a_shell(sandbox: Sandbox) -> None:
    run("up", "doors", "--allow", "me", "--egress", "web")
    rules = run("allow", "doors", "203.0.113.0/24", "--to", "https", "--label", "office").stdout
    assert "office" in rules
    assert "203.0.113.0/24" in run("rules", "doors", "--format", "csv").stdout
    assert run("drift", "doors").stdout == "none\n"
    assert "0 changes" in run("plan", "doors").stdout
    assert "control-plane" in run("exposure", "doors").stdout
    assert "audit passed" in run("audit", "doors").stdout
    assert json.loads(run("audit", "doors", "--format", "sarif").stdout)["version"] == "2.1.0"
    run("egress", "doors", "open")
    assert "DIG-0003" in run("audit", "doors", status=1).stdout
    reason = "The data set is on an odd port."
    accepted = ("audit", "doors", "--suppress", f"DIG-0003@dotrain-doors={reason}")
    assert f"[accepted: {reason}]" in run(*accepted).stdout
    found = json.loads(run(*accepted, "--format", "json").stdout)["findings"]
    assert {one["id"] for one in found if one["suppressed"] == reason} == {"DIG-0003"}
    (sarif,) = json.loads(run(*accepted, "--format", "sarif").stdout)["runs"]
    shown = [one["ruleId"] for one in sarif["results"] if reason in str(one["suppressions"])]
    assert shown == ["DIG-0003"]
    assert "without a reason" in run("audit", "doors", "--suppress", "DIG-0003", status=1).stderr
    run("revoke", "doors", "--label", "office")
    assert "InvalidAddress" in run("revoke", "doors", "me", status=1).stderr
    assert run("sweep").stdout == "none\n"
    assert "OpenToWorld" in run("up", "doors", "--allow", "0.0.0.0/0", status=1).stderr
    run("down", "doors", "--confirm", "doors")


def test_errors_are_a_paragraph_and_a_status(sandbox: Sandbox) -> None:
    said = shell("up", "shell", "--region", "nyc33", status=1).stderr
    assert "UnknownRegion" in said
    assert "nyc3" in said


def test_doctor_prints_a_table_of_checks(sandbox: Sandbox) -> None:
    checks = json.loads(shell("doctor", "--format", "json").stdout)
    assert {"check", "status", "found", "fix"} == set(checks[0])
    assert {check["status"] for check in checks} <= {"PASS", "WARN", "SKIP"}
    engine = next(check for check in checks if check["check"] == "Pulumi CLI")
    assert engine["status"] == "PASS"


def test_the_sandbox_says_where_it_is(sandbox: Sandbox) -> None:
    status = shell("sandbox", "status").stdout
    assert json.loads(status)["url"] == sandbox.url
    assert sandbox.token not in status


def test_the_engine_is_named(sandbox: Sandbox) -> None:
    assert "pulumi" in shell("engine", "install").stdout


def test_a_sandbox_can_be_stopped_started_and_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTRAIN_HOME", str(tmp_path))
    bare = [sys.executable, "-m", "dotrain", "sandbox"]

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*bare, *arguments], capture_output=True, text=True, check=False)

    assert command("status").returncode == 1
    assert "http://127.0.0.1:" in command("start").stdout
    assert command("status").returncode == 0
    assert "empty" in command("reset", "--yes").stdout
    assert command("stop").stdout == "Stopped.\n"
    assert command("stop").stdout == "No sandbox was running.\n"
