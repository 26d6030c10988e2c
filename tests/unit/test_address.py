"""This machine's address: believed only when two services agree and the world can reach it."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from dotrain import address, config
from dotrain.errors import AddressError
from dotrain.target import Target
from tests.unit.conftest import Answer

PUBLIC, OTHER, THIRD = "8.8.8.8", "1.1.1.1", "9.9.9.9"
PUBLIC6 = "2a00:1450:4001:81b::200e"
DOWN = Answer(503)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_tls(authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def trusting(authority) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def services(serve, server_tls):
    """Start a service for each answer, a text or an `Answer`, and return their URLs."""

    def start(*answers: str | Answer) -> list[str]:
        urls = []
        for one in answers:
            server = serve(server_tls)
            answer = one if isinstance(one, Answer) else Answer(body=one.encode())
            server.answer = lambda _, answer=answer: answer
            urls.append(server.url)
        return urls

    return start


def refusal(urls: list[str], trusting: ssl.SSLContext, version: int = 4) -> AddressError:
    with pytest.raises(AddressError) as caught:
        address.ask(urls, version=version, verify=trusting)
    assert "\n" not in str(caught.value)
    assert "allow='" in caught.value.fix
    return caught.value


@pytest.mark.parametrize(
    "answers",
    [
        (PUBLIC, PUBLIC, PUBLIC),
        (PUBLIC, OTHER, PUBLIC),
        (OTHER, f"{PUBLIC}\n", f" {PUBLIC} "),
        (PUBLIC, DOWN, PUBLIC),
        (PUBLIC, PUBLIC6, PUBLIC),
        ("<html>", PUBLIC, PUBLIC),
    ],
)
def test_two_of_three_are_believed(services, trusting, answers) -> None:
    assert address.ask(services(*answers), version=4, verify=trusting) == f"{PUBLIC}/32"


def test_ipv6_is_believed_likewise(services, trusting) -> None:
    spelled_out = "2A00:1450:4001:081B:0:0:0:200E"
    urls = services(PUBLIC6, OTHER, spelled_out)
    assert address.ask(urls, version=6, verify=trusting) == f"{PUBLIC6}/128"


@pytest.mark.parametrize(
    ("answers", "reasons"),
    [
        ((PUBLIC, OTHER, THIRD), ("8.8.8.8", "1.1.1.1", "9.9.9.9")),
        ((PUBLIC, DOWN, DOWN), ("8.8.8.8", "no answer")),
        ((DOWN, DOWN, DOWN), ("no answer",)),
        ((PUBLIC, PUBLIC6, PUBLIC6), ("an IPv6 address",)),
        (("what?", "", "8.8.8.8, 8.8.8.8"), ("no address",)),
        ((PUBLIC, Answer(302, b"", {"location": "/"}), OTHER), ("no answer",)),
    ],
)
def test_where_no_two_agree_each_answer_is_told(services, trusting, answers, reasons) -> None:
    urls = services(*answers)
    error = refusal(urls, trusting)
    assert all(url in error.why for url in urls)
    assert all(reason in error.why for reason in reasons)


def test_a_service_that_is_not_there_has_no_vote(services, trusting) -> None:
    urls = [*services(PUBLIC, PUBLIC), "https://127.0.0.1:1"]
    assert address.ask(urls, version=4, verify=trusting) == f"{PUBLIC}/32"


@pytest.mark.parametrize(
    "text",
    [
        *("10.0.0.1", "172.16.0.1", "192.168.1.1"),  # private
        *("100.64.0.1", "100.127.255.255"),  # a carrier's NAT
        *("0.0.0.0", "127.0.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255"),
        *("192.0.2.1", "198.51.100.1", "203.0.113.7"),  # documentation
    ],
)
def test_an_address_that_nobody_comes_from_is_refused(services, trusting, text) -> None:
    error = refusal(services(text, text, text), trusting)
    assert error.what.startswith(f"{text} ")


@pytest.mark.parametrize("text", ["::", "::1", "fe80::1", "fd00::1", "ff02::1", "2001:db8::1"])
def test_so_is_such_an_ipv6_address(services, trusting, text) -> None:
    refusal(services(text, text, text), trusting, version=6)


def test_plain_http_is_refused_without_asking(serve, services, trusting) -> None:
    plain = serve()
    urls = [*services(PUBLIC, PUBLIC), plain.url]
    assert plain.url in refusal(urls, trusting).what
    assert not plain.requests


def test_a_certificate_that_nobody_vouches_for_is_no_answer(services) -> None:
    assert (
        "no answer" in refusal(services(PUBLIC, PUBLIC, PUBLIC), ssl.create_default_context()).why
    )


@pytest.fixture
def world(authority, services, monkeypatch, tmp_path):
    """Put services of this machine in the place of the real ones."""

    def put(*, v4: tuple, v6: tuple) -> None:
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        monkeypatch.setattr(address, "IPV4_SERVICES", services(*v4))
        monkeypatch.setattr(address, "IPV6_SERVICES", services(*v6))

    return put


REAL = Target("digitalocean", config.DEFAULT_API_URL, "t", Path())
SANDBOX = Target("sandbox", "http://127.0.0.1:1", "sandbox_t", Path())


def test_me_is_both_addresses_where_there_are_both(world) -> None:
    world(v4=(PUBLIC,) * 3, v6=(PUBLIC6,) * 3)
    assert address.find(REAL) == address.Address((f"{PUBLIC}/32", f"{PUBLIC6}/128"), "")


@pytest.mark.parametrize("v6", [(DOWN, DOWN), ("fd00::1", "fd00::1"), (PUBLIC, PUBLIC)])
def test_without_ipv6_me_is_the_ipv4_address(world, v6) -> None:
    world(v4=(PUBLIC, DOWN, PUBLIC), v6=v6)
    assert address.find(REAL).cidrs == (f"{PUBLIC}/32",)


def test_ipv6_alone_is_not_enough(world) -> None:
    world(v4=(DOWN, DOWN), v6=(PUBLIC6, PUBLIC6))
    with pytest.raises(AddressError, match="IPv4"):
        address.find(REAL)


def test_a_hosted_kernel_is_pointed_out(world, monkeypatch) -> None:
    world(v4=(PUBLIC, PUBLIC), v6=(DOWN, DOWN))
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/me/")
    note = address.find(REAL).note
    assert "JupyterHub" in note
    assert "not your browser's" in note


def test_on_the_sandbox_me_is_a_documentation_address(monkeypatch) -> None:
    assert address.find(SANDBOX) == address.Address(("203.0.113.7/32",), "")
    monkeypatch.setattr("dotrain.target._Choice.sandbox_address", "198.51.100.9")
    assert address.find(SANDBOX).cidrs == ("198.51.100.9/32",)


def test_the_own_address_is_that_of_the_way_out() -> None:
    assert address.local("127.0.0.1") == "127.0.0.1"
    # No datagram leaves for everybody without asking: as without a network, there is no way.
    assert address.local("255.255.255.255") == ""
