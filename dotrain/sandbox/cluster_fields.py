"""The blocks of a cluster, read from a request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dotrain.sandbox import validate
from dotrain.sandbox.answers import Doc, invalid

if TYPE_CHECKING:
    from dotrain.sandbox.validate import Fields

_DAYS = (
    "any",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
_HOUR = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
# Blocks of one switch each. They appear in answers once they were set.
_SWITCHES = (
    "routing_agent",
    "amd_gpu_device_plugin",
    "amd_gpu_device_metrics_exporter_plugin",
    "nvidia_gpu_device_plugin",
    "nvidia_gpu_dra_driver",
    "amd_gpu_dra_driver",
    "rdma_shared_dev_plugin",
    "coredns_autoscaler",
    "p2p_oci_registry_plugin",
)
_EXPANDERS = ("random", "priority", "least_waste")


def subnets(fields: Fields, vpc: Doc) -> tuple[str, str]:
    """Return the subnets of Pods and of services, apart from each other and from the VPC."""
    inside = fields.text("cluster_subnet", "") or "10.244.0.0/16"
    services = fields.text("service_subnet", "") or "10.245.0.0/16"
    blocks = [
        validate.network(inside, "cluster_subnet"),
        validate.network(services, "service_subnet"),
        validate.network(vpc["ip_range"], "vpc_uuid"),
    ]
    for index, block in enumerate(blocks):
        if any(block.overlaps(other) for other in blocks[:index]):
            raise invalid("cluster_subnet, service_subnet and the VPC's range must not overlap.")
    return inside, services


def control_plane(fields: Fields) -> Doc | None:
    """Return the control plane firewall that was sent, or None for no change."""
    block = fields.block("control_plane_firewall")
    if not block.has("enabled"):
        return None
    addresses = block.texts("allowed_addresses")
    for address in addresses:
        where = block.name("allowed_addresses")
        validate.check_address(address, where, versions=(4,))
    return {"enabled": block.flag("enabled", default=False), "allowed_addresses": addresses}


def maintenance(fields: Fields, current: Doc) -> Doc:
    """Return the maintenance policy: what was sent over what there was."""
    block = fields.block("maintenance_policy")
    start = block.text("start_time", "") or current["start_time"]
    if not _HOUR.fullmatch(start):
        raise invalid(f"{block.name('start_time')} must be a time such as 04:00.")
    day = block.choice("day", _DAYS, current["day"])
    return {"start_time": start, "duration": "4h0m0s", "day": day}


def blocks(fields: Fields) -> Doc:
    """Return the optional blocks that say something; null in one means no change."""
    found: dict[str, Any] = {}
    for key in _SWITCHES:
        block = fields.block(key)
        if block.has("enabled"):
            found[key] = {"enabled": block.flag("enabled", default=False)}
    scaler = fields.block("cluster_autoscaler_configuration")
    if any(value is not None for value in scaler.data.values()):
        threshold = scaler.data.get("scale_down_utilization_threshold")
        if threshold is not None and (
            isinstance(threshold, bool) or not isinstance(threshold, int | float)
        ):
            raise invalid(f"{scaler.name('scale_down_utilization_threshold')} must be a number.")
        expanders = scaler.texts("expanders")
        if not set(expanders) <= set(_EXPANDERS):
            raise invalid(f"{scaler.name('expanders')}: one of {', '.join(_EXPANDERS)}.")
        found["cluster_autoscaler_configuration"] = {
            "scale_down_utilization_threshold": 0.5 if threshold is None else threshold,
            "scale_down_unneeded_time": scaler.text("scale_down_unneeded_time", "") or "10m0s",
            "expanders": expanders,
        }
    return found
