"""Sources: what may be let in, what is refused and why, and what "me" becomes."""

from __future__ import annotations

import datetime as dt
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotrain import grants
from dotrain.errors import InvalidAddress, OpenToWorld, SpecError
from dotrain.sources import collapse, parse_network
from tests.unit.strategies import networks

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


def refused(error: type[SpecError], allow: object, *, open_to_world: bool = False) -> SpecError:
    """Return the error, which is one paragraph and says what to do."""
    with pytest.raises(error) as caught:
        grants.check(grants.parse(allow, NOW), open_to_world=open_to_world)
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)
    assert caught.value.fix
    return caught.value


def test_an_empty_address_says_that_it_lets_nobody_in() -> None:
    assert "empty address" in refused(InvalidAddress, [""]).what
    refused(InvalidAddress, ["me", "  "])


@pytest.mark.parametrize(
    "text",
    ["localhost", "example.com", "8.8.8", "8.8.8.8/33", "256.1.1.1", "08.8.8.8", "all", "ME", "*"],
)
def test_what_is_no_address_is_named(text) -> None:
    error = refused(InvalidAddress, [text])
    assert repr(text) in error.what
    assert "host names" in error.why


@pytest.mark.parametrize("value", [8, None, 1.5, b"8.8.8.8", ("8.8.8.8", 32)])
def test_what_is_no_text_is_refused(value) -> None:
    refused(InvalidAddress, [value])


@pytest.mark.parametrize(
    ("text", "meant"),
    [("203.0.113.7/24", "203.0.113.0/24"), ("2001:db8::1/32", "2001:db8::/32")],
)
def test_host_bits_are_refused_with_the_network_that_was_meant(text, meant) -> None:
    assert refused(InvalidAddress, [text]).why.endswith(f" {meant}.")


def test_an_address_that_means_something_on_one_link_only_is_refused() -> None:
    refused(InvalidAddress, ["fe80::1%eth0"])


@pytest.mark.parametrize(
    "allow",
    [
        ["0.0.0.0/0"],
        ["::/0"],
        ["me", "0.0.0.0/0"],
        ["0.0.0.0/1", "128.0.0.0/1"],
        ["128.0.0.0/1", "me", "0.0.0.0/2", "64.0.0.0/2"],
        ["::/1", "8000::/1"],
        ["0.0.0.0/0\n"],
        ["me", "2000::/3"],
        ["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"],
        ["8.0.0.0/7"],
    ],
)
def test_everybody_enters_only_where_that_is_asked_for(allow) -> None:
    assert "open_to_world=True" in refused(OpenToWorld, allow).fix
    grants.check(grants.parse(allow, NOW), open_to_world=True)


def test_a_network_that_somebody_can_own_is_not_the_world() -> None:
    grants.check(grants.parse(["9.0.0.0/8", "2001::/16"], NOW), open_to_world=False)


@pytest.mark.parametrize("allow", [[], ()])
def test_an_empty_list_is_refused(allow) -> None:
    assert "empty" in refused(InvalidAddress, allow, open_to_world=True).why


def test_a_rule_takes_a_thousand_sources_and_no_more() -> None:
    thousand = [str(ipaddress.ip_address(0x0A000000 + number)) for number in range(1000)]
    grants.check(grants.parse(thousand, NOW), open_to_world=False)
    assert "1001" in refused(InvalidAddress, [*thousand, "me"]).what


@given(networks)
def test_a_network_is_the_same_after_a_trip_through_text(network) -> None:
    assert parse_network(str(network)) == network


@given(st.ip_addresses())
def test_an_address_is_a_network_of_one(address) -> None:
    assert list(parse_network(f" {address} ")) == [address]


@given(
    st.lists(st.integers(0, 2**8 - 1).flatmap(lambda n: st.tuples(st.just(n), st.integers(24, 32))))
)
def test_collapsing_keeps_the_addresses_and_repeats_none(parts) -> None:
    given_networks = [
        ipaddress.ip_network((0xCB007100 + last, prefix), strict=False) for last, prefix in parts
    ]
    collapsed = collapse(given_networks)
    held = [address for network in collapsed for address in network]
    assert len(held) == len(set(held))
    assert set(held) == {address for network in given_networks for address in network}
    assert len(collapsed) <= len(set(given_networks))


@given(st.lists(networks, max_size=8))
def test_collapsing_puts_ipv4_first_and_never_mixes(some) -> None:
    collapsed = collapse(some)
    assert [network.version for network in collapsed] == sorted(n.version for n in collapsed)
    assert all(
        any(one.version == other.version and one.subnet_of(other) for other in collapsed)
        for one in some
    )
