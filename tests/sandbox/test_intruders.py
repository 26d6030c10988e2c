"""Whoever tries to enter the sandbox: a web page, a neighbour, a client gone mad."""

import contextlib
import json
import re
import socket
from pathlib import Path

import httpx
import pytest

import dotrain.sandbox

# Headers of a request after which there is none: who answers it does not wait for more.
LAST = "Host: 127.0.0.1\r\nConnection: close"


def raw(server, text):
    """Return all that is answered to bytes, sent as they are."""
    port = httpx.URL(server.url).port
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        answer = b""
        # Who is refused may be reset, before all is sent too.
        with contextlib.suppress(ConnectionError):
            connection.sendall(text.encode("latin-1"))
            while some := connection.recv(65536):
                answer += some
    return answer.decode("latin-1")


def asked(server, line, *headers):
    """Return status and content of the answer to a request with the right token."""
    token = f"Authorization: Bearer {server.card['token']}"
    lines = [f"{line} HTTP/1.1", *headers, token, "Connection: close", "", ""]
    answer = raw(server, "\r\n".join(lines))
    head, _, content = answer.partition("\r\n\r\n")
    return (int(head.split()[1]) if head else 0), content, head


def host(server):
    return f"Host: {httpx.URL(server.url).netloc.decode()}"


@pytest.mark.parametrize(
    "name",
    [
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "127.1",
        "2130706433",
        "0x7f000001",
        "127.0.0.1.",
        "localhost.evil.example",
        "evil.example@127.0.0.1",
        "127.0.0.1@evil.example",
        "127.0.0.1,evil.example",
        "127.0.0.1:80:80",
        "127.0.0.1:port",
        "LOCALHOST.:1",
        "\x7f",
        "[",
    ],
)
def test_a_name_that_is_not_plainly_this_machine_is_refused(server, name):
    assert asked(server, "GET /v2/account", f"Host: {name}")[0] in (400, 403)


@pytest.mark.parametrize("name", ["127.0.0.1", "127.0.0.1:1", "localhost", "LocalHost:65535"])
def test_a_name_of_this_machine_is_taken_with_any_port(server, name):
    # A port that is forwarded has another number; the name is what a page cannot forge.
    assert asked(server, "GET /v2/account", f"Host: {name}")[0] == 200


def test_no_host_or_two_are_refused(server):
    assert asked(server, "GET /v2/account")[0] == 400
    twice = ("Host: 127.0.0.1", "Host: evil.example")
    assert asked(server, "GET /v2/account", *twice)[0] in (400, 403)
    assert asked(server, "GET /v2/account", *reversed(twice))[0] in (400, 403)


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.example/v2/account",
        "http://169.254.169.254/metadata/v1/user-data",
        "//evil.example/v2/account",
        "/v2/../v2/account",
        "/v2/%2e%2e/__sandbox__/objects",
        "/v2//account",
        "/__sandbox__/../v2/account",
        "/V2/account",
        "/v2/account/",
        "/v2/account%00",
        "*",
    ],
)
def test_a_target_is_a_path_of_its_own_or_nothing(server, target):
    status, content, _ = asked(server, f"GET {target}", host(server))
    # The greeting of somebody else's page would be 200 too.
    assert status in (400, 404), content


@pytest.mark.parametrize("method", ["OPTIONS", "CONNECT", "TRACE", "HEAD", "PROPFIND"])
@pytest.mark.parametrize("path", ["/v2/account", "/__sandbox__/"])
def test_methods_of_browsers_and_proxies_get_nothing(server, method, path):
    status, content, head = asked(server, f"{method} {path}", host(server))
    assert status in (400, 404, 405)
    assert "droplet_limit" not in content
    assert server.card["id"] not in content
    assert "access-control" not in head.lower()


def test_a_preflight_of_a_page_is_refused(server):
    page = ("Origin: http://evil.example", "Access-Control-Request-Method: POST")
    status, _, head = asked(server, "OPTIONS /v2/tags", host(server), *page)
    assert status == 403
    assert "access-control" not in head.lower()


