"""An answer of another shape is an error in the words of the official provider."""

import copy

import pytest

from dotrain.sandbox.provider import settings, shapes
from dotrain.sandbox.provider.errors import ApiError
from tests.provider.replay import Exchange, recorded
from tests.provider.traffic import TRAFFIC, needs_recording


def places(value, steps=()):
    """Yield the places of everything in a JSON value."""
    yield steps
    parts = value.items() if isinstance(value, dict) else enumerate(value or ())
    for name, part in parts if isinstance(value, dict | list) else ():
        yield from places(part, (*steps, name))


def other(value):
    return 7 if isinstance(value, str) else "seven"


def replaced(value, steps):
    *way, last = steps
    changed = inner = copy.deepcopy(value)
    for step in way:
        inner = inner[step]
    inner[last] = other(inner[last])
    return changed


@needs_recording
def test_all_that_the_official_provider_was_seen_to_take_is_taken():
    made = [one for step in recorded(TRAFFIC).values() for one in step]
    answers = [one.response for one in made if one.status < 300 and one.response]
    assert answers
    assert [said for answer in answers if (said := shapes.wrong(answer))] == []


def test_a_field_of_another_type_is_named():
    answer = {"firewall": {"id": "f", "inbound_rules": [{"protocol": "tcp", "sources": {}}]}}
    found = [steps for steps in places(answer) if steps and steps[-1] != 0]
    assert len(found) == 5
    for steps in found:
        said = shapes.wrong(replaced(answer, steps))
        assert said.startswith("json: cannot unmarshal ")
        assert str(steps[-1]) in said
    assert shapes.wrong([]) == "json: cannot unmarshal array into Go value of type struct"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"tag": {"name": 7}}, "json: cannot unmarshal number into Go struct field tag.name"),
        ([], "json: cannot unmarshal array"),
    ],
)
def test_the_provider_says_what_it_cannot_read(replay, api_for, answer, said):
    replay.load([Exchange("GET", "/v2/tags/t", response=answer)])
    with pytest.raises(ApiError, match=said):
        api_for(replay.url).get("/v2/tags/t")


def test_what_is_shortened_of_the_providers_patience_is_read_from_the_environment():
    said = {
        "DIGITALOCEAN_API_URL": "http://127.0.0.1:9",
        "DOTRAIN_SANDBOX_TIMEOUT_SECONDS": "2",
        "DOTRAIN_SANDBOX_WAIT_SECONDS": "3",
    }
    short, long = settings.read({}, said), settings.read({"apiEndpoint": "http://[::1]:9"}, {})
    assert (short.timeout, short.wait_seconds) == (2, 3)
    assert (long.timeout, long.wait_seconds) == (60, float("inf"))
