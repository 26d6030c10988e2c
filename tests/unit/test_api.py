"""The API over a real connection: pages, retries, errors, and a token that stays secret."""

from __future__ import annotations

import dataclasses
import datetime as dt
import gzip
import json
import time
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import stamina

from dotrain import target
from dotrain.api import Api, _date
from dotrain.errors import (
    ApiError,
    DotrainError,
    NotFound,
    RateLimited,
    TokenRejected,
    Unreachable,
)
from dotrain.target import Target
from tests.unit.conftest import Answer, Request, Server

TOKEN = "dop_v1_5ecre7"
ATTEMPTS = 4


def said(status: int, message: str = "no", **headers: str) -> Answer:
    body = {"id": "some_error", "message": message, "request_id": "req-1"}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(body).encode(), names)


def found(**body: object) -> Answer:
    return Answer(body=json.dumps(body).encode())


@pytest.fixture
def no_waits() -> Iterator[None]:
    """Do not wait between attempts; their number stays as the library has it."""
    with stamina.set_testing(testing=True, attempts=1000, cap=True):
        yield


@pytest.fixture
def server(serve) -> Server:
    return serve()


@pytest.fixture
def api(server) -> Iterator[Api]:
    with closing(Api(Target("digitalocean", server.url, TOKEN, Path()))) as one:
        yield one


def test_the_clock_of_digitalocean_is_that_of_its_last_answer(api, server) -> None:
    assert api.date is None
    server.answer = lambda _: Answer(body=b"{}")
    api.get("/v2/account")
    assert abs(dt.datetime.now(dt.timezone.utc) - api.date) < dt.timedelta(minutes=1)


@pytest.mark.parametrize("said", [{}, {"date": "yesterday"}, {"date": "Tue, 10 Feb 2026 08:30"}])
def test_an_answer_that_says_no_date_says_none(said) -> None:
    assert _date(said) is None
    moment = dt.datetime(2026, 2, 10, 8, 30, tzinfo=dt.timezone.utc)
    assert _date({"date": "Tue, 10 Feb 2026 08:30:00 GMT"}) == moment


def everything_shown(error: BaseException) -> str:
    """Return all that a traceback, a log or a repr would show of an error and its causes."""
    shown = ["".join(traceback.format_exception(error))]
    step: BaseException | None = error
    while step is not None:
        shown += [str(step), repr(step), repr(vars(step)), repr(step.args)]
        step = step.__cause__ or step.__context__
    return "\n".join(shown)


def failure(api: Api, kind: type[DotrainError] = ApiError) -> ApiError:
    """Return the error of a GET: one paragraph, with advice and without the token."""
    with pytest.raises(kind) as caught:
        api.get("/v2/account")
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert caught.value.fix
    assert TOKEN not in everything_shown(caught.value)
    return caught.value


def test_the_token_goes_in_a_header_and_not_in_the_address(server, api) -> None:
    server.answer = lambda _: found(account={})
    assert api.get("/v2/account", tag_name="a b") == {"account": {}}
    assert server.requests == [Request("GET", "/v2/account?tag_name=a+b", f"Bearer {TOKEN}")]


def test_a_list_is_read_to_its_end_by_page_numbers(server, serve, api) -> None:
    elsewhere = serve()

    def answer(request: Request) -> Answer:
        query = parse_qs(urlsplit(request.path).query)
        page = int(query["page"][0])
        assert query["tag_name"] == ["x"]
        pages = {"next": f"{elsewhere.url}/v2/firewalls?page={page + 1}"} if page < 3 else {}
        two = [{"id": f"{page}{half}", "name": "f", "tags": ["x"]} for half in "ab"]
        return found(firewalls=two, links={"pages": pages})

    server.answer = answer
    assert [one["id"] for one in api.pages("/v2/firewalls", "firewalls", tag_name="x")] == [
        *("1a", "1b", "2a", "2b", "3a", "3b")
    ]
    assert len(server.requests) == 3
    assert not elsewhere.requests


