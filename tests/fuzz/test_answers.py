"""Whatever an API answers, in bytes, status and headers: an error of dotrain's, or a dictionary."""

from __future__ import annotations

import contextlib
from contextlib import closing
from pathlib import Path

import stamina
from hypothesis import given
from hypothesis import strategies as st

from dotrain.api import Api, _date
from dotrain.credentials import fetch
from dotrain.pace import Pace
from dotrain.target import Target
from tests.fuzz.strategies import QUICK, Refused, contents, mangled, refusals, texts
from tests.unit.conftest import Answer

TOKEN = "dop_v1_5ecre7"
ERROR = {"id": "not_found", "message": "There is none.", "request_id": "req-1"}
CREDENTIALS = {
    "server": "https://c-1.k8s.example",
    "certificate_authority_data": "QUJD",
    "token": "sandbox_kube_5ecre7",
    "expires_at": "2026-01-02T03:04:05Z",
}
visible = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
headers = st.dictionaries(
    st.sampled_from(
        ["retry-after", "ratelimit-limit", "ratelimit-remaining", "date", "x-request-id"]
    ),
    visible | st.sampled_from(["nan", "inf", "-1", "1e999", "9" * 400, "0"]),
    max_size=3,
)
types = st.sampled_from(["application/json", "text/html; charset=nonsense", "application/yaml"])
answers = st.builds(
    lambda status, body, more, kind: Answer(status, body, {**more, "content-type": kind}),
    st.sampled_from([200, 201, 204, 301, 304, 400, 401, 403, 404, 409, 422, 429, 500, 503]),
    contents(ERROR) | contents(CREDENTIALS) | st.just(b"[" * 20_000),
    headers,
    types,
)


def test_an_answer_is_understood_or_refused_in_words(serve) -> None:
    server = serve()

    @QUICK
    @given(answers)
    def run(answer: Answer) -> None:
        server.answer = lambda _: answer
        target = Target("sandbox", server.url, TOKEN, Path())
        with closing(Api(target)) as api:
            api._pace = Pace(sleep=lambda _: None)
            api._pace.wait = lambda: None
            for ask in (lambda: fetch(api, "c-1"), lambda: list(api.pages("/v2/tags", "tags"))):
                with contextlib.suppress(Refused), refusals(secret="5ecre7"):
                    ask()

    with stamina.set_testing(testing=True, attempts=2, cap=True):
        run()


@QUICK
@given(texts | visible | mangled("Tue, 10 Feb 2026 08:30:00 GMT", "0123456789 +-:"))
def test_a_date_is_one_or_none(text: str) -> None:
    said = _date({"date": text})
    assert said is None or said.tzinfo


@QUICK
@given(texts | visible, texts | visible)
def test_a_limit_is_one_or_none(limit: str, left: str) -> None:
    pace = Pace(sleep=lambda _: None)
    pace.note({"ratelimit-limit": limit, "ratelimit-remaining": left})
    pace.note({"ratelimit-limit": "5000", "ratelimit-remaining": "4999"})
    # Nobody waits longer than the minute that a burst lasts.
    assert pace._seconds() <= 60
