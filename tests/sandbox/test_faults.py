"""The sandbox fails as it is told to, where and when it is told to."""

import json
import time

import httpx
import pytest


def have(server, **fault):
    faults = [{"method": "POST", "path": "/v2/tags", **fault}]
    server("POST", "/__sandbox__/faults", {"faults": faults}, 204)


def make_tag(server, timeout=5):
    return server.client.post("/v2/tags", json={"name": "there"}, timeout=timeout)


def names(server):
    return [tag["name"] for tag in server.get("/v2/tags")["tags"]]


def test_a_fault_meets_the_requests_it_is_for_and_no_others(fresh):
    fault = {"method": "POST", "path": "/v2/tags", "status": 500, "skip": 1, "times": 2}
    fresh("POST", "/__sandbox__/faults", {"faults": [fault]}, 204)
    answers = [fresh.client.post("/v2/tags", json={"name": f"t{n}"}) for n in range(4)]
    assert [answer.status_code for answer in answers] == [201, 500, 500, 201]
    assert set(answers[1].json()) == {"id", "message", "request_id"}
    assert [tag["name"] for tag in fresh.get("/v2/tags")["tags"]] == ["t0", "t3"]


def test_a_fault_may_meet_one_client_alone(fresh):
    have(fresh, status=503, agent="provider", times=9)
    by = {"User-Agent": "provider"}
    answers = [fresh.client.post("/v2/tags", json={"name": "t"}, headers=more) for more in ({}, by)]
    assert [answer.status_code for answer in answers] == [201, 503]


def test_a_fault_may_come_after_the_request_was_carried_out(fresh):
    fault = {"method": "POST", "path": "/v2/[a-z]+", "status": 503, "applied": True}
    fresh("POST", "/__sandbox__/faults", {"faults": [fault]}, 204)
    fresh("POST", "/v2/tags", {"name": "there"}, 503)
    assert [tag["name"] for tag in fresh.get("/v2/tags")["tags"]] == ["there"]


@pytest.mark.parametrize(
    "fault",
    [
        1,
        {},
        {"method": "GET", "path": "/v2/tags"},
        {"method": "GET", "path": "/v2/tags", "ending": "whole"},
        {"method": "GET", "path": "/v2/tags", "ending": "soft"},
        {"method": "GET", "path": "/v2/tags", "delay": -1},
        {"method": "GET", "path": "/v2/tags", "replaced": "tags"},
        {"method": "GET", "path": "(", "status": 500},
        {"method": "GET", "path": "/v2/tags", "status": 200},
        {"method": "GET", "path": "/v2/tags", "status": 600},
        {"method": "GET", "path": "/v2/tags", "status": 500, "times": 0},
        {"method": "GET", "path": "/v2/tags", "status": 500, "applied": "yes"},
    ],
)
def test_faults_are_checked(fresh, fault):
    fresh("POST", "/__sandbox__/faults", {"faults": [fault]}, 422)


def test_an_error_is_in_the_words_that_were_asked_for(fresh):
    words = {"id": "too_many_requests", "message": "API Rate limit exceeded."}
    have(fresh, status=429, retry_after="2", **words)
    answer = make_tag(fresh)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "2"
    assert answer.json() == {**words, "request_id": answer.headers["x-request-id"]}
    have(fresh, status=429)
    assert "retry-after" not in make_tag(fresh).headers


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize(
    ("ending", "error"), [("reset", httpx.ReadError), ("silence", httpx.ReadTimeout)]
)
def test_an_answer_may_not_arrive(fresh, ending, error, applied):
    have(fresh, ending=ending, applied=applied)
    with pytest.raises(error):
        make_tag(fresh, timeout=0.5)
    assert names(fresh) == (["there"] if applied else [])
    last = fresh.get("/__sandbox__/requests")["requests"][-2]
    assert last["status"] == (201 if applied else 504)


def test_an_answer_may_arrive_in_half(fresh):
    have(fresh, ending="cut")
    # Not the client that checks the shape of each answer.
    url, headers = f"{fresh.url}/v2/tags", fresh.client.headers
    answer = httpx.post(url, json={"name": "there"}, headers=headers)
    assert answer.status_code == 201
    assert answer.text.startswith('{"tag"')
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert names(fresh) == ["there"]


def test_an_answer_may_come_late_and_nobody_else_waits_for_it(fresh):
    have(fresh, delay=2)
    with pytest.raises(httpx.ReadTimeout):
        make_tag(fresh, timeout=0.3)
    assert names(fresh) == ["there"]
    have(fresh, delay=1)
    started = time.monotonic()
    fresh.client.post("/v2/tags", json={"name": "late"})
    assert time.monotonic() - started >= 1


def test_an_answer_may_say_something_else(fresh):
    tags = [make_tag(fresh), fresh.client.post("/v2/tags", json={"name": "other"})]
    assert [one.status_code for one in tags] == [201, 201]
    wrong = {"tags.*.name": 7, "meta.total": "two", "not.there": 1, "tags.name": 1}
    fault = {"method": "GET", "path": "/v2/tags", "replaced": wrong}
    fresh("POST", "/__sandbox__/faults", {"faults": [fault]}, 204)
    answer = httpx.get(f"{fresh.url}/v2/tags", headers=fresh.client.headers).json()
    assert [tag["name"] for tag in answer["tags"]] == [7, 7]
    assert answer["meta"] == {"total": "two"}
    # The next answer, and what is kept, are right.
    assert names(fresh) == ["there", "other"]
