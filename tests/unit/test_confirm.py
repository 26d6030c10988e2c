"""Nothing is deleted until its name was typed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dotrain.confirm import require_name
from dotrain.errors import ConfirmationRequired
from tests.unit.conftest import ROOT

ASK = """
from dotrain.confirm import require_name
from dotrain.errors import ConfirmationRequired
try:
    require_name("bert", None)
    print("confirmed")
except ConfirmationRequired as error:
    print("refused:", error)
"""


def test_the_right_name_confirms() -> None:
    require_name("bert", "bert")


@pytest.mark.parametrize("given", ["", "Bert", "bert ", "bert-large", "yes"])
def test_any_other_name_does_not(given) -> None:
    with pytest.raises(ConfirmationRequired, match="not touched") as caught:
        require_name("bert", given)
    assert "confirm='bert'" in caught.value.fix
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("typed", "outcome"), [("bert\n", "confirmed"), (" bert \n", "confirmed"), ("no\n", "refused:")]
)
def test_the_name_is_asked_for(python, typed, outcome) -> None:
    result = python(ASK, stdin=None, input=typed)
    assert result.stderr == ""
    prompt, _, rest = result.stdout.partition("confirm: ")
    assert "'bert'" in prompt
    assert rest.startswith(outcome)


def test_nobody_to_ask_is_no_confirmation(python) -> None:
    result = python(ASK, stdin=subprocess.DEVNULL)
    assert "Nobody is here to ask" in result.stdout, result.stderr


def test_a_program_without_standard_input_is_not_confirmed() -> None:
    command = ["sh", "-c", 'exec "$0" -c "$1" <&-', sys.executable, ASK]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert "Nobody is here to ask" in result.stdout, result.stderr


def test_a_kernel_whose_front_end_takes_no_input_is_nobody(python) -> None:
    result = python(
        "import builtins\n"
        "from IPython.core.error import StdinNotImplementedError\n"
        "def refuse(prompt): raise StdinNotImplementedError('no')\n"
        f"builtins.input = refuse\n{ASK}"
    )
    assert "Nobody is here to ask" in result.stdout, result.stderr
