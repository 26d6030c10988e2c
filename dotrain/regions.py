"""Sets of packets as step functions of integers, so that adding rules up is arithmetic.

A region says for each address of one family which ports are admitted. It is a
tuple of steps ``(address, ports)``: these ports from this address on, up to
the next step. A set of ports is a tuple of steps ``(port, admitted)`` in turn.
Neighbouring steps differ, so two regions are equal exactly when they admit the
same packets.
"""

from __future__ import annotations

import operator
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

Interval = tuple[int, int]
IntegerSet = tuple[tuple[int, bool], ...]
Region = tuple[tuple[int, IntegerSet], ...]
Box = tuple[int, int, Interval]
Operation = Callable[[bool, bool], bool]

UNION: Operation = operator.or_
INTERSECTION: Operation = operator.and_
DIFFERENCE: Operation = operator.gt  # True > False: in the first and not in the second

_EMPTY: IntegerSet = ()
# Beyond every IPv6 address.
_END = 1 << 128
_Value = TypeVar("_Value")
_Steps = tuple[tuple[int, _Value], ...]


@lru_cache(maxsize=4096)
def integer_set(intervals: frozenset[Interval]) -> IntegerSet:
    """Return the integers that lie in any of `intervals`, both ends included.

    Examples
    --------
    >>> integer_set(frozenset({(22, 22), (23, 25), (80, 80)}))
    ((22, True), (26, False), (80, True), (81, False))
    """
    steps: list[tuple[int, bool]] = []
    end = -1
    for first, last in sorted(intervals):
        if steps and first <= end:
            end = max(end, last + 1)
            continue
        if steps:
            steps.append((end, False))
        steps.append((first, True))
        end = last + 1
    if steps:
        steps.append((end, False))
    return tuple(steps)


def runs(integers: IntegerSet) -> Iterator[Interval]:
    """Yield the longest intervals that `integers` consist of, in order.

    Examples
    --------
    >>> list(runs(((22, True), (26, False), (80, True), (81, False))))
    [(22, 25), (80, 80)]
    """
    for (first, _), (end, _) in zip(integers[::2], integers[1::2], strict=True):
        yield first, end - 1


def region(networks: Mapping[Interval, Iterable[Interval]]) -> Region:
    """Return the region of networks, each with the ports it admits.

    Parameters
    ----------
    networks : mapping of tuple of int to iterable of tuple of int
        The first and last address of each network, and its ports. Two networks
        hold each other or have nothing in common, as CIDRs do.
    """
    steps: list[tuple[int, IntegerSet]] = []
    # The networks that hold the current address, outermost first, with the ports they add up to.
    around = [(_END, _EMPTY)]

    def leave(address: int) -> None:
        while around[-1][0] < address:
            last, _ = around.pop()
            steps.append((last + 1, around[-1][1]))

    for first, last in sorted(networks, key=lambda network: (network[0], -network[1])):
        leave(first)
        ports = _combine_ports(around[-1][1], integer_set(frozenset(networks[first, last])), UNION)
        steps.append((first, ports))
        around.append((last, ports))
    leave(_END)
    return _shortest(steps)


def _shortest(steps: Iterable[tuple[int, IntegerSet]]) -> Region:
    kept: list[tuple[int, IntegerSet]] = []
    # Of several steps at one address, the last counts.
    for address, ports in dict(steps).items():
        if ports != (kept[-1][1] if kept else _EMPTY):
            kept.append((address, ports))
    return tuple(kept)


def combine(one: Region, other: Region, operation: Operation) -> Region:
    """Return the union, intersection or difference of two regions of one address family."""
    return _combine(one, other, lambda a, b: _combine_ports(a, b, operation), _EMPTY)


@lru_cache(maxsize=4096)
def _combine_ports(one: IntegerSet, other: IntegerSet, operation: Operation) -> IntegerSet:
    return _combine(one, other, operation, False)


def _combine(
    one: _Steps[_Value],
    other: _Steps[_Value],
    operation: Callable[[_Value, _Value], _Value],
    nothing: _Value,
) -> _Steps[_Value]:
    combined: list[tuple[int, _Value]] = []
    current = a = b = nothing
    i = j = 0
    while i < len(one) or j < len(other):
        here = min(one[i][0] if i < len(one) else _END, other[j][0] if j < len(other) else _END)
        if i < len(one) and one[i][0] == here:
            a, i = one[i][1], i + 1
        if j < len(other) and other[j][0] == here:
            b, j = other[j][1], j + 1
        value = operation(a, b)
        if value != current:
            combined.append((here, value))
            current = value
    return tuple(combined)


@dataclass(frozen=True)
class _Block:
    """An aligned block of addresses, the ports admitted in all of it, and its halves."""

    first: int
    bits: int
    ports: IntegerSet
    halves: tuple[_Block, ...] = ()


def boxes(packets: Region) -> list[Box]:
    """Return boxes that add up to a region: first address, bits of the host part, ports.

    They are the boxes that neither a wider network nor a longer run of ports
    could replace, less those which the boxes of their two halves cover anyway.
    Which they are depends on the region alone, not on how it was put together.

    Examples
    --------
    >>> boxes(((0, ((22, True), (23, False))), (4, ())))
    [(0, 2, (22, 22))]
    """
    spans = [(first, end - 1, ports) for (first, ports), (end, _) in pairwise(packets) if ports]
    found: list[Box] = []
    if spans:
        _collect(_block(spans), _EMPTY, found)
    return found


def _block(spans: list[tuple[int, int, IntegerSet]]) -> _Block:
    """Return the smallest block that holds all spans."""
    first, last = spans[0][0], spans[-1][1]
    bits = (first ^ last).bit_length()
    if len(spans) == 1 and last - first + 1 == 1 << bits:
        return _Block(first, bits, spans[0][2])
    middle = last >> (bits - 1) << (bits - 1)
    cut = bisect_left(spans, (middle,))
    lower, upper = spans[:cut], spans[cut:]
    start, end, ports = lower[-1]
    if end >= middle:
        lower[-1] = (start, middle - 1, ports)
        upper.insert(0, (middle, end, ports))
    halves = (_block(lower), _block(upper))
    # A half with an address that admits nothing shows by a block smaller than the half.
    whole = all(half.bits == bits - 1 for half in halves)
    common = _combine_ports(halves[0].ports, halves[1].ports, INTERSECTION) if whole else _EMPTY
    return _Block(first >> bits << bits, bits, common, halves)


def _collect(block: _Block, above: IntegerSet, found: list[Box]) -> None:
    """Add the boxes of a block; `above` is what all of the block twice as large admits."""
    if block.ports:
        wider = list(runs(above))
        halves = [set(runs(half.ports)) for half in block.halves]
        for run in runs(block.ports):
            held = any(first <= run[0] and run[1] <= last for first, last in wider)
            # All of the run is admitted in either half, if not by itself then by a longer one.
            covered = bool(halves) and all(run not in half for half in halves)
            if not held and not covered:
                found.append((block.first, block.bits, run))
    for half in block.halves:
        _collect(half, block.ports if half.bits == block.bits - 1 else _EMPTY, found)
