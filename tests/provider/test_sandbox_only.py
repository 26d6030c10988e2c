"""The provider speaks to a sandbox on this machine and to nothing else."""

import httpx
import pytest

from dotrain.sandbox.provider import settings
from dotrain.sandbox.provider.errors import Refused
from tests.provider.programs import one_tag
from tests.provider.replay import Exchange

# The SDK does not close the event loops of inline programs.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://api.digitalocean.com",
        "http://192.0.2.1:8080",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "ftp://127.0.0.1",
        "127.0.0.1:8080",
    ],
)
def test_an_endpoint_elsewhere_is_refused_without_a_connection(endpoint, monkeypatch):
    monkeypatch.setattr(httpx, "Client", lambda **_: pytest.fail("a connection was prepared"))
    with pytest.raises(Refused, match="not on this machine"):
        settings.read({"apiEndpoint": endpoint}, {})
    with pytest.raises(Refused, match="not on this machine"):
        settings.read({}, {"DIGITALOCEAN_API_URL": endpoint})


def test_the_public_api_is_the_default_and_so_refused():
    with pytest.raises(Refused, match=r"api\.digitalocean\.com"):
        settings.read({}, {})


@pytest.mark.parametrize("prefix", ["dop_v1_", "doo_v1_", "dor_v1_"])
def test_a_token_that_looks_real_is_refused_and_not_shown(prefix):
    endpoint = {"DIGITALOCEAN_API_URL": "http://127.0.0.1:1"}
    token = f"{prefix}0123456789"
    for config, environ in (
        ({"token": token}, endpoint),
        ({}, endpoint | {"DIGITALOCEAN_TOKEN": token}),
        ({}, endpoint | {"DIGITALOCEAN_ACCESS_TOKEN": token}),
    ):
        with pytest.raises(Refused, match="looks like a real one") as refusal:
            settings.read(config, environ)
        assert token not in str(refusal.value)


@pytest.mark.parametrize("marker", [None, {}, {"dotrain_sandbox": 2}, [1], "dotrain_sandbox"])
def test_a_server_that_does_not_say_it_is_a_sandbox_gets_no_call_and_no_token(
    replay, api_for, marker
):
    replay.marker = marker
    api = api_for(replay.url, token="t")
    with pytest.raises(Refused, match="does not say that it is a sandbox"):
        api.get("/v2/account")
    assert replay.requests == []
    assert replay.authorizations == [None]


def test_nothing_listening_is_refused_the_same_way(api_for):
    api = api_for("http://127.0.0.1:9")
    with pytest.raises(Refused, match="Start the sandbox"):
        api.get("/v2/account")


def test_the_marker_is_asked_for_once_and_the_token_follows_it(replay, api_for):
    replay.load([Exchange("GET", "/v2/account", response={})])
    api = api_for(replay.url, token="t")
    api.get("/v2/account")
    api.get("/v2/account")
    assert replay.authorizations == [None, "Bearer t", "Bearer t"]


def test_proxies_of_the_environment_are_not_used(replay, api_for, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    replay.load([Exchange("GET", "/v2/account", response={"a": 1})])
    assert api_for(replay.url).get("/v2/account") == {"a": 1}


def test_settings_come_from_configuration_then_environment():
    environ = {
        "DIGITALOCEAN_API_URL": "http://localhost:1/path",
        "DIGITALOCEAN_ACCESS_TOKEN": "token-2",
        "DOTRAIN_SANDBOX_POLL_SECONDS": "0.5",
        "DIGITALOCEAN_HTTP_RETRY_MAX": "2",
    }
    found = settings.read({"apiEndpoint": "http://[::1]:2"}, environ)
    assert found.endpoint == "http://[::1]:2"
    assert found.token == "token-2"
    assert (found.poll_seconds, found.database_poll_seconds, found.retry_max) == (0.5, 0.5, 2)
    assert settings.read({}, environ).endpoint == "http://localhost:1"
    assert settings.read({}, environ | {"DIGITALOCEAN_TOKEN": "first"}).token == "first"
    assert found.token not in repr(found)


def test_the_user_reads_why(stack_for, replay):
    replay.marker = None
    stack = stack_for(one_tag, replay.url)
    with pytest.raises(Exception, match="does not say that it is a sandbox"):
        stack.up()
    assert replay.requests == []
