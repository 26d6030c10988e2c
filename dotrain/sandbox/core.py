"""The sandbox itself: a request in, an answer out, and no network in between."""

from __future__ import annotations

import json
import logging
import time
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from dotrain.sandbox import control, gate, routes
from dotrain.sandbox.answers import Answer, ApiError, Call, Doc, invalid
from dotrain.sandbox.faults import Faults
from dotrain.sandbox.journal import Journal
from dotrain.sandbox.kubernetes import tokens
from dotrain.sandbox.settle import settle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dotrain.sandbox.store import Store

_LOG = logging.getLogger(__name__)
_SERVER_ERROR = 500
# From the block that is set aside for documentation (RFC 5737).
_SOURCE = "203.0.113.7"


@dataclass(frozen=True)
class Request:
    """What came over the wire."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Sandbox:
    """What `serve` serves.

    Requests are answered one at a time, each in a transaction of its own, so
    that however many clients there are, no change is lost.
    """

    def __init__(self, store: Store, identity: str, token: str, delay: float) -> None:
        self.store = store
        self.identity = identity
        self.delay = delay
        self.strict = False
        self.journal = Journal()
        self.faults = Faults()
        self.sources = {"127.0.0.1": _SOURCE}
        self._token = token
        self._meter = gate.Meter()

    def source(self, address: str) -> str:
        """Return the address in the Internet that one on this machine stands for."""
        return self.sources.get(address, address)

    def answer(self, request: Request) -> Answer:
        """Answer a request; whatever goes wrong is an answer too."""
        now = time.time()
        request_id = str(uuid.uuid4())
        sent: Doc = {}
        try:
            answer = self._answer(request, now, sent)
        except ApiError as error:
            answer = _failed(error, request_id)
        except RecursionError:
            answer = _failed(ApiError(400, "bad_request", "Nested too deeply."), request_id)
        except Exception:  # noqa: BLE001 (a bug here is a 500, as it is there)
            _LOG.exception("%s %s failed", request.method, request.path)
            failure = ApiError(_SERVER_ERROR, "server_error", "Unexpected server-side error")
            answer = _failed(failure, request_id)
        headers = {**answer.headers, "x-request-id": request_id}
        if request.path.startswith("/v2/"):
            headers |= self._meter.headers(now, strict=self.strict)
            asked = {
                "method": request.method,
                "path": f"{request.path}?{request.query}" if request.query else request.path,
                "agent": request.headers.get("user-agent", ""),
                "fault": "fault" in sent,
            }
            shown = {
                "status": answer.status,
                # Credentials in YAML: nothing of it is kept.
                "response": answer.body if answer.text is None else "***",
            }
            self.journal.add(now, asked, sent.get("body"), shown)
        return replace(answer, headers=headers)

    def _answer(self, request: Request, now: float, sent: Doc) -> Answer:
        gate.check_origin(request.headers)
        if request.path == control.GREETING and request.method == "GET":
            return control.greeting(self)
        if request.method == "POST" and (cluster := tokens.asked_of(request.path)):
            # An API server has no token of the sandbox; and who asks whether
            # 256 random bits are good learns nothing by it.
            return tokens.review(self.store.get("cluster", cluster), parsed(request.body), now)
        gate.check_token(request.headers, self._token)
        if request.path.startswith("/v2/"):
            self._meter.count(now, strict=self.strict)
        body = parsed(request.body)
        # Noted from here on: what a stranger sends is not read at all.
        sent["body"] = body
        data = {} if body is None else body
        if not isinstance(data, dict):
            raise invalid("The request must be a JSON object.")
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        agent = request.headers.get("user-agent", "")
        fault = self.faults.take(request.method, request.path, agent)
        if fault:
            sent["fault"] = True
        if fault and not fault.applied:
            return fault.instead()
        with self.store.transaction():
            settle(self.store, now, self.delay)
            call = Call(
                self.store,
                now,
                self.delay,
                query=query,
                body=data,
                url=f"http://{request.headers['host']}{request.path}",
            )
            if request.path.startswith("/__sandbox__/"):
                return control.answer(self, request.method, request.path, call)
            handler, params = routes.find(request.method, request.path)
            answer = handler(replace(call, params=params))
        return fault.upon(answer) if fault else answer


def parsed(body: bytes) -> Any:
    """Return the JSON value of a body, None for an empty one."""
    if not body.strip():
        return None
    try:
        return json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        raise ApiError(400, "bad_request", "The request body is not valid JSON.") from None


def _refuse(word: str) -> float:
    # Python reads NaN and Infinity; JSON has neither.
    raise ValueError(word)


def _finite(digits: str) -> float:
    number = float(digits)
    return _refuse(digits) if number in (float("inf"), float("-inf")) else number


def _failed(error: ApiError, request_id: str) -> Answer:
    body = {"id": error.kind, "message": error.message, "request_id": request_id}
    return Answer(error.status, body, headers=error.headers)
