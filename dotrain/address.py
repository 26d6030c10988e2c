"""The public address of this machine, as the world sees it.

An address that is let in decides who reaches the cluster, so it is believed
only when two of three independent services say the same over HTTPS, and when
it is one the world can come from.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from dotrain import config
from dotrain.errors import AddressError
from dotrain.sources import Network, parse_network
from dotrain.target import Target, sandbox_address

# Each answers with nothing but the caller's address. One operator each.
IPV4_SERVICES = (
    "https://api.ipify.org",
    "https://checkip.amazonaws.com",
    "https://ipv4.icanhazip.com",
)
IPV6_SERVICES = (
    "https://api6.ipify.org",
    "https://v6.ident.me",
    "https://ipv6.icanhazip.com",
)
_AGREE = 2
_TIMEOUT = 5.0


@dataclass(frozen=True)
class Address:
    """What ``"me"`` stands for.

    Parameters
    ----------
    cidrs : tuple of str
        A /32, and a /128 where this machine has IPv6.
    note : str
        What to know about it, empty when there is nothing.
    """

    cidrs: tuple[str, ...]
    note: str = ""


def find(target: Target) -> Address:
    """Return the address that ``"me"`` stands for on `target`.

    Raises
    ------
    AddressError
        When no two services agree, or the address is not a public one.
    """
    if target.is_sandbox:
        return Address((str(parse_network(sandbox_address())),))
    with ThreadPoolExecutor(2) as pool:
        v6 = pool.submit(ask, IPV6_SERVICES, version=6)
        v4 = ask(IPV4_SERVICES, version=4)
        cidrs = [v4]
        # Most networks have no IPv6, and every layer takes IPv4.
        with contextlib.suppress(AddressError):
            cidrs.append(v6.result())
    return Address(tuple(cidrs), _hosted_note())


def local(towards: str = "192.0.2.1") -> str:
    """Return this machine's own address for what it sends; empty without a network.

    Behind a router that is a private address, which says nothing about the
    public one; but when it changes, this machine is on another network. It
    costs microseconds: a datagram socket that is connected sends nothing.

    Parameters
    ----------
    towards : str
        Where to: by default an address of nobody's (RFC 5737), which is routed
        as all of the world is.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((towards, 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _hosted_note() -> str:
    service = config.hosted_kernel()
    if service is None:
        return ""
    return (
        f"This kernel runs on {service}: 'me' is the kernel's address, which others there may "
        "share, and not your browser's."
    )


def ask(services: Sequence[str], *, version: int, verify: ssl.SSLContext | None = None) -> str:
    """Return the CIDR of this machine on which two of `services` agree.

    Parameters
    ----------
    services : sequence of str
        HTTPS URLs that answer with the caller's address as text.
    version : int
        4 or 6.
    verify : ssl.SSLContext, optional
        What to trust instead of the usual certificate authorities.

    Raises
    ------
    AddressError
        When fewer than two agree, or the address is not a public one.
    """
    insecure = [url for url in services if not url.startswith("https://")]
    if insecure:
        raise AddressError(
            f"{insecure[0]} is no way to learn an address.",
            "Over plain HTTP anybody on the way can answer.",
            "Use HTTPS, or pass the address yourself: allow='203.0.113.7'.",
        )
    with (
        httpx.Client(timeout=_TIMEOUT, verify=True if verify is None else verify) as client,
        ThreadPoolExecutor(len(services)) as pool,
    ):
        answers = list(pool.map(lambda url: _answer(client, url, version), services))
    votes = Counter(answer for answer in answers if not isinstance(answer, str))
    if votes:
        network, count = votes.most_common(1)[0]
        if count >= _AGREE:
            _refuse_private(network)
            return str(network)
    said = "; ".join(f"{url}: {answer}" for url, answer in zip(services, answers, strict=True))
    raise AddressError(
        f"This machine's IPv{version} address is not known for certain.",
        f"Two services have to agree, and they said: {said}.",
        "Pass the address yourself, for example allow='203.0.113.7'.",
    )


def _answer(client: httpx.Client, url: str, version: int) -> Network | str:
    """Return what a service says, or in words why it says nothing."""
    try:
        text = client.get(url).raise_for_status().text.strip()
        address = ipaddress.ip_address(text)
    except httpx.HTTPError as error:
        return f"no answer ({type(error).__name__})"
    except ValueError:
        return "an answer that is no address"
    if address.version != version:
        return f"an IPv{address.version} address"
    return ipaddress.ip_network(address)


def _refuse_private(network: Network) -> None:
    # is_global is false for private, shared (100.64.0.0/10, the carrier's NAT),
    # loopback, link-local, unspecified and documentation addresses.
    if network.is_global and not network.is_multicast:
        return
    raise AddressError(
        f"{network.network_address} is not an address the world can come from.",
        "It is private, shared by a carrier's NAT, or reserved; DigitalOcean will see another.",
        "Leave the VPN or proxy that hides your address, or pass the address that DigitalOcean "
        "sees: allow='203.0.113.7'.",
    )
