"""The doctor: what it finds, that each bad finding has a cure, and what it never shows."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dotrain import ownfiles
from dotrain.engine import provider, standin
from dotrain.engine.locate import VERSION

# The package has a function of the same name.
doctor = importlib.import_module("dotrain.checkup")

TOKEN = "dop_v1_" + "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("DOTRAIN_", "DIGITALOCEAN_", "PULUMI_")):
            monkeypatch.delenv(name)
    for name in doctor.config._HOSTED:
        monkeypatch.delenv(name, raising=False)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sh").symlink_to(shutil.which("sh"))
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "users-pulumi"))
    monkeypatch.setenv("DOTRAIN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def server():
    """A server on this machine that keeps what it is asked, and answers 200 with JSON."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Authorization")))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"id": "abc"}')

        def log_message(self, *_):
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
    thread.start()
    listening.asked = asked
    listening.url = f"http://127.0.0.1:{listening.server_address[1]}"
    yield listening
    listening.shutdown()
    thread.join()
    listening.server_close()


def executable(path, body):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def look(name):
    return next(check for check in doctor.checks() if check.check == name)


def test_a_new_machine_fails_nothing_and_every_warning_has_a_cure():
    found = doctor.checks()
    assert {check.status for check in found} <= {"PASS", "WARN", "SKIP"}
    assert all(check.fix for check in found if check.status == "WARN")
    assert all(check.found for check in found)
    assert len({check.check for check in found}) == len(found)


def test_a_data_directory_that_cannot_be_made_fails_with_a_cure_and_stops_nothing(
    tmp_path, monkeypatch
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("DOTRAIN_HOME", str(tmp_path / "file" / "home"))
    data = look("data directory")
    assert data.status == "FAIL"
    assert "DOTRAIN_HOME" in data.fix
    assert look("Python").status == "PASS"


def test_a_fault_in_a_check_is_a_finding(monkeypatch):
    def broken(_):
        raise ZeroDivisionError(TOKEN)

    monkeypatch.setattr(doctor, "_kernel", broken)
    assert look("kernel").status == "FAIL"
    assert TOKEN not in str(look("kernel"))


def test_the_engine(tmp_path, monkeypatch):
    assert look("Pulumi CLI").status == "WARN"
    old = executable(tmp_path / "old" / "pulumi", "echo v3.1.0")
    monkeypatch.setenv("PATH", str(old.parent))
    assert "is version 3.1.0" in look("Pulumi CLI").found
    monkeypatch.setenv("DOTRAIN_PULUMI", str(old))
    assert look("Pulumi CLI").status == "FAIL"
    good = executable(tmp_path / "good" / "pulumi", f"echo v{VERSION}")
    monkeypatch.setenv("DOTRAIN_PULUMI", str(good))
    assert look("Pulumi CLI").found == f"{VERSION} (DOTRAIN_PULUMI: {good})"


def test_the_provider(tmp_path):
    assert "not installed yet" in look("DigitalOcean provider").found
    ownfiles.write_private(provider._memory(), "no way through")
    check = look("DigitalOcean provider")
    assert check.status == "WARN"
    assert "for the sandbox only" in check.found
    assert "no way through" in check.found
    folder = tmp_path / "users-pulumi" / "plugins"
    folder /= f"resource-digitalocean-v{provider.wanted()}"
    executable(folder / standin.NAME, "exit 1")
    assert look("DigitalOcean provider").status == "PASS"


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("s3://team-bucket", "PASS"),
        ("https://user:hunter2@pulumi.example", "PASS"),
        ("postgres://user:hunter2@db.example/state", "PASS"),
        ("file:///no/such/directory", "FAIL"),
        ("file://~", "PASS"),
        ("ftp://x", "FAIL"),
        ("state", "FAIL"),
    ],
)
def test_the_backend_is_judged_and_its_password_not_shown(monkeypatch, url, status):
    monkeypatch.setenv("DOTRAIN_BACKEND", url)
    check = look("state")
    assert check.status == status
    assert "hunter2" not in str(check)


@pytest.mark.parametrize(
    ("mode", "text", "status"),
    [
        (0o600, "words", "PASS"),
        (0o644, "words", "FAIL"),
        (0o640, "words", "FAIL"),
        (0o600, "", "FAIL"),
    ],
)
@pytest.mark.parametrize("kind", ["digitalocean", "sandbox"])
def test_a_passphrase_is_private_and_not_shown(home, kind, mode, text, status):
    assert look(f"passphrase of {kind}").status == "SKIP"
    path = home / kind / "passphrase"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    check = look(f"passphrase of {kind}")
    assert check.status == status
    assert "words" not in str(check)
    assert bool(check.fix) == (status == "FAIL")


@pytest.mark.parametrize(
    ("token", "status"), [(TOKEN, "PASS"), ("0" * 64, "PASS"), ("hunter2", "WARN")]
)
def test_a_token_is_judged_by_its_form_and_never_shown(monkeypatch, server, token, status):
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", token)
    monkeypatch.setenv("DIGITALOCEAN_API_URL", server.url)
    assert look("token").status == status
    assert token not in str(doctor.checks())


@pytest.mark.parametrize(
    "host", ["", "https://digitalocean.com.example", "https://xdigitalocean.com"]
)
def test_a_token_is_sent_to_nobody_but_digitalocean(monkeypatch, server, host):
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", TOKEN)
    monkeypatch.setenv("DIGITALOCEAN_API_URL", host or server.url)
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, server.url)
    check = look("DigitalOcean API")
    assert check.status == "FAIL"
    assert "no token is sent" in check.found
    assert server.asked == []


def test_an_api_that_does_not_answer_is_told(monkeypatch):
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", TOKEN)
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    check = look("DigitalOcean API")
    assert (check.status, check.found) == (
        "FAIL",
        "no answer from api.digitalocean.com (ConnectError)",
    )


@pytest.mark.parametrize(
    ("answer", "status"),
    [(200, "PASS"), (401, "FAIL"), (403, "WARN"), (429, "WARN"), (503, "WARN")],
)
def test_each_answer_of_the_api_has_its_meaning(answer, status):
    check = doctor._verdict("DigitalOcean API", answer)
    assert check.status == status
    assert bool(check.fix) == (status != "PASS")


def test_a_hosted_kernel_is_a_warning(monkeypatch):
    monkeypatch.setenv("COLAB_RELEASE_TAG", "1")
    check = look("kernel")
    assert (check.status, check.found) == ("WARN", "on Google Colab")


def test_the_sandbox(home, server):
    assert look("sandbox").status == "SKIP"
    directory = home / "sandbox" / "server"
    directory.mkdir(parents=True, exist_ok=True)
    info = {"url": server.url, "token": "sandbox_hunter2", "pid": os.getpid(), "id": "abc"}
    (directory / "sandbox.json").write_text(json.dumps(info))
    check = look("sandbox")
    assert (check.status, check.found) == (
        "PASS",
        f"running at {server.url} (process {os.getpid()})",
    )
    (directory / "sandbox.json").write_text(json.dumps({**info, "id": "another's"}))
    assert look("sandbox").status == "WARN"
    assert "hunter2" not in str(doctor.checks())


def test_the_checks_are_also_a_frame():
    frame = doctor.doctor()
    assert list(frame.columns) == ["check", "status", "found", "fix"]
    assert list(frame.check) == [check.check for check in doctor.checks()]


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(
        doctor.importlib.metadata, "requires", lambda _: ["httpx>=0.27", "no-such-thing>=1"]
    )
    assert look("packages").found == "missing: no-such-thing"
    assert look("packages").fix == "Run `pip install no-such-thing`."
