"""Measure one sandbox under many notebooks: no error, no lost update, and how long an answer takes.

Every notebook is a Python process that imports dotrain and works until its share
of the requests is made: it lists clusters and what belongs to nothing, makes, changes
and deletes objects of its own, and changes firewalls and a tag that all of them
share. At the end each change of each of them has to be there. Beside it the same
number of processes asks the same number of times a server of the same make that has
nothing to look up: what is left is the sandbox's own.

Then so many stacks are made by dotrain with the real engine, a few at a time, and all
of them let somebody into one shared cluster, each another one.

    python -m benchmarks.load [notebooks] [requests] [stacks]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.measure import programs

NOTEBOOKS, REQUESTS, STACKS = 50, 10_000, 200
AT_ONCE = 4
SHARED = "dotrain-shared"
# DigitalOcean's limit is 50 rules of a firewall, those that go out among them.
_A_FIREWALL = 25
_ROOT = Path(__file__).parents[1]
_SETUP = {"protocol": "tcp", "ports": "443", "destinations": {"addresses": ["0.0.0.0/0"]}}


@dataclass(frozen=True)
class Seen:
    """What notebooks have seen.

    Parameters
    ----------
    seconds : list of float
        How long each of their requests took.
    lost : list of str
        Each change that is not there at the end.
    wall : float
        Seconds from the first request to the last.
    """

    seconds: list[float]
    lost: list[str]
    wall: float

    def percentile(self, percent: int) -> float:
        """Return what so many in a hundred requests took at most."""
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[percent - 1]


def main(notebooks: int = NOTEBOOKS, requests: int = REQUESTS, stacks: int = STACKS) -> None:
    """Measure, and print the tables."""
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {**programs(), "DOTRAIN_HOME": home, "DOTRAIN_SANDBOX_DELAY": "0"}
        from dotrain import target

        target.use_sandbox()
        try:
            many = at_once(notebooks, requests)
            alone = at_once(1, max(100, requests // notebooks))
            print(
                f"| {notebooks} notebooks on one sandbox | requests | a second | p50 ms | p99 ms |"
            )
            print("|---|---|---|---|---|")
            bare = against_nothing(notebooks, requests)
            rows = {"the sandbox": many, "one notebook alone": alone, "a server of nothing": bare}
            for what, seen in rows.items():
                number, rate = len(seen.seconds), len(seen.seconds) / seen.wall
                times = " | ".join(f"{1000 * seen.percentile(one):.1f}" for one in (50, 99))
                print(f"| {what} | {number} | {rate:.0f} | {times} |")
            ratio = many.percentile(99) / bare.percentile(99)
            print(f"| ratio of the p99 to that of a server of nothing | | | | {ratio:.2f} |")
            print(f"\nErrors: 0. Lost updates: {len(many.lost) + len(alone.lost)}.")
            if many.lost or alone.lost:
                raise SystemExit("\n".join([*many.lost, *alone.lost]))
            if stacks:
                print_stacks(stacks)
        finally:
            target.stop_sandbox()


def at_once(notebooks: int, requests: int) -> Seen:
    """Have so many notebooks make so many requests of the sandbox that runs, all together."""
    from dotrain import target

    running = target.start_sandbox()
    headers = {"Authorization": f"Bearer {running['token']}"}
    with httpx.Client(base_url=running["url"], headers=headers, timeout=60) as sandbox:
        sandbox.post("/__sandbox__/reset").raise_for_status()
        sandbox.post("/v2/tags", json={"name": SHARED}).raise_for_status()
        for number in range(-(-notebooks // _A_FIREWALL)):
            body = {"name": f"{SHARED}-{number}", "outbound_rules": [_SETUP]}
            sandbox.post("/v2/firewalls", json=body).raise_for_status()
        told = _run(["notebook"], notebooks, requests)
        lost = list(_lost(sandbox, told))
    return _seen(told, lost)


def against_nothing(notebooks: int, requests: int) -> Seen:
    """Have so many processes make so many requests of a server that has nothing to look up."""
    server = _python("benchmarks.load", "nothing")
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        return _seen(_run(["asker", url], notebooks, requests), [])
    finally:
        server.terminate()
        server.communicate()


def _run(what: list[str], notebooks: int, requests: int) -> list[dict[str, Any]]:
    """Start processes, let all begin when the last one is ready, and return what they say."""
    share = -(-requests // notebooks)
    running = [
        _python("benchmarks.load", *what, str(number), str(share)) for number in range(notebooks)
    ]
    try:
        for one in running:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n", one.communicate()[1]
        for one in running:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        told = [one.communicate() for one in running]
    finally:
        for one in running:
            one.kill()
    for one, (_, errors) in zip(running, told, strict=True):
        if one.returncode:
            raise SystemExit(f"A notebook failed:\n{errors[-2000:]}")
    return [json.loads(said) for said, _ in told]


def _python(module: str, *arguments: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(command, cwd=_ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def _seen(told: list[dict[str, Any]], lost: list[str]) -> Seen:
    seconds = [second for one in told for second in one["seconds"]]
    wall = max(one["end"] for one in told) - min(one["begin"] for one in told)
    return Seen(seconds, lost, wall)


def _lost(sandbox: httpx.Client, told: list[dict[str, Any]]) -> list[str]:
    """Return what the notebooks have changed, and is not so."""
    pages = {
        kind: sandbox.get(f"/v2/{kind}?per_page=200").raise_for_status().json()[kind]
        for kind in ("firewalls", "volumes")
    }
    shared = [one for one in pages["firewalls"] if one["name"].startswith(SHARED)]
    opened = {rule["ports"] for one in shared for rule in one["inbound_rules"]}
    tagged = {one["name"] for one in pages["volumes"] if SHARED in one["tags"]}
    own = {one["name"]: len(one["inbound_rules"]) for one in pages["firewalls"]}
    lost = []
    for one in told:
        name = one["name"]
        lost += [f"{name}: its rule of the shared firewall"] * (one["port"] not in opened)
        lost += [f"{name}: the shared tag of its volume"] * (name not in tagged)
        lost += [f"{name}: {one['rules']} rules, {own.get(name)}"] * (own.get(name) != one["rules"])
    return lost


# What a notebook does.


def notebook(number: int, share: int) -> dict[str, Any]:
    """Make a share of the requests, as a notebook with dotrain does, and return how that went."""
    import dotrain
    from dotrain import target
    from dotrain.api import Api

    dotrain.use_sandbox()
    name, seconds = f"notebook-{number}", _timed()
    port, rules = str(10_000 + number), 0
    api = Api(target.current())
    _ready()
    begin = time.time()
    shared = next(
        one
        for one in api.pages("/v2/firewalls", "firewalls")
        if one["name"] == f"{SHARED}-{number // _A_FIREWALL}"
    )
    api.post("/v2/volumes", {"name": name, "region": "nyc3", "size_gigabytes": 10})
    (volume,) = api.pages("/v2/volumes", "volumes", name=name)
    tagged = {"resources": [{"resource_id": volume["id"], "resource_type": "volume"}]}
    own = {"name": name, "outbound_rules": [_SETUP]}
    api.post("/v2/firewalls", own)
    key = next(one["id"] for one in api.pages("/v2/firewalls", "firewalls") if one["name"] == name)
    while len(seconds) < share:
        api.post(f"/v2/tags/{SHARED}/resources", tagged)
        api.post(f"/v2/firewalls/{shared['id']}/rules", {"inbound_rules": [_rule(port)]})
        # What is read is written back with more in it: in between the others write theirs.
        there = api.get(f"/v2/firewalls/{key}")["firewall"]["inbound_rules"]
        rules = len(there) % 40 + 1
        changed = [_rule(str(20_000 + one)) for one in range(rules)]
        api.put(f"/v2/firewalls/{key}", {**own, "inbound_rules": changed})
        api.post("/v2/tags", {"name": f"{name}-{rules}"})
        api.delete(f"/v2/tags/{name}-{rules}")
        dotrain.clusters()
        if rules % 4 == 0:
            dotrain.leaks()
    end = time.time()
    return {
        "name": name,
        "port": port,
        "rules": rules,
        "seconds": seconds,
        "begin": begin,
        "end": end,
    }


def asker(url: str, share: int) -> dict[str, Any]:
    """Ask the same thing so many times, and return how long each answer took."""
    seconds = _timed()
    with httpx.Client(base_url=url, timeout=60) as client:
        client.get("/")
        _ready()
        begin = time.time()
        seconds.clear()
        for _ in range(share):
            client.get("/").raise_for_status()
    return {"seconds": seconds, "begin": begin, "end": time.time()}


def _rule(port: str) -> dict[str, Any]:
    return {"protocol": "tcp", "ports": port, "sources": {"addresses": ["203.0.113.7/32"]}}


def _ready() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def _timed() -> list[float]:
    """Return a list that takes the seconds of each request from now on."""
    seconds: list[float] = []
    send = httpx.Client.send

    def timed(client: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        begun = time.perf_counter()
        answer = send(client, request, **options)
        seconds.append(time.perf_counter() - begun)
        return answer

    httpx.Client.send = timed  # type: ignore[method-assign]
    return seconds


def nothing() -> None:
    """Serve the same bytes to everybody, by the server that the sandbox is served by."""
    import uvicorn
    from starlette.responses import Response

    answer = json.dumps({"firewalls": [{"name": "x" * 40, "rules": [_rule("22")] * 10}]})
    config = uvicorn.Config(
        Response(answer, media_type="application/json"),
        port=0,
        http="h11",
        log_config=None,
        lifespan="off",
    )
    listener = config.bind_socket()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


# What stacks do.


def print_stacks(stacks: int) -> None:
    """Make stacks with the real engine, some at a time, and print how that went."""
    import dotrain
    from dotrain import stack, target

    dotrain.up("shared")
    begun = time.perf_counter()
    told = _run(["stacks"], AT_ONCE, stacks)
    wall = time.perf_counter() - begun
    made = [second for one in told for second in one["made"]]
    there = {
        f"stack-{number}-{one}"
        for number, each in enumerate(told)
        for one in range(len(each["made"]))
    }
    lost = there - set(dotrain.clusters()["name"])
    lost |= there - set(stack.stacks(target.current()))
    let_in = {one.source for one in dotrain.get("shared").spec.allow}
    peers = set(dotrain.get("shared").rules().peer)
    for one in (f"198.51.100.{number}/32" for number in range(AT_ONCE)):
        lost |= {one} - (let_in & peers)
    print(f"\n| {len(made)} stacks, {AT_ONCE} at a time | s |")
    print("|---|---|")
    print(f"| one `up()`: p50 | {statistics.median(made):.1f} |")
    print(f"| one `up()`: p99 | {statistics.quantiles(made, n=100, method='inclusive')[98]:.1f} |")
    print(f"| all of them, and {AT_ONCE} grants on one shared cluster | {wall:.0f} |")
    print(f"\nErrors: 0. Lost: {len(lost)}.")
    if lost:
        raise SystemExit(f"Lost: {sorted(lost)}")


def made_stacks(number: int, share: int) -> dict[str, Any]:
    """Make a share of the stacks, and let somebody into the shared cluster."""
    import dotrain

    dotrain.use_sandbox()
    _ready()
    made = []
    for one in range(share):
        begun = time.perf_counter()
        dotrain.up(f"stack-{number}-{one}")
        made.append(time.perf_counter() - begun)
    dotrain.get("shared").allow(f"198.51.100.{number}", to="ssh")
    return {"made": made}


_PARTS: dict[str, Callable[..., Any]] = {
    "notebook": lambda number, share: notebook(int(number), int(share)),
    "asker": lambda url, _, share: asker(url, int(share)),
    "stacks": lambda number, share: made_stacks(int(number), int(share)),
}


if __name__ == "__main__":
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    if part == "nothing":
        nothing()
    elif part in _PARTS:
        print(json.dumps(_PARTS[part](*sys.argv[2:])))
    else:
        main(*map(int, sys.argv[1:]))
