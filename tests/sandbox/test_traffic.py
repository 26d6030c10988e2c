"""What the official provider was recorded sending gets answers it can read."""

import json
import re
import time

from tests.provider.traffic import needs_recording

from . import coverage, openapi, recording

AGENT = {"User-Agent": "pulumi-digitalocean, as it was recorded"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def lacking(recorded, answered, where=""):
    """Return the recorded fields that the answer does not have."""
    if isinstance(recorded, dict):
        if not isinstance(answered, dict):
            return [where]
        missing = [f"{where}.{key}" for key in recorded if key not in answered]
        shared = [key for key in recorded if key in answered]
        return missing + [
            field
            for key in shared
            for field in lacking(recorded[key], answered[key], f"{where}.{key}")
        ]
    if isinstance(recorded, list):
        if not isinstance(answered, list) or len(answered) < len(recorded):
            return [where]
        return [
            field
            for index, item in enumerate(recorded)
            for field in lacking(item, answered[index], f"{where}[{index}]")
        ]
    return []


def same_ids(recorded, answered, known):
    """Note which id here stands for which recorded one."""
    if isinstance(recorded, dict) and isinstance(answered, dict):
        for key in recorded.keys() & answered.keys():
            same_ids(recorded[key], answered[key], known)
    elif isinstance(recorded, list) and isinstance(answered, list):
        for one, other in zip(recorded, answered, strict=False):
            same_ids(one, other, known)
    elif isinstance(recorded, str) and UUID.fullmatch(recorded) and isinstance(answered, str):
        known.setdefault(recorded, answered)


def here(text, known):
    return UUID.sub(lambda found: known.get(found[0], found[0]), text)


def ready(body):
    """Return the states in an answer that the provider waits for."""
    body = body or {}
    cluster = body.get("kubernetes_cluster", {})
    nodes = body.get("node_pool", {}).get("nodes", [])
    return (
        cluster.get("status", {}).get("state"),
        body.get("database", {}).get("status"),
        [node["status"]["state"] for node in nodes],
    )


def replayed(server, exchange, known):
    """Send what was recorded; as the provider does, ask again while it is too early."""
    path = here(exchange["path"], known)
    body = json.loads(here(json.dumps(exchange["request"]), known))
    end = time.monotonic() + 3
    while True:
        answer = server.client.request(exchange["method"], path, json=body, headers=AGENT)
        answered = answer.json() if answer.content else None
        early = answer.status_code == 409 and exchange["method"] == "DELETE"
        if exchange["method"] == "GET":
            early = answer.status_code != exchange["status"] or (
                ready(answered) != ready(exchange["response"])
            )
        if not early or time.monotonic() > end:
            return answer.status_code, answered
        time.sleep(0.05)


@needs_recording
def test_replay(server):
    known, answers = {}, []
    for step, exchange in recording.exchanges():
        status, answered = replayed(server, exchange, known)
        where = f"{step}: {exchange['method']} {exchange['path']}"
        assert status == exchange["status"], f"{where}: {answered}"
        if exchange["response"] is not None:
            assert lacking(exchange["response"], answered) == [], where
            same_ids(exchange["response"], answered, known)
        answers.append((exchange, {**exchange, "status": status, "response": answered}))
    left = server.get("/__sandbox__/objects")
    assert [left[kind] for kind in ("clusters", "firewalls", "databases", "droplets")] == [[]] * 4
    asked = server.get("/__sandbox__/requests")["requests"]
    coverage.whole("official provider", coverage.seen(asked))
    if openapi.DOCUMENT.exists():
        # Where the recording is not as the document has it, neither is the sandbox.
        recorded, here_too = (
            set().union(*map(recording.disagreements, side)) for side in zip(*answers, strict=True)
        )
        assert here_too == recorded
