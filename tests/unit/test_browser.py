"""A Chromium is found or got: one that starts, whole, and without changing the system."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from scripts import browser, install_browser


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOTRAIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "none"))
    monkeypatch.delenv("DOTRAIN_CHROMIUM", raising=False)
    return tmp_path / "home"


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


DRAWS = "echo '<title>text is drawn</title>'"


def test_one_that_is_named_and_does_not_start_is_replaced_by_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin" / "chromium", DRAWS)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("DOTRAIN_CHROMIUM", str(program(tmp_path / "broken", "exit 1")))
    assert browser.find() is None
    assert str(tmp_path / "broken") in browser.advice()


def test_one_that_draws_no_text_is_passed_over_for_the_cached_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin" / "chromium", "echo '<title>no text</title>'")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    cached = program(browser.cache() / "1.0" / "chromium", DRAWS)
    assert browser.find() == cached


def test_one_that_started_is_not_tried_again_until_it_changes(tmp_path: Path) -> None:
    count = tmp_path / "count"
    path = program(tmp_path / "chromium", f"echo x >> {count}; {DRAWS}")
    assert browser.works(path)
    assert browser.works(path)
    assert count.read_text() == "x\n"
    program(path, f"echo y >> {count}; exit 1")
    assert not browser.works(path)


def test_an_installation_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(command: list[str | Path], **_: object) -> str:
        if command[0] == "dpkg":
            raise install_browser.NotInstalled("no space")
        archives = next(browser.cache().glob(".new-*/cache/archives"))
        (archives / "chromium.deb").touch()
        return "  Candidate: 1:156.0-1\n"

    monkeypatch.setattr(install_browser, "run", fails)
    monkeypatch.setattr(install_browser.shutil, "which", lambda program: program)
    with pytest.raises(install_browser.NotInstalled, match="no space"):
        install_browser.from_debian()
    assert list(browser.cache().iterdir()) == []


def test_a_package_without_the_program_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(install_browser.NotInstalled, match="snap"):
        install_browser.write_launcher(tmp_path)


def test_the_launcher_starts_what_is_beside_it_wherever_it_is_moved(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    program(
        ready / "unpacked/usr/lib/chromium/chromium", 'echo "$LD_LIBRARY_PATH|$FONTCONFIG_FILE|$1"'
    )
    library = ready / "unpacked/usr/lib/x86_64-linux-gnu/libnss3.so.1"
    library.parent.mkdir()
    library.touch()
    install_browser.write_launcher(ready)
    moved = ready.rename(tmp_path / "moved")
    done = subprocess.run(
        [moved / "chromium", "--page"], capture_output=True, text=True, check=True
    )
    libraries, fonts, argument = done.stdout.strip().split("|")
    assert str(library.parent).replace("ready", "moved") in libraries
    assert Path(fonts).exists()
    assert argument == "--page"
