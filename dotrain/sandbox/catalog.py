"""Sizes, regions and versions: plausible numbers, not DigitalOcean's price list."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from dotrain.sandbox.answers import invalid

if TYPE_CHECKING:
    from dotrain.sandbox.answers import Doc

_HOURS_A_MONTH = 672
_GPU_HOURS_A_MONTH = 744
_GIB = 1024

REGIONS = {
    "nyc1": "New York 1",
    "nyc2": "New York 2",
    "nyc3": "New York 3",
    "sfo2": "San Francisco 2",
    "sfo3": "San Francisco 3",
    "ams3": "Amsterdam 3",
    "sgp1": "Singapore 1",
    "lon1": "London 1",
    "fra1": "Frankfurt 1",
    "tor1": "Toronto 1",
    "blr1": "Bangalore 1",
    "syd1": "Sydney 1",
}
_FEATURES = ["backups", "ipv6", "metadata", "install_agent", "storage", "image_transfer"]

# slug: memory GiB, vCPUs, disk GiB, transfer TB, dollars a month, description
_SIZES: dict[str, tuple[int, int, int, float, float, str]] = {
    "s-1vcpu-1gb": (1, 1, 25, 1, 6, "Basic"),
    "s-1vcpu-2gb": (2, 1, 50, 2, 12, "Basic"),
    "s-2vcpu-2gb": (2, 2, 60, 3, 18, "Basic"),
    "s-2vcpu-4gb": (4, 2, 80, 4, 24, "Basic"),
    "s-4vcpu-8gb": (8, 4, 160, 5, 48, "Basic"),
    "s-8vcpu-16gb": (16, 8, 320, 6, 96, "Basic"),
    "s-2vcpu-4gb-amd": (4, 2, 80, 4, 28, "Basic AMD"),
    "s-4vcpu-8gb-amd": (8, 4, 160, 5, 56, "Basic AMD"),
    "c-2": (4, 2, 25, 4, 42, "CPU-Optimized"),
    "c-4": (8, 4, 50, 5, 84, "CPU-Optimized"),
    "c-8": (16, 8, 100, 6, 168, "CPU-Optimized"),
    "c-16": (32, 16, 200, 7, 336, "CPU-Optimized"),
    "c-32": (64, 32, 400, 9, 672, "CPU-Optimized"),
    "g-2vcpu-8gb": (8, 2, 25, 4, 63, "General Purpose"),
    "g-4vcpu-16gb": (16, 4, 50, 5, 126, "General Purpose"),
    "g-8vcpu-32gb": (32, 8, 100, 6, 252, "General Purpose"),
    "g-16vcpu-64gb": (64, 16, 200, 7, 504, "General Purpose"),
    "m-2vcpu-16gb": (16, 2, 50, 4, 84, "Memory-Optimized"),
    "m-4vcpu-32gb": (32, 4, 100, 6, 168, "Memory-Optimized"),
    "m-8vcpu-64gb": (64, 8, 200, 7, 336, "Memory-Optimized"),
}

# slug: GPUs, model, GiB of each, memory GiB, vCPUs, disk GiB, dollars an hour, regions
_GPUS: dict[str, tuple[int, str, int, int, int, int, float, tuple[str, ...]]] = {
    "gpu-4000adax1-20gb": (1, "nvidia_rtx4000_ada", 20, 32, 8, 500, 0.76, ("nyc2", "tor1")),
    "gpu-6000adax1-48gb": (1, "nvidia_rtx6000_ada", 48, 64, 8, 500, 1.57, ("nyc2", "tor1")),
    "gpu-l40sx1-48gb": (1, "nvidia_l40s", 48, 64, 8, 500, 1.57, ("nyc2", "tor1")),
    "gpu-mi300x1-192gb": (1, "amd_mi300x", 192, 240, 20, 720, 1.99, ("nyc2", "tor1")),
    "gpu-mi300x8-1536gb": (8, "amd_mi300x", 1536, 1920, 160, 2046, 15.92, ("nyc2",)),
    "gpu-h100x1-80gb": (1, "nvidia_h100", 80, 240, 20, 720, 3.39, ("nyc2", "tor1", "ams3")),
    "gpu-h100x8-640gb": (8, "nvidia_h100", 640, 1920, 160, 2046, 23.92, ("nyc2", "tor1", "ams3")),
    "gpu-h200x1-141gb": (1, "nvidia_h200", 141, 240, 24, 720, 3.44, ("nyc2",)),
    "gpu-h200x8-1128gb": (8, "nvidia_h200", 1128, 1920, 192, 2046, 27.52, ("nyc2",)),
}

# Newest first.
VERSIONS = ("1.34.1-do.0", "1.33.4-do.0", "1.32.8-do.0")

# engine: versions, newest first; port; the scheme of its URI
ENGINES: dict[str, tuple[tuple[str, ...], int, str]] = {
    "pg": (("17", "16", "15", "14"), 25060, "postgres"),
    "mysql": (("8",), 25060, "mysql"),
    "valkey": (("8",), 25061, "rediss"),
    "mongodb": (("8.0", "7.0"), 27017, "mongodb+srv"),
    "kafka": (("3.8", "3.7"), 25073, "kafka"),
    "opensearch": (("2", "1"), 25060, "https"),
}
DATABASE_SIZES = (
    "db-s-1vcpu-1gb",
    "db-s-1vcpu-2gb",
    "db-s-2vcpu-2gb",
    "db-s-2vcpu-4gb",
    "db-s-4vcpu-8gb",
    "db-s-6vcpu-16gb",
    "gd-2vcpu-8gb",
    "gd-4vcpu-16gb",
)
MOST_DATABASE_NODES = {"kafka": 15, "opensearch": 15}
_LAYOUTS = {"kafka": (3, 6, 9, 15), "mongodb": (1, 3), "opensearch": (1, 3, 6, 9, 15)}

# Too little memory for a Kubernetes node.
_NOT_FOR_NODES = ("s-1vcpu-1gb",)


def _plain(slug: str) -> Doc:
    memory, cpus, disk, transfer, monthly, description = _SIZES[slug]
    return {
        "slug": slug,
        "memory": memory * _GIB,
        "vcpus": cpus,
        "disk": disk,
        "transfer": float(transfer),
        "price_monthly": float(monthly),
        "price_hourly": round(monthly / _HOURS_A_MONTH, 5),
        "regions": list(REGIONS),
        "available": True,
        "description": description,
        "disk_info": [{"type": "local", "size": {"amount": disk, "unit": "gib"}}],
    }


def _gpu(slug: str) -> Doc:
    count, model, vram, memory, cpus, disk, hourly, regions = _GPUS[slug]
    return {
        "slug": slug,
        "memory": memory * _GIB,
        "vcpus": cpus,
        "disk": disk,
        "transfer": 15.0,
        "price_monthly": round(hourly * _GPU_HOURS_A_MONTH, 2),
        "price_hourly": hourly,
        "regions": list(regions),
        "available": True,
        "description": f"{model.split('_')[-1].upper()} GPU - {count}X",
        "disk_info": [{"type": "local", "size": {"amount": disk, "unit": "gib"}}],
        "gpu_info": {"count": count, "model": model, "vram": {"amount": vram, "unit": "gib"}},
    }


@cache
def sizes() -> list[Doc]:
    """Return every Droplet size: one list for all, not to be changed."""
    return [*map(_plain, _SIZES), *map(_gpu, _GPUS)]


def size(slug: str) -> Doc:
    """Return one Droplet size, which must exist."""
    return _plain(slug) if slug in _SIZES else _gpu(slug)


@cache
def region(slug: str) -> Doc:
    """Return one region, which must exist: one for all, not to be changed."""
    return {
        "name": REGIONS[slug],
        "slug": slug,
        "features": _FEATURES,
        "available": True,
        "sizes": [item["slug"] for item in sizes() if slug in item["regions"]],
    }


def check_region(slug: str) -> None:
    """Refuse an unknown region."""
    if slug not in REGIONS:
        raise invalid(f"region: {slug!r} is not an available region.")


def check_node_size(slug: str, region_slug: str) -> None:
    """Refuse a size that no Kubernetes node of this region can have."""
    if slug not in {*_SIZES, *_GPUS} or slug in _NOT_FOR_NODES:
        raise invalid(f"size: {slug!r} is not a valid node size.")
    if region_slug not in size(slug)["regions"]:
        raise invalid(f"size: {slug!r} is not available in region {region_slug!r}.")


def version(wanted: str) -> str:
    """Return the version that a slug, a minor version such as "1.34" or "latest" stands for."""
    for slug in VERSIONS:
        if wanted in ("latest", slug) or slug.startswith(f"{wanted}."):
            return slug
    raise invalid(f"version: {wanted!r} is not a valid Kubernetes version.")


def described_version(slug: str) -> Doc:
    """Return a version as the API lists it."""
    return {
        "slug": slug,
        "kubernetes_version": slug.partition("-")[0],
        "supported_features": ["cluster-autoscaler", "docr-integration", "ha-control-plane"],
    }


def upgrades(slug: str) -> list[str]:
    """Return the versions a cluster of this version can be upgraded to, newest first."""
    return list(VERSIONS[: VERSIONS.index(slug)])


def kubernetes_options() -> Doc:
    """Return what clusters can be made of."""
    return {
        "regions": [{"name": name, "slug": slug} for slug, name in REGIONS.items()],
        "versions": [described_version(slug) for slug in VERSIONS],
        "sizes": [
            {"name": slug, "slug": slug} for slug in [*_SIZES, *_GPUS] if slug not in _NOT_FOR_NODES
        ],
    }


def database_options() -> Doc:
    """Return what databases can be made of."""
    options: Doc = {}
    availability: dict[str, list[dict[str, Any]]] = {}
    for engine, (versions, _, _) in ENGINES.items():
        options[engine] = {
            "regions": list(REGIONS),
            "versions": list(versions),
            "layouts": [
                {"num_nodes": nodes, "sizes": list(DATABASE_SIZES)}
                for nodes in _LAYOUTS.get(engine, (1, 2, 3))
            ],
        }
        availability[engine] = [
            {"end_of_life": None, "end_of_availability": None, "version": item} for item in versions
        ]
    return {"options": options, "version_availability": availability}


def is_ha_by_default(version: str) -> bool:
    """Return whether a new cluster of a version gets a highly available control plane unasked.

    It does from 1.36 on, as DigitalOcean's OpenAPI document says.
    """
    major, minor = version.split(".")[:2]
    return (int(major), int(minor)) >= (1, 36)
