"""The parts of a control plane, each by itself: its guard, its door, its nodes, its tokens."""

from __future__ import annotations

import json
import subprocess
import sys

import psutil

GUARD = [sys.executable, "-m", "dotrain.sandbox.kubernetes.guard"]


def test_when_the_second_program_does_not_start_the_first_one_ends(tmp_path):
    first = {"etcd": ["sleep", "98765"], "kube-apiserver": ["/nonexistent"]}
    asked = {"directory": str(tmp_path), "first": first, "then": {}}
    with subprocess.Popen(
        GUARD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as guard:
        # The pipe stays open: the sandbox is still there.
        guard.stdin.write(json.dumps(asked).encode() + b"\n")
        guard.stdin.flush()
        assert b"/nonexistent" in guard.stderr.read()
        assert guard.wait(10) == 1
    commands = [one.info["cmdline"] for one in psutil.process_iter(["cmdline"])]
    assert first["etcd"] not in commands
