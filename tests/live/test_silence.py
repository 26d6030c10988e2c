"""No secret is anywhere it does not belong: every byte of a whole session is searched."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import secrets as randomness
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from dotrain import target
from dotrain.sandbox.store import Store
from scripts import notebooks
from tests.live.conftest import Sandbox
from tests.live.loud import DATABASE, session
from tests.live.secrecy import Secrets, Watch, files

if TYPE_CHECKING:
    from nbformat import NotebookNode

pytestmark = pytest.mark.long(90)

TOKEN = f"dop_v1_{randomness.token_hex(32)}"


class Cloud:
    """Stands beside the session: does what its cells cannot, and asks for what nobody may tell."""

    def __init__(self, account: Path) -> None:
        self._account = account
        self.secrets = Secrets()
        self.checkpoints: list[dict[str, Any]] = []

    def before(self, cell: NotebookNode, **_: object) -> None:
        """Take away the training pool, for a cell that wants it gone."""
        if "pool gone" not in cell.metadata.get("tags", ()):
            return
        with closing(Sandbox()) as sandbox:
            (one,) = [one for one in sandbox.objects("clusters") if one["name"] == "second"]
            pool = one["node_pools"][1]["id"]
            sandbox.call("DELETE", f"/v2/kubernetes/clusters/{one['id']}/node_pools/{pool}")

    def after(self, cell: NotebookNode, cell_index: int, **_: object) -> None:
        """Note the secrets of what exists now."""
        # The first cell makes nothing, and the kernel is to start the sandbox.
        if cell_index == 0 or cell.cell_type != "code":
            return
        with closing(Sandbox()) as sandbox:
            self._ask(sandbox)
        if cell.source == DATABASE:
            states = (self._account / "state").rglob("stacks/dotrain/*.json")
            self.checkpoints = [json.loads(path.read_text()) for path in states]

    def _ask(self, sandbox: Sandbox) -> None:
        self.secrets.add("the sandbox's token", sandbox.token)
        # Each kubeconfig has a token of its own: what the session was given, the cloud knows.
        with closing(Store(self._account / "server" / "sandbox.db")) as store:
            for one in store.all("cluster"):
                for issued in one["tokens"]:
                    self.secrets.add(f"the kubeconfig of {one['name']}", issued["token"])
        for one in sandbox.objects("databases"):
            shown = sandbox.call("GET", f"/v2/databases/{one['id']}")["database"]
            # Both of its URIs are this and what is no secret.
            self.secrets.add("the database's password", shown["connection"]["password"])


@dataclass
class Session:
    """What is left of a session, and what was seen of it."""

    home: Path
    elsewhere: Path
    notebook: NotebookNode
    cloud: Cloud
    watch: Watch
    requests: list[dict[str, Any]]

    @property
    def secrets(self) -> Secrets:
        """What must not be found."""
        return self.cloud.secrets

    @property
    def belongs(self) -> dict[Path, str]:
        """Where secrets belong, and why."""
        account = self.home / "sandbox"
        return {
            account / "server": "the cloud's own storage",
            account / "passphrase": "it is the passphrase",
            account / "kube": "kubeconfigs, for kubectl",
        }

    def printed(self) -> str:
        """Return the notebook as it would be saved."""
        return notebooks.text(self.notebook)


@pytest.fixture(scope="module")
def ran(module_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Run the session in a kernel that has a home, a temporary directory and a token of its own."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in ("user", "tmp", "said"):
        (elsewhere / name).mkdir(mode=0o700)
    environment = {
        **os.environ,
        "DIGITALOCEAN_TOKEN": TOKEN,
        "HOME": str(elsewhere / "user"),
        "TMPDIR": str(elsewhere / "tmp"),
        "SILENCE": str(elsewhere / "said"),
    }
    notebook, cloud = session(), Cloud(module_home / "sandbox")
    client = notebooks.client(
        notebook,
        timeout=120,
        on_cell_execute=cloud.before,
        on_cell_executed=cloud.after,
    )
    seen = (module_home, elsewhere / "tmp")
    try:
        with (elsewhere / "said" / "terminal").open("wb") as terminal, Watch(seen, TOKEN) as watch:
            client.execute(env=environment, stdout=terminal, stderr=terminal)
        cloud.secrets.add("the real token", TOKEN)
        cloud.secrets.add("the passphrase", (module_home / "sandbox" / "passphrase").read_text())
        with closing(Sandbox()) as sandbox:
            requests = sandbox.requests()
        yield Session(module_home, elsewhere, notebook, cloud, watch, requests)
    finally:
        target.stop_sandbox()


def test_the_search_finds_what_is_planted(tmp_path: Path) -> None:
    secrets, token = Secrets(), f"dop_v1_{randomness.token_hex(32)}"
    secrets.add("planted", token)
    for number in range(4):
        text = f"{'x' * number}{token}, and more".encode()
        for data in (
            text,
            gzip.compress(text),
            base64.b64encode(text),
            gzip.compress(base64.b64encode(text)),
            base64.urlsafe_b64encode(b"\xff\xfe" + text),
            text.hex().encode(),
        ):
            assert secrets.within(b"before" * 9 + data) | secrets.within(data) == {"planted"}
    assert secrets.within(f"{token[:30]}...".encode()) == {"planted"}
    assert secrets.within(b"dop_v1_ and nothing else") == set()
    odd = "p/+ä?&=" * 6
    secrets.add("odd", odd)
    assert secrets.within(quote(odd, safe="").encode()) == {"odd"}
    assert secrets.within(json.dumps(odd).encode()) == {"odd"}
    key = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n"
    assert secrets.within(base64.b64encode(key.encode())) == {"a private key"}
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_text(token)
    assert [secrets.within(data) for _, data in files(tmp_path, {})] == [{"planted"}]
    assert list(files(tmp_path, {tmp_path / "in": "left out"})) == []


def test_the_session_had_them_all_and_said_much(ran: Session) -> None:
    assert set(ran.secrets.values) == {
        "the real token",
        "the sandbox's token",
        "the passphrase",
        "the kubeconfig of bert",
        "the kubeconfig of second",
        "the database's password",
    }
    said = ran.printed()
    for words in (
        "ReplacementRefused",
        "OperationFailed",
        "UnsafeEndpoint",
        "ConfigError",
        "EngineError",
    ):
        assert words in said
    assert "Cut" in said
    assert "is not pickled" in said
    log = (ran.elsewhere / "said" / "log").read_text()
    assert "httpcore" in log
    assert "second.kubeconfig()" in (ran.elsewhere / "said" / "errors").read_text()
    programs = {Path(one[0]).name for one in ran.watch.arguments if one}
    assert "pulumi" in programs
    assert any("dotrain.sandbox.provider" in one for one in ran.watch.arguments)


def test_no_file_in_the_data_directory_has_one(ran: Session) -> None:
    leaks = {path: ran.secrets.within(data) for path, data in files(ran.home, ran.belongs)}
    assert len(leaks) > 10
    assert {path: found for path, found in leaks.items() if found} == {}


def test_where_one_belongs_only_this_user_can_read_it(ran: Session) -> None:
    account = ran.home / "sandbox"
    for path in (account / "passphrase", *(account / "kube").iterdir()):
        status = path.stat()
        assert (status.st_mode & 0o777, status.st_uid) == (0o600, os.getuid()), path
        (found,) = ran.secrets.within(path.read_bytes())
        assert found in ("the passphrase", f"the kubeconfig of {path.stem}")


def test_the_notebook_has_none(ran: Session) -> None:
    assert ran.secrets.within(ran.printed().encode()) == set()


def test_no_process_was_given_one_as_an_argument(ran: Session) -> None:
    arguments = "\n".join(" ".join(one) for one in ran.watch.arguments)
    assert ran.secrets.within(arguments.encode()) == set()


def test_no_log_warning_or_traceback_with_all_its_variables_has_one(ran: Session) -> None:
    said = {path.name: data for path, data in files(ran.elsewhere / "said", {})}
    assert {name: ran.secrets.within(data) for name, data in said.items()} == {
        "errors": set(),
        "log": set(),
        "terminal": set(),
    }


def _written(path: Path) -> Path:
    """Return what a file is called as soon as it is whole."""
    return path.with_name(re.sub(r"^\.(.+)\.[0-9a-f]{16}$", r"\1", path.name))


def test_neither_had_a_file_that_was_there_only_for_a_while(ran: Session) -> None:
    leaks = {
        path: ran.secrets.within(data)
        for (path, *_), data in ran.watch.contents.items()
        if ran.belongs.keys().isdisjoint([_written(path), *path.parents])
    }
    assert {path: found for path, found in leaks.items() if found} == {}
    left = [*files(ran.elsewhere / "user", {}), *files(ran.elsewhere / "tmp", {})]
    assert {path for path, data in left if ran.secrets.within(data)} == set()


def test_nobody_else_could_read_or_enter_anything_at_any_moment(ran: Session) -> None:
    inside = {one for one in ran.watch.open_to_others if ran.home in one[0].parents}
    assert inside == set()
    assert ran.home.stat().st_mode & 0o077 == 0


def test_the_real_token_never_came_near_the_sandbox(ran: Session) -> None:
    only = Secrets()
    only.add("the real token", TOKEN)
    server = ran.home / "sandbox" / "server"
    assert {path for path, data in files(server, {}) if only.within(data)} == set()
    # Not even in the environment of one of its processes.
    assert any("ipykernel_launcher" in part for one in ran.watch.holders for part in one)
    near = {one for one in ran.watch.holders if any("dotrain.sandbox" in part for part in one)}
    assert near == set()
    # It answers 401 to any token but its own.
    assert [one for one in ran.requests if one["status"] == 401] == []
    assert only.within(json.dumps(ran.requests).encode()) == set()


def test_the_state_has_them_encrypted_and_the_outputs_have_none(ran: Session) -> None:
    encrypted = set()
    for checkpoint in ran.cloud.checkpoints:
        for resource in checkpoint["checkpoint"]["latest"]["resources"]:
            outputs = resource.get("outputs") or {}
            kind = resource["type"].rpartition(":")[2]
            encrypted |= {
                (kind, key)
                for key, value in outputs.items()
                if isinstance(value, dict) and "ciphertext" in value
            }
            if kind == "Stack":
                assert "ciphertext" not in json.dumps(outputs)
    assert encrypted >= {
        ("KubernetesCluster", "kubeConfigs"),
        ("DatabaseCluster", "password"),
        ("DatabaseCluster", "uri"),
        ("DatabaseCluster", "privateUri"),
    }


def test_a_kubeconfig_is_asked_for_8_hours_anew_each_time(ran: Session) -> None:
    asked = [one["path"] for one in ran.requests if "/kubeconfig" in one["path"]]
    assert len(asked) > 3
    assert {path.partition("?")[2] for path in asked} == {"expiry_seconds=28800"}
