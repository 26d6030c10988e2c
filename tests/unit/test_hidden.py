"""A secret is used like any string, and shown by none of what shows values."""

from __future__ import annotations

import traceback

from dotrain.hidden import Hidden

VALUE = "dop_v1_5ecre7"


def test_it_is_the_string_it_hides() -> None:
    hidden = Hidden(VALUE)
    assert hidden == VALUE
    assert f"Bearer {hidden}" == f"Bearer {VALUE}"
    assert hidden.encode() == VALUE.encode()


def test_a_dictionary_or_a_traceback_with_variables_does_not_show_it() -> None:
    environment = {"DIGITALOCEAN_TOKEN": Hidden(VALUE)}
    assert VALUE not in f"{environment} {environment!r} {list(environment.values())}"

    def fail(token: str) -> None:
        raise ValueError(len(token))

    try:
        fail(Hidden(VALUE))
    except ValueError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        text = "".join(shown.format())
    assert "token = '***'" in text
