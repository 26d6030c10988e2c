"""Ports: what a rule's text means, how it is spelled, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotrain.errors import SpecError
from dotrain.ports import NO_PORTS, Ports, parse_ports

numbers = st.integers(1, 65535)
some_ports = st.builds(lambda a, b: Ports(min(a, b), max(a, b)), numbers, numbers) | st.builds(
    lambda port: Ports(port, port), numbers
)


@given(some_ports, st.sampled_from(["tcp", "udp"]))
def test_ports_are_the_same_after_a_trip_through_text(ports, protocol) -> None:
    assert parse_ports(str(ports), protocol) == ports


def test_icmp_has_no_ports() -> None:
    assert parse_ports("", "icmp") == NO_PORTS
    assert str(NO_PORTS) == ""


@pytest.mark.parametrize(
    ("text", "ports", "spelled"),
    [
        ("22", Ports(22, 22), "22"),
        ("22-22", Ports(22, 22), "22"),
        ("8000-9000", Ports(8000, 9000), "8000-9000"),
        ("all", Ports(1, 65535), "all"),
        ("1-65535", Ports(1, 65535), "all"),
        ("65535", Ports(65535, 65535), "65535"),
    ],
)
def test_ports_have_one_spelling(text, ports, spelled) -> None:
    assert parse_ports(text, "tcp") == ports
    assert str(ports) == spelled


@pytest.mark.parametrize(
    ("text", "protocol", "named"),
    [
        ("9000-8000", "tcp", "'8000-9000'"),
        ("0", "tcp", "no port 0."),
        ("0-0", "tcp", "no port 0."),
        ("0-22", "tcp", "no port 0."),
        ("65536", "udp", "no port 65536."),
        ("22-99999999", "tcp", "no port 99999999."),
        ("9" * 5000, "tcp", "not a port"),
        ("", "tcp", "tcp rule needs ports"),
        ("", "udp", "udp rule needs ports"),
        ("ssh", "tcp", "'ssh'"),
        ("-22", "tcp", "'-22'"),
        ("22-", "tcp", "'22-'"),
        ("22,80", "tcp", "'22,80'"),
        ("22 ", "tcp", "'22 '"),
        ("1_0", "tcp", "'1_0'"),
        ("²", "tcp", "'²'"),
        ("٢٢", "tcp", "'٢٢'"),
        ("22.0", "tcp", "'22.0'"),
        ("ALL", "tcp", "'ALL'"),
        ("22", "icmp", "ICMP has no ports"),
        ("all", "icmp", "ICMP has no ports"),
        ("22", "sctp", "'sctp'"),
        ("22", "TCP", "'TCP'"),
        ("", "", "''"),
    ],
)
def test_what_is_no_port_is_refused_with_what_to_do(text, protocol, named) -> None:
    with pytest.raises(SpecError) as caught:
        parse_ports(text, protocol)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize(("first", "last"), [(0, 22), (22, 0), (23, 22), (-1, 5), (1, 65536)])
def test_ports_that_do_not_exist_are_never_made(first, last) -> None:
    with pytest.raises(SpecError):
        Ports(first, last)
