"""The account: a real token to DigitalOcean over HTTPS, and nowhere else."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from dotrain import target
from dotrain.errors import DotrainError, InvalidAddress, MissingToken, UnsafeEndpoint

TOKEN = "dop_v1_5ecre7"


def refused(kind: type[DotrainError]) -> DotrainError:
    with pytest.raises(kind) as caught:
        target.current()
    assert "\n" not in str(caught.value)
    assert caught.value.fix
    assert TOKEN not in f"{caught.value} {caught.value!r}"
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        "http://api.digitalocean.com",
        "http://127.0.0.1:8080",
        "https://127.0.0.1:8080",
        "https://digitalocean.com.evil.example",
        "https://evil-digitalocean.com",
        "https://evildigitalocean.com",
        "https://api.digitalocean.com@evil.example",
        "https://evil.example/api.digitalocean.com",
        "https://evil.example?.digitalocean.com",
        "https://evil.example#.digitalocean.com",
        "ftp://api.digitalocean.com",
        "api.digitalocean.com",
        "//api.digitalocean.com",
        "https://[oops",
        "https://api.digitalocean.com.evil.example",
        # Each of these is DigitalOcean's to some programs that read URLs.
        "https://api.digitalocean.com.",
        "https://api.digitalocean.com..",
        "https://.digitalocean.com",
        "https://evil.example\\.digitalocean.com",
        "https://evil.example%2f.digitalocean.com",
        "https://evil.example%00.digitalocean.com",
        "https://evil.example\n.digitalocean.com",
        "https://evil.example\t.digitalocean.com",
        "https://evil.example;.digitalocean.com",
        "https://evil.example .digitalocean.com",
        " https://api.digitalocean.com",
        "https://api.digitalocean.com\n",
        "https:/api.digitalocean.com",
        "https:api.digitalocean.com",
        "https:///api.digitalocean.com",
        "https://[::1].digitalocean.com",
        # Look-alikes: Cyrillic, dotless, of full width, and a long s.
        "https://api.digitаlocean.com",  # noqa: RUF001
        "https://api.dıgitalocean.com",  # noqa: RUF001
        "https://api。digitalocean.com",
        "https://api.digitalocean.com／.evil.example",  # noqa: RUF001
        "https://ſ.digitalocean.com",  # noqa: RUF001
        "https://api.xn--digitlocean-2ih.com",
        # Another port may be anybody's tunnel.
        "https://api.digitalocean.com:8443",
        "https://api.digitalocean.com:443@evil.example:443",
        "https://api.digitalocean.com:",
        "https://api.digitalocean.com/v2",
        "https://api.digitalocean.com?token=1",
        "HTTP://API.DIGITALOCEAN.COM",
    ],
)
def test_a_token_goes_to_no_other_endpoint(monkeypatch, url) -> None:
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", TOKEN)
    monkeypatch.setenv("DIGITALOCEAN_API_URL", url)
    assert " ".join(url.rpartition("@")[2].split()) in refused(UnsafeEndpoint).what


@pytest.mark.parametrize("host", ["api.digitalocean.com", "evil.example"])
def test_an_endpoint_with_a_password_is_refused_without_showing_it(monkeypatch, host) -> None:
    monkeypatch.setenv("DIGITALOCEAN_API_URL", f"https://ada:{TOKEN}@{host}")
    assert refused(UnsafeEndpoint).what == f"The API endpoint https://***@{host} is refused."


@pytest.mark.parametrize(
    "url",
    [
        "https://api.digitalocean.com",
        "https://API.DigitalOcean.com/",
        "HTTPS://api.digitalocean.com",
        "https://api.digitalocean.com:443",
        "",
    ],
)
def test_digitalocean_itself_is_fine(monkeypatch, url) -> None:
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", TOKEN)
    monkeypatch.setenv("DIGITALOCEAN_API_URL", url)
    account = target.current()
    assert (account.kind, account.is_sandbox) == ("digitalocean", False)
    assert account.url.lower().removesuffix(":443") == "https://api.digitalocean.com"


def test_the_endpoint_is_checked_before_the_token_is_looked_for(monkeypatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_API_URL", "http://evil.example")
    refused(UnsafeEndpoint)


@pytest.mark.parametrize("value", [None, "", "   "])
def test_without_a_token_the_error_says_where_to_get_one(monkeypatch, value) -> None:
    if value is not None:
        monkeypatch.setenv("DIGITALOCEAN_TOKEN", value)
    assert "DIGITALOCEAN_TOKEN" in refused(MissingToken).fix


@pytest.mark.parametrize("name", ["DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN"])
def test_either_name_of_the_token_works(monkeypatch, name) -> None:
    monkeypatch.setenv(name, f"{TOKEN}\n")
    assert target.current().token == TOKEN


def test_the_token_of_the_sandbox_never_goes_to_digitalocean(monkeypatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "sandbox_5ecre7")
    error = refused(MissingToken)
    assert "sandbox" in error.what
    assert "5ecre7" not in str(error)


def test_the_repr_has_no_token(monkeypatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", TOKEN)
    account = target.current()
    assert account.token == TOKEN
    assert TOKEN not in f"{account} {account!r} {vars(account)}"


def test_the_account_keeps_its_files_to_itself(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", TOKEN)
    directory = target.current().directory
    assert directory == tmp_path / "home" / "digitalocean"
    assert directory.stat().st_mode & 0o777 == 0o700


def test_an_address_for_the_sandbox_is_checked_before_anything_starts() -> None:
    with pytest.raises(InvalidAddress):
        target.use_sandbox(address="example.com")
    assert target._Choice.kind is None


def test_choosing_digitalocean_goes_before_the_environment(monkeypatch) -> None:
    monkeypatch.setenv("DOTRAIN_TARGET", "sandbox")
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", TOKEN)
    target.use_digitalocean()
    assert not target.current().is_sandbox


def test_a_target_is_not_pickled() -> None:
    held = target.Target("digitalocean", "https://api.digitalocean.com", "dop_v1_5ecre7", Path())
    with pytest.raises(TypeError, match="token"):
        pickle.dumps(held)
