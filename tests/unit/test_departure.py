"""Nodes that go are drained, unless somebody says that they need not be."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from dotrain import departure
from dotrain.departure import Terms, keys, settled, terms
from dotrain.engine.state import State
from dotrain.errors import KubernetesUnreachable, SpecError
from dotrain.names import pool_key
from dotrain.pools import Pool
from dotrain.spec import ClusterSpec
from dotrain.target import Target

BERT = ClusterSpec("bert", pools=(Pool("cpu"), Pool("gpu")))
RESIZED = replace(BERT, pools=(Pool("cpu", size="s-4vcpu-8gb"), Pool("gpu", count=3)))
ASK = """
import pathlib
from dataclasses import replace
from dotrain import departure
from dotrain.departure import Terms, settled
from dotrain.errors import KubernetesUnreachable
from dotrain.spec import ClusterSpec
from dotrain.target import Target
bert = ClusterSpec("bert")
def refuse(*_):
    raise KubernetesUnreachable("It does not answer.", "No route.", "Mend the network.")
departure.reached = refuse
target = Target("digitalocean", "https://api.digitalocean.com", "", pathlib.Path("/nowhere"))
try:
    print(settled(target, replace(bert, paused=True), bert, Terms()))
except KubernetesUnreachable as error:
    print("refused:", error)
"""


def known(*pools: Pool) -> State:
    resources = {"cluster": "c", "vpc": "v"} | {pool_key(pool): pool.name for pool in pools}
    return State(None, None, {}, resources)


def test_the_pools_that_leave_are_what_the_state_has_and_the_spec_has_not() -> None:
    state = known(*BERT.pools)
    assert keys(BERT, state) == set()
    assert keys(RESIZED, state) == {"pool-cpu-s-2vcpu-4gb"}
    assert keys(replace(BERT, pools=BERT.pools[:1]), state) == {"pool-gpu-s-2vcpu-4gb"}
    assert keys(replace(BERT, paused=True), state) == set(map(pool_key, BERT.pools))
    assert keys(BERT, None) == set()


def test_terms_are_what_was_asked_for() -> None:
    assert terms(drain=True, timeout="10m") == Terms(drain=True, timeout=600.0)
    assert terms(drain=False, timeout="1h30m") == Terms(drain=False, timeout=5400.0)


@pytest.mark.parametrize("asked", [("yes", "10m"), (None, "10m"), (True, "soon"), (True, 5)])
def test_terms_that_mean_nothing_are_refused(asked) -> None:
    with pytest.raises(SpecError):
        terms(*asked)


@pytest.fixture
def unreachable(monkeypatch) -> None:
    """Have no API of any cluster answer."""

    def refuse(*_: object) -> None:
        raise KubernetesUnreachable("It does not answer.", "No route.", "Mend the network.")

    monkeypatch.setattr(departure, "reached", refuse)


@pytest.mark.parametrize("after", [BERT, replace(BERT, region="ams3"), RESIZED])
def test_who_does_not_want_it_is_not_asked(after, tmp_path, unreachable) -> None:
    real = Target("digitalocean", "https://api.digitalocean.com", "", tmp_path)
    asked = Terms(drain=False)
    assert settled(real, after, BERT, asked) is asked
    if after is not RESIZED:
        assert settled(real, after, BERT, Terms()) == Terms()
    else:
        with pytest.raises(KubernetesUnreachable, match="drain=False"):
            settled(real, after, BERT, Terms())


@pytest.mark.parametrize(
    ("typed", "outcome"),
    [("yes\n", "Terms(drain=False, timeout=600.0)"), ("no\n", "refused:"), ("\n", "refused:")],
)
def test_somebody_who_is_there_is_asked(python, typed, outcome) -> None:
    result = python(ASK, stdin=None, input=typed)
    assert result.stderr == ""
    prompt, _, rest = result.stdout.partition("[yes/no] ")
    assert "It does not answer. No route." in prompt
    assert rest.startswith(outcome)


def test_nobody_to_ask_is_told_how_to_go_on(python) -> None:
    result = python(ASK, stdin=subprocess.DEVNULL)
    assert "refused:" in result.stdout, result.stderr
    assert "drain=False" in result.stdout
