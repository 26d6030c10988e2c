"""PyTorch's own processes find each other by the very environment that a job gives them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dotrain
from scripts import install_torch

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
local, node = os.environ["LOCAL_RANK"], os.environ["NODE_RANK"]
print(f"rank {rank} of {size}, {local} on node {node}: the sum is {total.item():g}")
dist.destroy_process_group()
"""


@pytest.fixture(autouse=True)
def torch() -> None:
    assert INSTALLED, "There is no PyTorch. Run 'make torch', which takes a minute and 5 GB once."


@pytest.mark.parametrize("program", ["torchrun", "python"])
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