@pytest.mark.parametrize(
    "body", [{"firewalls": []}, {"firewalls": None, "links": {}}, {"links": {"pages": None}}]
)
def test_a_list_without_links_is_one_page(server, api, body) -> None:
    server.answer = lambda _: found(**body)
    assert list(api.pages("/v2/firewalls", "firewalls")) == []
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(server, serve, api, status) -> None:
    elsewhere = serve()
    server.answer = lambda _: Answer(status, b"", {"location": f"{elsewhere.url}/v2/account"})
    assert failure(api).status == status
    assert not elsewhere.requests
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
@pytest.mark.usefixtures("no_waits")
def test_what_may_pass_is_tried_again(server, api, status) -> None:
    server.answer = lambda _: (
        said(status) if len(server.requests) < ATTEMPTS else found(account="here")
    )
    assert api.get("/v2/account") == {"account": "here"}
    assert len(server.requests) == ATTEMPTS


@pytest.mark.parametrize(("status", "kind"), [(500, ApiError), (503, ApiError), (429, RateLimited)])
@pytest.mark.usefixtures("no_waits")
def test_what_does_not_pass_is_an_error_after_some_attempts(server, api, status, kind) -> None:
    server.answer = lambda _: said(status, retry_after="30")
    error = failure(api, kind)
    assert (error.status, error.request_id) == (status, "req-1")
    assert len(server.requests) == ATTEMPTS


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ApiError),
        (401, TokenRejected),
        (403, TokenRejected),
        (404, NotFound),
        (409, ApiError),
        (422, ApiError),
    ],
)
def test_what_will_not_pass_is_tried_once(server, api, status, kind) -> None:
    server.answer = lambda _: said(status, "Unprocessable: the name is taken.")
    error = failure(api, kind)
    assert (error.status, error.request_id) == (status, "req-1")
    assert f"{status}: Unprocessable: the name is taken (request req-1)." in error.why
    assert len(server.requests) == 1


def test_a_rate_limit_is_waited_for_as_long_as_it_says(server, api) -> None:
    server.answer = lambda _: (
        said(429, retry_after="1") if len(server.requests) == 1 else found(account={})
    )
    started = time.monotonic()
    api.get("/v2/account")
    assert 1 <= time.monotonic() - started < 5
    assert len(server.requests) == 2


@pytest.mark.parametrize("wait", ["61", "3600", "inf", "nan"])
def test_a_long_rate_limit_is_told_at_once(server, api, wait) -> None:
    server.answer = lambda _: said(429, retry_after=wait)
    failure(api, RateLimited)
    assert len(server.requests) == 1


@pytest.mark.parametrize("wait", ["soon", "Wed, 21 Oct 2015 07:28:00 GMT", "-1"])
@pytest.mark.usefixtures("no_waits")
def test_a_wait_that_cannot_be_read_is_one_of_ours(server, api, wait) -> None:
    server.answer = lambda _: said(429, retry_after=wait)
    failure(api, RateLimited)
    assert len(server.requests) == ATTEMPTS


def test_a_wait_that_lies_in_the_past_is_none(server, api) -> None:
    server.answer = lambda _: (
        said(429, retry_after="-1") if len(server.requests) == 1 else found(account={})
    )
    assert api.get("/v2/account") == {"account": {}}


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("body", [b'{"account": {"em', b"", b"<html>Log in</html>", b"\xff\xfe{"])
def test_an_answer_that_is_no_json_is_asked_for_again_and_then_an_error(server, api, body) -> None:
    wrong = Answer(200, body, {"x-request-id": "req-2"})
    server.answer = lambda _: wrong if len(server.requests) < ATTEMPTS else found(account={})
    assert api.get("/v2/account") == {"account": {}}
    server.answer = lambda _: wrong
    error = failure(api)
    assert (error.status, error.request_id) == (200, "req-2")
    assert "(request req-2)" in error.why


def test_an_answer_of_another_shape_says_where_and_is_asked_for_once(server, api) -> None:
    server.answer = lambda _: Answer(200, b'{"vpcs": [{"id": "1"}]}', {"x-request-id": "req-4"})
    with pytest.raises(ApiError, match=r"nothing at vpcs.0.name.* \(request req-4\)"):
        list(api.pages("/v2/vpcs", "vpcs"))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "message", "fix"),
    [(409, "busy", "Wait until"), (422, "exceeds your droplet limit", "a higher limit")],
)
def test_a_refusal_says_what_helps(server, api, status, message, fix) -> None:
    server.answer = lambda _: said(status, message)
    assert fix in failure(api).fix


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"'])
def test_a_list_that_is_no_object_is_an_error(server, api, body) -> None:
    server.answer = lambda _: Answer(200, body)
    with pytest.raises(ApiError):
        list(api.pages("/v2/firewalls", "firewalls"))


