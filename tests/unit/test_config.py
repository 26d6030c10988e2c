"""Configuration: private directories, whole files, and an environment that is checked."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from dotrain import config, ownfiles
from dotrain.errors import ConfigError


@pytest.fixture
def loose_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def refused(call) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert caught.value.fix
    return caught.value


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.usefixtures("loose_umask")
def test_the_data_directory_is_made_for_this_user_only(tmp_path) -> None:
    assert config.home() == tmp_path / "home"
    assert mode(tmp_path / "home") == 0o700


def test_a_data_directory_that_is_open_is_closed(tmp_path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    assert mode(config.home()) == 0o700


def test_a_data_directory_may_begin_at_the_users_home(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOTRAIN_HOME", "~/data")
    assert config.home() == tmp_path / "data"


@pytest.mark.parametrize("where", ["file", "file/below"])
def test_a_directory_that_cannot_be_is_named(monkeypatch, tmp_path, where) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DOTRAIN_HOME", str(tmp_path / where))
    error = refused(config.home)
    assert str(tmp_path / where) in error.what
    assert "DOTRAIN_HOME" in error.fix


def test_the_home_of_a_user_who_does_not_exist_is_refused(monkeypatch) -> None:
    monkeypatch.setenv("DOTRAIN_HOME", "~nobody-has-this-name/data")
    refused(config.home)


@pytest.mark.usefixtures("loose_umask")
def test_a_private_file_is_read_by_this_user_only(tmp_path) -> None:
    path = tmp_path / "file"
    ownfiles.write_private(path, "grüße\n")
    assert path.read_text("utf-8") == "grüße\n"
    assert mode(path) == 0o600
    path.chmod(0o644)
    ownfiles.write_private(path, "again")
    assert (path.read_text(), mode(path)) == ("again", 0o600)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_file_is_there_whole_or_not_at_all(tmp_path) -> None:
    path, texts = tmp_path / "file", ("a" * 200_000, "b" * 200_000)
    ownfiles.write_private(path, texts[0])
    done = threading.Event()

    def write() -> None:
        for number in range(60):
            ownfiles.write_private(path, texts[number % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(path.read_text())
    writer.join()
    assert seen <= set(texts)


def test_two_threads_may_write_the_same_file(tmp_path) -> None:
    path, texts = tmp_path / "file", ("a" * 50_000, "b" * 50_000)
    failures: list[Exception] = []

    def write(text: str) -> None:
        try:
            for _ in range(60):
                ownfiles.write_private(path, text)
        except ConfigError as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert path.read_text() in texts


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path) -> None:
    (tmp_path / "taken").mkdir()
    assert (
        str(tmp_path / "taken")
        in refused(lambda: ownfiles.write_private(tmp_path / "taken", "text")).what
    )
    assert [one.name for one in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("where", ["file/below", "missing/below"])
def test_a_file_in_no_directory_is_an_error(tmp_path, where) -> None:
    (tmp_path / "file").write_text("")
    refused(lambda: ownfiles.write_private(tmp_path / where, "text"))


@pytest.mark.parametrize("value", ["Sandbox", "aws"])
def test_an_unknown_target_is_refused(monkeypatch, value) -> None:
    assert config.target_kind() == "digitalocean"
    monkeypatch.setenv("DOTRAIN_TARGET", value)
    assert value in refused(config.target_kind).what


def test_a_delay_is_a_number_of_seconds(monkeypatch) -> None:
    assert config.sandbox_delay() == 3
    for value, seconds in (("0.5", 0.5), ("-1", 0.0)):
        monkeypatch.setenv("DOTRAIN_SANDBOX_DELAY", value)
        assert config.sandbox_delay() == seconds
    monkeypatch.setenv("DOTRAIN_SANDBOX_DELAY", "soon")
    assert "soon" in refused(config.sandbox_delay).what


def test_a_hosted_kernel_is_known_by_its_environment(monkeypatch) -> None:
    assert config.hosted_kernel() is None
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    assert config.hosted_kernel() == "Google Colab"


def test_the_users_passphrase_is_for_a_teams_backend_only(monkeypatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "theirs")
    assert config.passphrase_override() == {}
    monkeypatch.setenv("DOTRAIN_BACKEND", "s3://team")
    assert config.passphrase_override() == {"PULUMI_CONFIG_PASSPHRASE": "theirs"}
