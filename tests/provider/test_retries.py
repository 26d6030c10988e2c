"""Calls that fail are made again as the official provider makes them again."""

import dataclasses
import socket
import time

import pytest

from dotrain.sandbox.provider.errors import ApiError
from dotrain.sandbox.provider.vpc import Vpc
from tests.provider.replay import Exchange

BUSY = {"id": "server_error", "message": "try again", "request_id": "r1"}


def failures(method, path, status, count, headers=None):
    return [Exchange(method, path, None, status, BUSY, headers or {}) for _ in range(count)]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_four_times_whatever_the_method(replay, api_for, method, status):
    fine = Exchange(method, "/v2/tags", response={"tag": {"name": "t"}})
    replay.load([*failures(method, "/v2/tags", status, 4), fine])
    assert api_for(replay.url).call(method, "/v2/tags", {"name": "t"}) == fine.response
    assert len(replay.requests) == 5


def test_then_it_fails_with_the_words_of_the_api(replay, api_for):
    replay.load(failures("POST", "/v2/tags", 500, 9))
    with pytest.raises(ApiError) as failure:
        api_for(replay.url).post("/v2/tags", {})
    said = f'POST {replay.url}/v2/tags: 500 (request "r1") try again; giving up after 5 attempt(s)'
    assert str(failure.value) == said
    assert len(replay.requests) == 5


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 501])
def test_what_a_retry_does_not_cure_is_not_retried(replay, api_for, status):
    replay.load(failures("POST", "/v2/tags", status, 1))
    with pytest.raises(ApiError) as failure:
        api_for(replay.url).post("/v2/tags", {})
    assert failure.value.status == status
    assert len(replay.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_the_api_says_how_long_to_wait(replay, api_for, status, monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    replay.load(
        [
            *failures("GET", "/v2/tags", status, 1, {"Retry-After": "7"}),
            *failures("GET", "/v2/tags", 500, 3, {"Retry-After": "7"}),
            Exchange("GET", "/v2/tags", response={}),
        ]
    )
    api_for(replay.url, retry_wait_min=1.0, retry_wait_max=3.0).get("/v2/tags")
    assert slept == [7.0, 2.0, 3.0, 3.0]


def test_a_server_that_vanished_is_tried_again_then_reported(replay, api_for):
    api = api_for(replay.url)
    api._verify()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{free.getsockname()[1]}"
    api.settings = dataclasses.replace(api.settings, endpoint=gone)
    with pytest.raises(ApiError, match=rf'^Get "{gone}/v2/tags": ') as failure:
        api.get("/v2/tags")
    assert failure.value.status is None


@pytest.mark.parametrize("status", [403, 409])
def test_a_vpc_that_is_still_in_use_is_deleted_once_it_is_empty(replay, api_for, status):
    path = "/v2/vpcs/v1"
    replay.load([*failures("DELETE", path, status, 3), Exchange("DELETE", path, status=204)])
    Vpc().delete(api_for(replay.url), "v1", {}, 5.0)
    assert len(replay.requests) == 4


def test_a_vpc_that_stays_in_use_is_reported(replay, api_for):
    replay.load(failures("DELETE", "/v2/vpcs/v1", 409, 1))
    with pytest.raises(Exception, match=r"409.*try again"):
        Vpc().delete(api_for(replay.url), "v1", {}, 0.05)
    assert len(replay.requests) > 1


def test_any_other_failure_of_a_vpcs_deletion_is_reported_at_once(replay, api_for):
    replay.load(failures("DELETE", "/v2/vpcs/v1", 401, 1))
    with pytest.raises(ApiError):
        Vpc().delete(api_for(replay.url), "v1", {}, 5.0)
    assert len(replay.requests) == 1
