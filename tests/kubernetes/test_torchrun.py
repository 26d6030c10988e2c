"""PyTorch's own processes find each other by the very environment that a job gives them."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

import dotrain
from scripts import install_torch
from tests.kubernetes import work

pytestmark = pytest.mark.long(40)

DOCS = Path(__file__).parents[2] / "docs" / "training.md"
IMAGE = "pytorch/pytorch:2.9.0-cuda12.8-cudnn9-runtime"
# Before any test gets a data directory of its own.
BIN = install_torch.place() / "bin"
INSTALLED = install_torch.installed()

TRAIN = """
import os
import torch
import torch.distributed as dist

dist.init_process_group("gloo")
rank, size = dist.get_rank(), dist.get_world_size()
total = torch.tensor([10.0 ** rank])
dist.all_reduce(total)
local, node = os.environ.get("LOCAL_RANK", "0"), os.environ["NODE_RANK"]
print(f"rank {rank} of {size}, {local} on node {node}: the sum is {total.item():g}")
dist.destroy_process_group()
"""


@pytest.fixture(autouse=True)
def torch() -> None:
    assert INSTALLED, "There is no PyTorch. Run 'make torch', which takes a minute and 5 GB once."


@pytest.mark.parametrize("program", ["torchrun", pytest.param("python", marks=pytest.mark.slow)])
def test_the_processes_of_two_nodes_meet_and_add_up_what_each_has(
    cluster: dotrain.Cluster, tmp_path: Path, program: str
) -> None:
    (tmp_path / "train.py").write_text(TRAIN)
    job = cluster.run(
        [str(BIN / program), "train.py"],
        name=f"by-{program}",
        image=IMAGE,
        nodes=2,
        files=tmp_path / "train.py",
    )
    job.wait("60s")
    for rank in (0, 1):
        (line,) = [one for one in job.logs(rank=rank) if one.startswith("rank")]
        assert line == f"rank {rank} of 2, 0 on node {rank}: the sum is 11"


@pytest.mark.slow
def test_the_program_of_the_documentation_stops_when_told_and_goes_on_from_there(tmp_path) -> None:
    (code,) = re.findall(r"```python\n(import os, signal.*?)```", DOCS.read_text(), re.DOTALL)
    # Slow enough to be stopped in between, and it says where it begins.
    code = code.replace("optimizer.step()", "optimizer.step(); time.sleep(0.02)")
    code = code.replace("stop = torch", "print('from', first); stop = torch")
    (tmp_path / "train.py").write_text(f"import time\n{code}")
    env = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0", "WORLD_SIZE": "1", "RANK": "0"}

    def begin() -> subprocess.Popen[str]:
        command = [str(BIN / "python"), "-W", "ignore", "train.py"]
        return subprocess.Popen(
            command,
            cwd=tmp_path,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    with begin() as first:
        try:
            work.until(lambda: catches_sigterm(first.pid))
            first.terminate()
            said = first.communicate(timeout=30)[0]
        finally:
            first.kill()
    assert (first.returncode, said.splitlines()[-1]) == (143, "from 0")
    steps = []
    for _ in range(2):
        # The second time there is nothing left to do.
        with begin() as again:
            said = again.communicate(timeout=60)[0]
        assert "rank 0 of 1: loss " in said
        steps.append(int(said.partition("from ")[2].split()[0]))
    assert 0 < steps[0] < 100
    assert steps[1] == 100


def catches_sigterm(pid: int) -> bool:
    """Whether a process has said what to do on SIGTERM: the last thing before it trains."""
    (caught,) = re.findall(r"SigCgt:\t(\w+)", Path(f"/proc/{pid}/status").read_text())
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.slow
def test_the_function_of_the_documentation_trains_one_model_on_two_nodes(
    cluster: dotrain.Cluster,
) -> None:
    (code,) = re.findall(r"```python\n(def train.*?)```", DOCS.read_text(), re.DOTALL)
    notebook = {"__name__": "__main__"}
    exec(code, notebook)
    path = f"{BIN}:/usr/bin:/bin"
    job = cluster.run(notebook["train"], args=[50], nodes=2, image=IMAGE, env={"PATH": path})
    (first, weights), (second, same) = job.wait("60s").result()
    # Each has data of its own, and their mean changes the weights of both alike.
    assert first != second
    assert weights == same
    assert weights[0] == pytest.approx([1.0] * 8, abs=0.05)