@pytest.mark.parametrize(
    "origin", ["null", "http://127.0.0.1", "https://127.0.0.1", "http://localhost:1", "file://"]
)
def test_a_page_of_this_machine_is_another_page(server, origin):
    headers = (host(server), f"Origin: {origin}")
    assert asked(server, "GET /v2/account", *headers)[0] == 403
    assert asked(server, "GET /__sandbox__/", *headers)[0] == 403


def test_no_answer_lets_another_page_read_it(server):
    for path in ("/__sandbox__/", "/v2/account", "/v2/nothing"):
        names = {name.lower() for name in server.client.get(path).headers}
        assert not {one for one in names if one.startswith(("access-control", "set-cookie"))}
        assert "server" not in names


def test_no_connection_becomes_a_websocket(server):
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    status, _, _ = asked(server, "GET /v2/nothing", host(server), *upgrade, key)
    assert status != 101


def test_who_greets_it_learns_no_secret(server):
    greeting = httpx.get(f"{server.url}/__sandbox__/").text
    assert server.card["token"] not in greeting
    assert str(server.data) not in greeting
    assert set(json.loads(greeting)) == {"dotrain_sandbox", "id", "pid", "delay"}


@pytest.mark.parametrize(
    "text",
    [
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        "POST /v2/tags HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        f"GET /v2/account HTTP/9.9\r\n{LAST}\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        f"GET {'/a' * 40_000} HTTP/1.1\r\n{LAST}\r\n\r\n",
        f"GET /v2/account HTTP/1.1\r\n{LAST}\r\nX: {'a' * 100_000}\r\n\r\n",
        f"GET /v2/account HTTP/1.1\r\n{LAST}\r\nX: a\r\n Authorization: Bearer x\r\n\r\n",
    ],
    ids=["two lengths", "bad chunk", "version", "TLS", "long path", "long header", "folded"],
)
def test_what_is_no_request_is_refused_and_the_next_one_is_answered(server, text):
    answer = raw(server, text)
    assert answer[9:12] in ("", "400", "401", "404", "431"), answer[:200]
    assert server.client.get("/v2/account").status_code == 200


def test_a_request_that_never_ends_holds_up_nobody(server):
    port = httpx.URL(server.url).port
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            slow.sendall(b"POST /v2/tags HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{")
        assert server.client.get("/v2/account", timeout=5).status_code == 200


def test_it_listens_to_this_machine_alone(server):
    port = httpx.URL(server.url).port
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("only Linux says who listens where in a file")
    listening = [line.split()[1] for line in table.read_text().splitlines() if " 0A " in line]
    assert [one for one in listening if one.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]
    six = Path("/proc/net/tcp6").read_text()
    assert not re.search(rf":{port:04X} \S+ 0A", six)


def test_nobody_else_can_listen_at_its_port(server):
    port = httpx.URL(server.url).port
    for address in ("127.0.0.1", "0.0.0.0"):
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            with socket.socket() as thief:
                thief.setsockopt(socket.SOL_SOCKET, option, 1)
                with pytest.raises(OSError, match="in use"):
                    thief.bind((address, port))


# What opens a connection, and where to; none is told by a request where that is.
CONNECTING = {
    "kubernetes/guard.py": "/readyz of a control plane that it has started",
    "kubernetes/kubelet/api.py": "the control plane that it was started for",
    "kubernetes/kubelet/running.py": "likewise",
    "kubernetes/kubelet/watching.py": "likewise",
    "kubernetes/plane.py": "the control planes that it has started",
    "kubernetes/programs.py": "looks for ports that are free",
    "serve.py": "listens",
    "server.py": "resets connections",
}


def test_it_has_nothing_to_fetch_a_url_with():
    root = Path(dotrain.sandbox.__file__).parent
    library = r"(?:httpx|requests|urllib\.request|urllib3|http\.client|aiohttp|socket)\b"
    found = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        # The provider is a client, in a process of the engine's.
        if "provider" not in path.parts
        and re.search(rf"^\s*(?:import|from) {library}", path.read_text(), re.MULTILINE)
    }
    assert found == set(CONNECTING)
