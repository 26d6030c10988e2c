"""Who is let in, what is shown to whom, and how often one may ask."""

import json
import re
import sqlite3
from contextlib import closing

import httpx
import pytest

from .conftest import DATABASE

REAL = [f"{prefix}{'a1' * 32}" for prefix in ("dop_v1_", "doo_v1_", "dor_v1_")]


def bare(server, path, **headers):
    return httpx.get(server.url + path, headers=headers)


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer x", "Basic x", "bearer \xff"], ids=str
)
@pytest.mark.parametrize("path", ["/v2/account", "/v2/nothing", "/__sandbox__/objects"])
def test_without_its_token_nobody_enters(server, header, path):
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    answer = bare(server, path, **headers)
    assert answer.status_code == 401
    body = answer.json()
    assert body["id"] == "Unauthorized"
    assert body["message"] == "Unable to authenticate you"
    assert body["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("token", REAL)
def test_a_real_token_is_refused_and_not_kept(server, token):
    answer = bare(server, "/v2/account", Authorization=f"Bearer {token}")
    assert answer.status_code == 401
    assert "real DigitalOcean token" in answer.json()["message"]
    assert token not in json.dumps(server.get("/__sandbox__/requests"))
    for path in server.data.iterdir():
        assert token.encode() not in path.read_bytes()


def test_anyone_may_ask_whether_this_is_a_sandbox(server):
    answer = bare(server, "/__sandbox__/").json()
    card = server.card
    assert answer == {
        "dotrain_sandbox": 1,
        "id": card["id"],
        "pid": card["pid"],
        "delay": server.delay,
    }


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
@pytest.mark.parametrize("path", ["/v2/account", "/__sandbox__/"])
def test_another_host_name_is_refused(server, host, path):
    headers = {"Host": host, "Authorization": f"Bearer {server.card['token']}"}
    assert bare(server, path, **headers).status_code == 403


def test_localhost_is_this_host(server):
    assert server.client.get("/v2/account", headers={"Host": "localhost:1"}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", ""])
def test_a_page_of_another_origin_is_refused(server, origin):
    answer = server.client.get("/v2/account", headers={"Origin": origin})
    assert answer.status_code == 403
    assert server.client.get("/v2/account", headers={"Origin": server.url}).status_code == 200


def test_files_are_for_their_owner_only(server):
    assert server.data.stat().st_mode & 0o777 == 0o700
    for path in server.data.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path.name


def test_secrets_differ_and_are_not_in_the_journal(fresh):
    cluster = fresh.running_cluster("c")
    path = f"/v2/kubernetes/clusters/{cluster['id']}"
    token = fresh.get(f"{path}/credentials?expiry_seconds=60")["token"]
    yaml = fresh.client.get(f"{path}/kubeconfig?expiry_seconds=0")
    assert yaml.headers["content-type"].startswith("application/yaml")
    (another,) = re.findall("token: (.*)", yaml.text)
    assert another != token
    assert "name: do-nyc3-c\n" in yaml.text
    made = [
        fresh("POST", "/v2/databases", {**DATABASE, "name": name}, 201)["database"]
        for name in ("one", "two")
    ]
    passwords = [database["connection"]["password"] for database in made]
    assert passwords[0] != passwords[1]
    told = json.dumps([fresh.get("/__sandbox__/requests"), fresh.get("/__sandbox__/objects")])
    for secret in (token, another, *passwords):
        assert secret not in told
    assert "***" in told


def test_every_answer_tells_the_rate_limit(server):
    for path in ("/v2/account", "/v2/nothing"):
        headers = server.client.get(path).headers
        assert headers["ratelimit-limit"] == "5000"
        assert int(headers["ratelimit-remaining"]) > 0
        assert int(headers["ratelimit-reset"]) > 0
    assert "ratelimit-limit" in bare(server, "/v2/account").headers


def test_a_burst_is_refused_only_when_asked_for(fresh):
    for _ in range(260):
        assert fresh.client.get("/v2/tags").status_code == 200
    fresh("POST", "/__sandbox__/settings", {"rate_limit": True}, 200)
    answer = fresh.client.get("/v2/tags")
    assert (answer.status_code, answer.json()["id"]) == (429, "too_many_requests")
    assert 0 < int(answer.headers["retry-after"]) <= 60
    fresh("POST", "/__sandbox__/settings", {"rate_limit": False}, 200)
    fresh.get("/v2/tags")


@pytest.mark.parametrize("body", [{"delay": -1}, {"delay": "x"}, {"delay": 1e9}, {"rate_limit": 1}])
def test_settings_are_checked(fresh, body):
    fresh("POST", "/__sandbox__/settings", body, 422)


def test_of_settings_that_are_refused_none_is_kept(fresh):
    before = fresh("POST", "/__sandbox__/settings", {}, 200)
    for wrong in ({"kubernetes": "/nonexistent"}, {"source": "x"}):
        body = {"delay": 9, "rate_limit": True, **wrong}
        fresh("POST", "/__sandbox__/settings", body, 422)
    assert fresh("POST", "/__sandbox__/settings", {}, 200) == before


def test_the_journal_has_what_was_asked_and_answered(fresh):
    last = fresh.get("/__sandbox__/requests")["last"]
    fresh("POST", "/v2/tags", {"name": "t"}, 201)
    fresh("GET", "/v2/tags?page=1", status=200)
    told = fresh.get(f"/__sandbox__/requests?after={last}")
    first, second = told["requests"]
    assert told["last"] == second["n"] == last + 2
    assert (first["method"], first["path"], first["status"]) == ("POST", "/v2/tags", 201)
    assert first["request"] == {"name": "t"}
    assert first["agent"] == fresh.client.headers["user-agent"]
    assert first["response"]["tag"]["name"] == "t"
    assert (second["path"], second["request"]) == ("/v2/tags?page=1", None)


def test_reset_leaves_nothing(fresh):
    fresh.cluster("c")
    fresh("POST", "/v2/databases", DATABASE, 201)
    fresh("POST", "/__sandbox__/reset", status=204)
    assert not any(fresh.get("/__sandbox__/objects").values())
    with closing(sqlite3.connect(fresh.data / "sandbox.db")) as database:
        assert database.execute("SELECT count(*) FROM objects").fetchone() == (0,)
