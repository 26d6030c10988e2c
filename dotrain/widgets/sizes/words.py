"""Sizes of nodes in words: which have what somebody types, and what there is to say of each."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from dotrain.offers import Offer

# "80 GB" and "< $ 1" are one word each, and units have more than one name.
_JOINED = re.compile(r"(?<=\d)\s+(?=(?:gb|gib|v?cpus?)\b)|(?<=[<$=])\s+|(?<=[<])\s*(?=\$)")
_UNITS = ((re.compile(r"(?<=\d)gib\b"), "gb"), (re.compile(r"(?<=\d)v?cpus?\b"), "vcpu"))
_AT_MOST = re.compile(r"<=?\$?(\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})")


def matching(offers: Iterable[Offer], typed: str) -> list[Offer]:
    """Return those of `offers` that have all words of `typed`, in their order.

    A word is the beginning of a part of the slug, of the GPU's model, of a
    region, or of an amount such as ``"80gb"`` or ``"4vcpu"``; ``"s-4"`` is a
    part of the slug as it stands, and ``"<$1"`` a price an hour at most.

    Parameters
    ----------
    offers : iterable of Offer
        The sizes.
    typed : str
        Words, separated by spaces; none of them is all sizes.
    """
    joined = _JOINED.sub("", typed.lower())
    for pattern, unit in _UNITS:
        joined = pattern.sub(unit, joined)
    wanted = joined.split()
    return [one for one in offers if all(_has(one, word) for word in wanted)]


def _has(one: Offer, word: str) -> bool:
    if word.startswith("<"):
        price = _AT_MOST.fullmatch(word)
        # While the number is not typed yet, every price is below it; one that is not known is not.
        return one.hourly <= float(price[1]) if price else word in ("<", "<=", "<$", "<=$")
    if "-" in word:
        return word in one.slug
    return any(part.startswith(word) for part in _parts(one))


def _parts(one: Offer) -> list[str]:
    parts = [*one.slug.split("-"), *one.regions, f"{one.vcpus}vcpu", f"{one.memory_gib:g}gb"]
    if one.gpus:
        model = one.gpu.lower()
        parts += ["gpu", model, *model.split("_"), f"x{one.gpus}"]
        parts += [f"{one.vram_gib:g}gb", f"{one.vram_gib / one.gpus:g}gb"]
    return parts


def columns(offers: Sequence[Offer], region: str | None) -> list[str]:
    """Return a line for each of `offers`, in columns for a font of one width.

    Parameters
    ----------
    offers : sequence of Offer
        The sizes.
    region : str or None
        Where the nodes will be: what is not there is marked.
    """
    rows = [_row(one, region) for one in offers]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _row(one: Offer, region: str | None) -> tuple[str, ...]:
    return (
        one.slug,
        f"{price(one):>9}",
        f"{one.vcpus:>3} vCPU",
        f"{one.memory_gib:>4g} GiB",
        gpu(one),
        mark(one, region),
    )


def gpu(one: Offer) -> str:
    """Return the GPUs of a size in words, empty without.

    Examples
    --------
    >>> gpu(Offer("gpu-h100x8-640gb", 160, 1920, 8, "nvidia_h100", 640, 23.92, 1, ("nyc2",), True))
    '8 x nvidia h100, 640 GiB'
    """
    model = one.gpu.replace("_", " ")
    return f"{one.gpus} x {model}, {one.vram_gib:g} GiB" if one.gpus else ""


def price(one: Offer) -> str:
    """Return what a node of a size costs an hour, in words."""
    return "no price" if math.isnan(one.hourly) else f"${one.hourly:,.3f}/h"


def mark(one: Offer, region: str | None) -> str:
    """Return why a size cannot be had, in short; empty where it can."""
    if not one.available or not one.regions:
        return "not available"
    return f"not in {region}" if region and region not in one.regions else ""


def refused(one: Offer, region: str) -> str:
    """Return in a sentence why there are no nodes of a size in `region`; empty where there are.

    Examples
    --------
    >>> size = Offer("gpu-h200x1-141gb", 24, 240, 1, "nvidia_h200", 141, 3.4, 1, ("nyc2",), True)
    >>> refused(size, "ams3")
    'gpu-h200x1-141gb is not in ams3; it is in nyc2.'
    """
    if not one.available or not one.regions:
        return f"{one.slug} cannot be had at present: DigitalOcean's list says so."
    if region in one.regions:
        return ""
    return f"{one.slug} is not in {region}; it is in {', '.join(one.regions)}."


def sentence(one: Offer, region: str | None) -> str:
    """Return what is chosen, in a sentence."""
    parts = [f"{one.vcpus} vCPU", f"{one.memory_gib:g} GiB of memory"]
    parts += [gpu(one)] if one.gpus else []
    cost = "at a price that is not known" if math.isnan(one.hourly) else f"for {price(one)} a node"
    said = f"{one.slug} has {', '.join(parts)}, {cost}."
    why = refused(one, region) if region else ""
    return f"{said} {why}".rstrip()
