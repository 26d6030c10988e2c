"""The sizes that nodes can have, with their prices: which there are, which fit, the cheapest."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dotrain import money
from dotrain.catalog import one_of, slugs
from dotrain.errors import SpecError, UnknownGpu, UnknownRegion

_MEMORY = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(GB|GiB|TB|TiB)?", re.ASCII | re.IGNORECASE)
_MIB_A_GIB = 1024
_GIB_A_TIB = 1024


@dataclass(frozen=True)
class Offer:
    """A size that nodes can have.

    Parameters
    ----------
    slug : str
        DigitalOcean's name of it.
    vcpus : int
        Virtual CPUs.
    memory_gib : float
        Memory.
    gpus : int
        GPUs; 0 without.
    gpu : str
        Their model, such as ``"nvidia_h100"``; empty without.
    vram_gib : float
        The memory of all its GPUs together; 0 without.
    hourly, monthly : float
        US dollars of one node; not a number where the price list does not say.
    regions : tuple of str
        Where there are clusters and this size.
    available : bool
        Whether it can be had at present.
    """

    slug: str
    vcpus: int
    memory_gib: float
    gpus: int
    gpu: str
    vram_gib: float
    hourly: float
    monthly: float
    regions: tuple[str, ...]
    available: bool


@dataclass(frozen=True)
class Wanted:
    """What a size should have; None is anything.

    Parameters
    ----------
    gpu : str or None
        A GPU's model, or a part of it.
    gpu_memory : float or None
        GiB of all GPUs of a node together, at least.
    max_price : float or None
        US dollars an hour of one node, at most.
    region : str or None
        Where it has to be.
    """

    gpu: str | None = None
    gpu_memory: float | None = None
    max_price: float | None = None
    region: str | None = None

    @classmethod
    def parse(
        cls, gpu: object, gpu_memory: object, max_price: object, region: str | None
    ) -> Wanted:
        """Return what is wanted, as people write it.

        Raises
        ------
        SpecError
            When an amount of memory or of money is none, or a name is no text.
        """
        for name, value in (("gpu", gpu), ("region", region)):
            if value is not None and not (isinstance(value, str) and _plain(value)):
                raise SpecError(
                    f"{name} is {value!r}.",
                    "It is a name, as text.",
                    "Give one in quotes, for example gpu='h100' or region='nyc3'.",
                )
        return cls(
            None if gpu is None else str(gpu),
            None if gpu_memory is None else _gib(gpu_memory),
            None if max_price is None else money.parse(max_price),
            region,
        )


def offers(sizes: Iterable[Mapping[str, Any]], options: Mapping[str, Any]) -> list[Offer]:
    """Return the sizes that nodes can have: those available first, each group cheapest first.

    Parameters
    ----------
    sizes : iterable of mapping
        ``sizes`` of ``GET /v2/sizes``, which has the prices.
    options : mapping
        ``options`` of ``GET /v2/kubernetes/options``, which says what nodes can
        be and where clusters can be.
    """
    of_nodes, regions = set(slugs(options["sizes"])), slugs(options["regions"])
    found = [_offer(one, regions) for one in sizes if one["slug"] in of_nodes]
    return sorted(
        found,
        # What has no known price comes last, for nothing says that it is cheap.
        key=lambda one: (
            not one.available,
            math.inf if math.isnan(one.hourly) else one.hourly,
            one.slug,
        ),
    )


def select(found: Iterable[Offer], wanted: Wanted, options: Mapping[str, Any]) -> list[Offer]:
    """Return those of `found` that have what is wanted, in their order.

    Raises
    ------
    UnknownRegion, UnknownGpu
        With the nearest that there are.
    """
    found = list(found)
    if wanted.region is not None:
        regions = slugs(options["regions"])
        one_of(wanted.region, regions, UnknownRegion, "region", "for Kubernetes")
    if wanted.gpu is not None:
        models = sorted({one.gpu for one in found if one.gpu})
        if not any(_plain(wanted.gpu) in _plain(model) for model in models):
            one_of(wanted.gpu, models, UnknownGpu, "GPU", "for nodes")
    return [one for one in found if _fits(one, wanted)]


def _fits(one: Offer, wanted: Wanted) -> bool:
    return (
        (wanted.gpu is None or (one.gpus > 0 and _plain(wanted.gpu) in _plain(one.gpu)))
        and (wanted.gpu_memory is None or one.vram_gib >= wanted.gpu_memory)
        # A price that is not known is at most nothing.
        and (wanted.max_price is None or one.hourly <= wanted.max_price)
        and (wanted.region is None or wanted.region in one.regions)
    )


def _offer(one: Mapping[str, Any], regions: Iterable[str]) -> Offer:
    gpu = one.get("gpu_info") or {}
    vram = gpu.get("vram") or {}
    hourly, monthly = one.get("price_hourly"), one.get("price_monthly")
    return Offer(
        slug=one["slug"],
        vcpus=one["vcpus"],
        memory_gib=one["memory"] / _MIB_A_GIB,
        gpus=int(gpu.get("count") or 0),
        gpu=gpu.get("model") or "",
        # DigitalOcean says that of all GPUs of a size: 640 for eight of 80.
        vram_gib=float(vram.get("amount") or 0),
        hourly=math.nan if hourly is None else float(hourly),
        monthly=math.nan if monthly is None else float(monthly),
        regions=tuple(region for region in regions if region in one["regions"]),
        available=bool(one.get("available", True)),
    )


def _plain(name: str) -> str:
    """Return a name without what people write in different ways: "H-100" is "h100"."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _gib(value: object) -> float:
    amount = math.nan
    if isinstance(value, str) and (match := _MEMORY.fullmatch(value.strip())):
        unit = (match[2] or "GiB").upper()
        amount = float(match[1]) * (_GIB_A_TIB if unit.startswith("T") else 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        amount = float(value)
    if not 0 < amount < math.inf:
        raise SpecError(
            f"{value!r} is not an amount of memory.",
            "It is GB of all GPUs of a node together, more than none.",
            "Give it for example as '80GB' or 80.",
        )
    return amount
