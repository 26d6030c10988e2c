"""Credentials: never shown, and never sent where nobody is known."""

from __future__ import annotations

import base64
import contextlib
import copy
import json
import os
import shutil
import subprocess
from contextlib import closing

import anyio
import pytest
import yaml
from kr8s._auth import KubeAuth

from dotrain import config, credentials
from dotrain.api import Api
from dotrain.credentials import Credentials, kubeconfig
from dotrain.errors import KubernetesUnreachable
from dotrain.target import Target
from tests.unit.conftest import Answer

TOKEN = "sandbox_kube_5ecre7"
SERVER = "https://c-1.k8s.example"
AUTHORITY = base64.b64encode(b"an authority").decode()
GOOD = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [
        {"name": "c", "cluster": {"certificate-authority-data": AUTHORITY, "server": SERVER}}
    ],
    "contexts": [{"name": "do-nyc3-bert", "context": {"cluster": "c", "user": "admin"}}],
    "current-context": "do-nyc3-bert",
    "users": [{"name": "admin", "user": {"token": TOKEN}}],
}


def kept(**changes) -> dict:
    """Return what is kept of a good kubeconfig with other things in its cluster and its user."""
    poisoned = copy.deepcopy(GOOD)
    poisoned["clusters"][0]["cluster"] |= changes.get("cluster", {})
    poisoned["users"][0]["user"] |= changes.get("user", {})
    poisoned |= changes.get("top", {})
    return yaml.safe_load(kubeconfig(yaml.safe_dump(poisoned)))


def test_the_token_is_not_shown() -> None:
    known = Credentials("https://c-1.example", "", TOKEN)
    assert TOKEN not in f"{known} {known!r} {vars(known)}"
    assert known.token == TOKEN


@pytest.mark.parametrize("server", ["http://c-1.example", "", "https://c-1.example"])
def test_without_https_and_an_authority_nothing_is_trusted(server) -> None:
    with pytest.raises(KubernetesUnreachable, match=r"kubernetes=True"):
        Credentials(server, "not a certificate", TOKEN).trust()


def test_kubeconfig_is_named_for_this_process(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("KUBECONFIG", "another")
    config.use_kubeconfig(tmp_path / "bert.yaml")
    assert os.environ["KUBECONFIG"] == str(tmp_path / "bert.yaml")


def test_of_a_kubeconfig_the_address_the_authority_and_the_token_are_kept() -> None:
    name = GOOD["current-context"]
    assert kept() == {
        **GOOD,
        "clusters": [{**GOOD["clusters"][0], "name": name}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "users": [{**GOOD["users"][0], "name": name}],
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch"}}},
        {"user": {"auth-provider": {"name": "gcp", "config": {"cmd-path": "touch"}}}},
        {"user": {"tokenFile": "/etc/passwd", "client-key": "/etc/shadow"}},
        {"user": {"as": "system:admin", "username": "root", "password": "x"}},
        {"cluster": {"proxy-url": "http://127.0.0.1:1", "tls-server-name": "evil.example"}},
        {"cluster": {"insecure-skip-tls-verify": True, "certificate-authority": "/etc/ca"}},
        {"top": {"preferences": {"colors": True}, "extensions": [{"name": "x", "extension": {}}]}},
        {"top": {"users": [*GOOD["users"], {"name": "b", "user": {"exec": {"command": "touch"}}}]}},
    ],
    ids=lambda changes: "-".join(*changes.values()),
)
def test_of_a_kubeconfig_nothing_else_is_kept(changes) -> None:
    assert kept(**changes) == kept()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "{",
        "a: 2001-99-99",
        "!!python/object/apply:os.system ['touch x']",
        "[" * 5000,
        yaml.safe_dump({**GOOD, "current-context": "another"}),
        yaml.safe_dump(GOOD).replace("https:", "http:"),
        yaml.safe_dump(GOOD).replace(TOKEN, "[1]"),
        yaml.safe_dump(GOOD).replace(AUTHORITY, "no base64"),
        yaml.safe_dump({**GOOD, "users": [{"name": "admin", "user": {"exec": {}}}]}),
    ],
    ids=str,
)
def test_what_is_no_kubeconfig_with_a_token_is_refused_and_not_shown(text) -> None:
    with pytest.raises(KubernetesUnreachable) as caught:
        kubeconfig(text)
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_program_that_a_kubeconfig_names_is_never_run(serve, tmp_path) -> None:
    mark = tmp_path / "mark"
    program = {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch"}
    program |= {"args": [str(mark)], "interactiveMode": "Never"}
    poisoned = copy.deepcopy(GOOD)
    poisoned["users"][0]["user"] = {"exec": program, "token": TOKEN}
    theirs = tmp_path / "theirs.yaml"
    text = yaml.safe_dump(poisoned)
    theirs.write_text(text)

    async def use(path) -> None:
        # Touch says nothing, where a program has to say a token.
        with contextlib.suppress(json.JSONDecodeError):
            await KubeAuth(kubeconfig=str(path))

    # It would be, from the file as it is.
    anyio.run(use, theirs)
    assert mark.exists()
    mark.unlink()
    server = serve()
    server.answer = lambda _: Answer(body=text.encode())
    with closing(Api(Target("digitalocean", server.url, "dop_v1_5ecre7", tmp_path))) as api:
        ours = credentials.write(api, "c-1", tmp_path / "kube" / "bert.yaml")
    anyio.run(use, ours)
    kubectl = shutil.which("kubectl")
    if kubectl:
        asked = [kubectl, "--kubeconfig", ours, "--request-timeout", "1s", "get", "pods"]
        subprocess.run(asked, capture_output=True, timeout=60, check=False)
    assert not mark.exists()
    assert ours.stat().st_mode & 0o777 == 0o600
    assert ours.parent.stat().st_mode & 0o777 == 0o700
