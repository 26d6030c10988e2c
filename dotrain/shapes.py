"""What dotrain reads of DigitalOcean's answers, and of which type it has to be.

An answer is held against this as it comes in, so that all who read it may rely
on it, and what is not as it should be is said once, with the answer it is in.
What nobody reads is not here, and may be anything.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from dotrain import durations

_MAYBE = "?"
_ANY = "*"
# Beyond any number of nodes, ports or GiB; what is counted up to is made in memory.
_MOST = 10_000_000


@dataclass(frozen=True)
class Kind:
    """A kind of value.

    Parameters
    ----------
    name : str
        What it is called in an error.
    holds : callable
        Returns whether a value is one, or raises ValueError.
    """

    name: str
    holds: Callable[[Any], bool]


Shape: TypeAlias = Kind | list["Shape"] | dict[str, "Shape"]
"""A kind, a list of a shape, or an object with a shape for each of some names.

A name that ends in ``?`` may be missing or null; ``*`` is any name.
"""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST


def _is_moment(value: Any) -> bool:
    return isinstance(value, str) and bool(durations.moment(value))


def _is_amount(value: Any) -> bool:
    return isinstance(value, str) and math.isfinite(float(value))


def _is_encoded(value: Any) -> bool:
    return isinstance(value, str) and base64.b64decode(value) is not None


TEXT = Kind("text", lambda value: isinstance(value, str))
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
ID = Kind("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool))
COUNT = Kind("a whole number that counts something", _is_count)
NUMBER = Kind("a number", _is_number)
MOMENT = Kind("a moment", _is_moment)
AMOUNT = Kind("a sum as text", _is_amount)
ENCODED = Kind("text in base64", _is_encoded)

_POOL: Shape = {
    "id": TEXT,
    "name": TEXT,
    "size": TEXT,
    "count": COUNT,
    "tags?": [TEXT],
    "labels?": {_ANY: TEXT},
    "auto_scale?": FLAG,
    "min_nodes?": COUNT,
    "max_nodes?": COUNT,
    "nodes?": [{"id": TEXT, "name": TEXT, "status": {"state": TEXT}, "created_at?": MOMENT}],
}
_CLUSTER: Shape = {
    "id": TEXT,
    "name": TEXT,
    "region": TEXT,
    "version": TEXT,
    "created_at": MOMENT,
    "status": {"state": TEXT, "message?": TEXT},
    "tags": [TEXT],
    "node_pools": [_POOL],
    "vpc_uuid?": TEXT,
    "endpoint?": TEXT,
    "ha?": FLAG,
    "auto_upgrade?": FLAG,
    "surge_upgrade?": FLAG,
    "control_plane_firewall?": {"enabled?": FLAG, "allowed_addresses?": [TEXT]},
}
_PEERS: Shape = {
    "addresses?": [TEXT],
    "tags?": [TEXT],
    "droplet_ids?": [ID],
    "load_balancer_uids?": [TEXT],
    "kubernetes_ids?": [TEXT],
}
_RULE: dict[str, Shape] = {"protocol": TEXT, "ports?": TEXT, "action?": TEXT}
_FIREWALL: Shape = {
    "id": TEXT,
    "name": TEXT,
    "status?": TEXT,
    "tags?": [TEXT],
    "droplet_ids?": [ID],
    "inbound_rules?": [{**_RULE, "sources?": _PEERS}],
    "outbound_rules?": [{**_RULE, "destinations?": _PEERS}],
}
_DATABASE: Shape = {
    "id": TEXT,
    "name": TEXT,
    "status?": TEXT,
    "tags?": [TEXT],
    "num_nodes": COUNT,
    "size": TEXT,
    "connection?": {"port?": COUNT},
}
_BALANCER: Shape = {
    "id": TEXT,
    "name": TEXT,
    "created_at": MOMENT,
    "vpc_uuid?": TEXT,
    "tags?": [TEXT],
    "ip?": TEXT,
    "type?": TEXT,
    "network?": TEXT,
    "size?": TEXT,
    "size_unit?": COUNT,
    "firewall?": {"allow?": [TEXT]},
    "forwarding_rules?": [{"entry_protocol": TEXT, "entry_port": COUNT}],
}
_VOLUME: Shape = {
    "id": TEXT,
    "name": TEXT,
    "created_at": MOMENT,
    "size_gigabytes": COUNT,
    "tags?": [TEXT],
}
_SNAPSHOT: Shape = {
    "id": TEXT,
    "name": TEXT,
    "tags?": [TEXT],
    "resource_type?": TEXT,
    "resource_id?": TEXT,
}
_DROPLET: Shape = {
    "id": ID,
    "name": TEXT,
    "tags?": [TEXT],
    "vpc_uuid?": TEXT,
    "size?": {"price_hourly?": NUMBER},
}
_SIZE: Shape = {
    "slug": TEXT,
    "vcpus": COUNT,
    "memory": COUNT,
    "regions": [TEXT],
    "available?": FLAG,
    "price_hourly?": NUMBER,
    "price_monthly?": NUMBER,
    "gpu_info?": {"count?": COUNT, "model?": TEXT, "vram?": {"amount?": NUMBER}},
}
_TAG: Shape = {"name": TEXT, "resources": {"count": COUNT, "droplets?": {"count": COUNT}}}
_SLUGS: Shape = [{"slug": TEXT, "name?": TEXT}]
_LAYOUTS: Shape = [{"num_nodes": COUNT, "sizes": [TEXT]}]


def _list(key: str, shape: Shape) -> Shape:
    return {f"{key}{_MAYBE}": [shape], "links?": {"pages?": {"next?": TEXT}}}


_CLUSTERS = "/v2/kubernetes/clusters"
_READ: dict[str, Shape] = {
    _CLUSTERS: _list("kubernetes_clusters", _CLUSTER),
    f"{_CLUSTERS}/[^/]+": {"kubernetes_cluster": _CLUSTER},
    f"{_CLUSTERS}/[^/]+/destroy_with_associated_resources": {"load_balancers?": [{"id": TEXT}]},
    f"{_CLUSTERS}/[^/]+/node_pools": {"node_pools": [_POOL]},
    f"{_CLUSTERS}/[^/]+/node_pools/[^/]+": {"node_pool": _POOL},
    f"{_CLUSTERS}/[^/]+/credentials": {
        "server?": TEXT,
        "certificate_authority_data?": ENCODED,
        "token?": TEXT,
    },
    "/v2/kubernetes/options": {
        "options": {"regions": _SLUGS, "sizes": _SLUGS, "versions": _SLUGS},
    },
    "/v2/databases/options": {
        "options": {_ANY + _MAYBE: {"versions?": [TEXT], "layouts?": _LAYOUTS}},
    },
    "/v2/databases": _list("databases", _DATABASE),
    "/v2/databases/[^/]+": {"database": _DATABASE},
    "/v2/databases/[^/]+/firewall": {"rules?": [{"type": TEXT, "value": TEXT}]},
    "/v2/firewalls": _list("firewalls", _FIREWALL),
    "/v2/load_balancers": _list("load_balancers", _BALANCER),
    "/v2/volumes": _list("volumes", _VOLUME),
    "/v2/snapshots": _list("snapshots", _SNAPSHOT),
    "/v2/droplets": _list("droplets", _DROPLET),
    "/v2/vpcs": _list("vpcs", {"id": TEXT, "name": TEXT}),
    "/v2/tags": _list("tags", _TAG),
    "/v2/tags/[^/]+": {"tag": _TAG},
    "/v2/sizes": _list("sizes", _SIZE),
    "/v2/customers/my/balance": {"month_to_date_usage": AMOUNT},
}
_PATTERNS = [(re.compile(path), shape) for path, shape in _READ.items()]


def wrong(path: str, answer: object) -> str:
    """Return what is wrong with the answer to GET `path`, as a sentence without its end.

    It is empty when nothing is.

    Examples
    --------
    >>> wrong("/v2/vpcs", {"vpcs": [{"id": "1", "name": 7}]})
    'has a number at vpcs.0.name, where text is expected'
    """
    shape = next((shape for pattern, shape in _PATTERNS if pattern.fullmatch(path)), {})
    found = next(_differences(answer, shape, ""), None)
    if found is None:
        return ""
    place, there, expected = found
    if not place:
        return "is not a JSON object"
    return f"has {there} at {place}, where {expected} is expected"


def strange(answer: Mapping[str, Any], params: Mapping[str, str]) -> str:
    """Return what is wrong with a list by a tag: all that it has has to have the tag.

    What has not is either somebody else's, or would be taken for that.

    Examples
    --------
    >>> strange({"databases": [{"name": "a", "tags": None}]}, {"tag_name": "dotrain:bert"})
    "lists something by the tag 'dotrain:bert' that does not have it"
    """
    tag = params.get("tag_name")
    lists = [found for found in answer.values() if isinstance(found, list)]
    if tag and any(tag not in (one.get("tags") or ()) for found in lists for one in found):
        return f"lists something by the tag {tag!r} that does not have it"
    return ""


def _differences(value: Any, shape: Shape, place: str) -> Iterator[tuple[str, str, str]]:
    """Yield where something else is than there should be, what is there, and what should be."""
    if isinstance(shape, list):
        if not isinstance(value, list):
            yield place, _word(value), "a list"
            return
        for number, item in enumerate(value):
            yield from _differences(item, shape[0], f"{place}.{number}")
    elif isinstance(shape, dict):
        if not isinstance(value, dict):
            yield place, _word(value), "an object"
            return
        for key, inner in _expected(value, shape):
            inside = f"{place}.{key}".lstrip(".")
            if key not in value:
                yield inside, "nothing", _name(inner)
            else:
                yield from _differences(value[key], inner, inside)
    elif not _holds(shape, value):
        yield place, _word(value), shape.name


def _expected(value: dict[str, Any], shape: dict[str, Shape]) -> Iterator[tuple[str, Shape]]:
    """Yield each name that there is to look at, with its shape."""
    for name, inner in shape.items():
        key = name.removesuffix(_MAYBE)
        for one in value if key == _ANY else (key,):
            if key == name or value.get(one) is not None:
                yield one, inner


def _holds(kind: Kind, value: Any) -> bool:
    try:
        return kind.holds(value)
    except ValueError:
        return False


def _name(shape: Shape) -> str:
    return shape.name if isinstance(shape, Kind) else f"{_word(shape)}"


def _word(value: Any) -> str:
    """Return what a value is, and nothing of what it says: it may be a secret."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    words = {str: "text", dict: "an object", list: "a list"}
    return next((word for kind, word in words.items() if isinstance(value, kind)), "a number")
