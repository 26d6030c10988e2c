"""Credentials: never shown, and never sent where nobody is known."""

from __future__ import annotations

import os

import pytest

from dotrain import config
from dotrain.credentials import Credentials
from dotrain.errors import KubernetesUnreachable

TOKEN = "sandbox_kube_5ecre7"


def test_the_token_is_not_shown() -> None:
    credentials = Credentials("https://c-1.example", "", TOKEN)
    assert TOKEN not in f"{credentials} {credentials!r} {vars(credentials)}"
    assert credentials.token == TOKEN


@pytest.mark.parametrize("server", ["http://c-1.example", "", "https://c-1.example"])
def test_without_https_and_an_authority_nothing_is_trusted(server) -> None:
    with pytest.raises(KubernetesUnreachable, match=r"kubernetes=True"):
        Credentials(server, "not a certificate", TOKEN).trust()


def test_kubeconfig_is_named_for_this_process(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("KUBECONFIG", "another")
    config.use_kubeconfig(tmp_path / "bert.yaml")
    assert os.environ["KUBECONFIG"] == str(tmp_path / "bert.yaml")
