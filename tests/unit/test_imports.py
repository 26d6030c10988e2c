"""Importing dotrain is quick: what is slow comes when it is first used."""

from __future__ import annotations

import pytest

SLOW = ("pandas", "numpy", "httpx", "pulumi", "pulumi_digitalocean", "IPython", "click", "kr8s")


def loaded(python, code: str) -> set[str]:
    result = python(
        f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    )
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


@pytest.mark.parametrize(
    "code", ["import dotrain", "from dotrain import Pool, ClusterSpec, Database, errors"]
)
def test_nothing_slow_comes_with_it(python, code) -> None:
    modules = loaded(python, code)
    assert "dotrain" in modules
    assert modules.isdisjoint(SLOW)


def test_a_notebook_needs_pandas_for_tables_and_pulumi_for_nothing(python) -> None:
    modules = loaded(python, "import dotrain; dotrain.up, dotrain.get, dotrain.Cluster")
    assert modules.isdisjoint({"pandas", "numpy", "pulumi", "pulumi_digitalocean", "grpc", "kr8s"})


def test_what_is_slow_can_be_seen_by_this_test(python) -> None:
    assert "pandas" in loaded(python, "import dotrain.frames")
