"""The tokens in kubeconfigs: issued for a time, and asked about by the API server."""

from __future__ import annotations

import re
import secrets
from typing import Any

from dotrain.sandbox.answers import Answer, Call, Doc

USER = "sandbox@example.com"
GROUP = "k8saas:authenticated"
_MOST = 100
_REVIEWS = "/__sandbox__/kubernetes/"


def issue(call: Call, cluster: Doc, seconds: int) -> str:
    """Return a new token for a cluster that is good for so long."""
    token = f"sandbox_kube_{secrets.token_hex(32)}"
    entry = {"token": token, "expires": call.now + seconds}
    # The newest: what asks often must not fill the store.
    kept = [*_valid(cluster, call.now), entry][-_MOST:]
    call.store.put("cluster", {**cluster, "tokens": kept})
    return token


def review_path(cluster_id: str) -> str:
    """Return where the API server of a cluster asks whose a token is."""
    return f"{_REVIEWS}{cluster_id}/review"


def asked_of(path: str) -> str | None:
    """Return the cluster about whose tokens `path` asks, None when it asks for something else."""
    match = re.fullmatch(f"{_REVIEWS}([0-9a-f-]{{36}})/review", path)
    return match and match[1]


def review(cluster: Doc | None, body: Any, now: float) -> Answer:
    """Answer a TokenReview of a cluster's API server."""
    spec = body.get("spec") if isinstance(body, dict) else None
    token = spec.get("token") if isinstance(spec, dict) else None
    valid = {one["token"] for one in _valid(cluster, now)}
    good = isinstance(token, str) and token in valid
    user = {"user": {"username": USER, "uid": USER, "groups": [GROUP]}} if good else {}
    return Answer(
        200,
        {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "status": {"authenticated": good, **user},
        },
    )


def _valid(cluster: Doc | None, now: float) -> list[Doc]:
    return [one for one in (cluster or {}).get("tokens", ()) if one["expires"] > now]