@pytest.mark.usefixtures("no_waits")
def test_a_connection_cut_in_mid_answer_is_tried_again(server, api) -> None:
    cut = Answer(200, b'{"account": {"em', length=1000)
    server.answer = lambda _: cut if len(server.requests) < ATTEMPTS else found(account={})
    assert api.get("/v2/account") == {"account": {}}
    server.answer = lambda _: cut
    assert failure(api, Unreachable).status is None


@pytest.mark.usefixtures("no_waits")
def test_a_damaged_answer_is_an_error_of_ours(server, api) -> None:
    body = gzip.compress(b'{"account": {}}')[:-10] + b"0123456789"
    server.answer = lambda _: Answer(200, body, {"content-encoding": "gzip"})
    with pytest.raises(ApiError) as caught:
        api.get("/v2/account")
    # It did answer, and says how often it was really asked.
    assert f"failed {len(server.requests)} times" in str(caught.value) or (
        "failed" not in str(caught.value)
    )


@pytest.mark.usefixtures("no_waits")
def test_a_server_that_is_not_there_is_unreachable() -> None:
    nobody = "http://127.0.0.1:1"
    with closing(Api(Target("digitalocean", nobody, TOKEN, Path()))) as api:
        error = failure(api, Unreachable)
    assert nobody in error.what
    assert "also when repeated" in error.why
    assert "status.digitalocean.com" in error.fix
    with closing(Api(Target("sandbox", nobody, TOKEN, Path()))) as api:
        assert "use_sandbox()" in failure(api, Unreachable).fix


@pytest.mark.usefixtures("no_waits")
def test_errors_of_a_proxy_are_told_by_their_status(server, api) -> None:
    server.answer = lambda _: Answer(502, b"<html>Bad gateway</html>", {"x-request-id": "req-3"})
    error = failure(api)
    assert "502: Bad Gateway" in error.why
    assert error.request_id == "req-3"


def test_a_message_of_several_lines_becomes_one_paragraph(server, api) -> None:
    server.answer = lambda _: said(422, "one\n\n  two")
    assert "one two" in str(failure(api))


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("spoilt", [f"{TOKEN}\n{TOKEN}", f"{TOKEN}\rx", f"\u201c{TOKEN}\u201d"])
def test_a_token_that_no_header_takes_is_refused_and_not_shown(monkeypatch, server, spoilt) -> None:
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", spoilt)
    server.answer = lambda _: found(account={})

    def use() -> None:
        account = dataclasses.replace(target.current(), url=server.url)
        with closing(Api(account)) as api:
            api.get("/v2/account")

    with pytest.raises(DotrainError) as caught:
        use()
    assert TOKEN not in everything_shown(caught.value)


def test_nothing_that_holds_the_token_shows_it(api) -> None:
    held = Target("digitalocean", "https://api.digitalocean.com", TOKEN, Path())
    assert TOKEN not in f"{held} {held!r} {api} {api!r} {api._client!r} {api._client.headers!r}"


def test_deleting_what_is_gone_is_no_error(server, api) -> None:
    server.answer = lambda _: Answer(204)
    api.delete("/v2/vpcs/1")
    server.answer = lambda _: said(404)
    api.delete("/v2/vpcs/1")
    assert [request.method for request in server.requests] == ["DELETE", "DELETE"]
    server.answer = lambda _: said(409)
    with pytest.raises(ApiError):
        api.delete("/v2/vpcs/1")


def test_text_is_given_as_it_is(server, api) -> None:
    server.answer = lambda _: Answer(body=b"apiVersion: v1\n")
    assert api.text("/v2/kubernetes/clusters/1/kubeconfig", expiry_seconds=60).startswith("apiV")
    assert server.requests[0].path.endswith("?expiry_seconds=60")


@pytest.mark.usefixtures("no_waits")
def test_a_replacement_is_sent_whole_and_again_until_it_passes(server, api) -> None:
    server.answer = lambda _: said(503) if len(server.requests) < ATTEMPTS else Answer(204)
    api.put("/v2/databases/1/firewall", {"rules": [{"type": "k8s", "value": "c"}]})
    assert {(one.method, one.body) for one in server.requests} == {
        ("PUT", b'{"rules":[{"type":"k8s","value":"c"}]}')
    }
    assert len(server.requests) == ATTEMPTS
    server.answer = lambda _: said(422)
    with pytest.raises(ApiError, match="422"):
        api.put("/v2/databases/1/firewall", {"rules": []})
