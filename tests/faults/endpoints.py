"""Which endpoints of DigitalOcean's API each call uses, and who asks: measured, not guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

LIBRARY, PROVIDER = "library", "provider"
"""Who makes a request: dotrain itself, or Pulumi's provider."""

_AGENTS = {LIBRARY: "dotrain", PROVIDER: "dotrain-provider"}
_ID = re.compile(r"\{\w+\}")
_CLUSTERS = "/v2/kubernetes/clusters"


@dataclass(frozen=True)
class Endpoint:
    """A method and a path of the API.

    Parameters
    ----------
    method : str
        ``"GET"`` and the like.
    path : str
        With its ids as names in braces: ``"/v2/firewalls/{id}"``.
    answers : bool
        Whether there is JSON in the answer.
    takes_quota : bool
        Whether it makes Droplets or other things that an account has so many of.
    empty : str
        The place of a list of what was made, as the sandbox's faults name it.
    broken : mapping
        What the answer says where something has failed, by its place.
    """

    method: str
    path: str
    answers: bool = True
    takes_quota: bool = False
    empty: str = field(default="", compare=False)
    broken: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.method == "GET"

    @property
    def of_one(self) -> bool:
        """Whether it is about one object by its id."""
        return bool(_ID.search(self.path))

    @property
    def makes(self) -> bool:
        """Whether it makes an object, and answers with it."""
        return self.method == "POST" and self.answers

    @property
    def pattern(self) -> str:
        """The path as a regular expression."""
        # Literal paths are endpoints of their own: "options" is no id.
        return _ID.sub("(?!options$)[^/]+", self.path)

    @property
    def short(self) -> str:
        """What it is called in the name of a case: ``"get-firewalls-id"``."""
        steps = [part.strip("{}") for part in self.path.split("/")[2:]]
        return "-".join([self.method.lower(), *steps])

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


_CLUSTER = f"{_CLUSTERS}/{{id}}"
_POOL = f"{_CLUSTER}/node_pools/{{id}}"
_FAILED = {"state": "error", "message": "Creation failed."}
_DANGEROUS = f"{_CLUSTER}/destroy_with_associated_resources/dangerous"


def _list(key: str, **more: Any) -> Endpoint:
    return Endpoint("GET", f"/v2/{key}", empty=key, **more)


_KNOWN = (
    Endpoint(
        "GET",
        _CLUSTERS,
        empty="kubernetes_clusters",
        broken={"kubernetes_clusters.*.status": _FAILED},
    ),
    Endpoint("GET", _CLUSTER, broken={"kubernetes_cluster.status": _FAILED}),
    Endpoint("GET", f"{_CLUSTER}/credentials"),
    # No call of the matrix asks for this one, but `kubeconfig` does.
    Endpoint("GET", f"{_CLUSTER}/kubeconfig", answers=False),
    Endpoint("GET", f"{_CLUSTER}/destroy_with_associated_resources"),
    Endpoint("GET", f"{_CLUSTER}/node_pools", empty="node_pools"),
    Endpoint("GET", _POOL),
    Endpoint("GET", "/v2/kubernetes/options"),
    Endpoint("GET", "/v2/databases/options"),
    Endpoint("GET", "/v2/databases/{id}"),
    Endpoint("GET", "/v2/databases/{id}/firewall"),
    Endpoint("GET", "/v2/firewalls/{id}", broken={"firewall.status": "failed"}),
    Endpoint("GET", "/v2/vpcs/{id}"),
    Endpoint("GET", "/v2/tags/{name}"),
    Endpoint("GET", "/v2/customers/my/balance"),
    Endpoint("GET", "/v2/sizes"),
    _list("firewalls", broken={"firewalls.*.status": "failed"}),
    *map(
        _list, ("databases", "droplets", "load_balancers", "snapshots", "tags", "volumes", "vpcs")
    ),
    Endpoint("POST", _CLUSTERS, takes_quota=True, broken={"kubernetes_cluster.status": _FAILED}),
    Endpoint("POST", f"{_CLUSTER}/node_pools", takes_quota=True),
    Endpoint("POST", "/v2/databases", takes_quota=True),
    Endpoint("POST", "/v2/firewalls", broken={"firewall.status": "failed"}),
    Endpoint("POST", "/v2/tags"),
    Endpoint("POST", "/v2/tags/{name}/resources", answers=False),
    Endpoint("POST", "/v2/vpcs"),
    Endpoint("PUT", _CLUSTER, broken={"kubernetes_cluster.status": _FAILED}),
    Endpoint("PUT", _POOL, takes_quota=True),
    Endpoint("PUT", "/v2/databases/{id}/firewall", answers=False),
    Endpoint("PUT", "/v2/firewalls/{id}", broken={"firewall.status": "failed"}),
    *(
        Endpoint("DELETE", path, answers=False)
        for path in (
            _DANGEROUS,
            _POOL,
            "/v2/databases/{id}",
            "/v2/firewalls/{id}",
            "/v2/load_balancers/{id}",
            "/v2/snapshots/{id}",
            "/v2/tags/{name}",
            "/v2/volumes/{id}",
            "/v2/vpcs/{id}",
        )
    ),
)
ENDPOINTS = {str(one): one for one in _KNOWN}
"""All that any call of dotrain's uses, by method and path."""

_COSTS = """
    GET /v2/databases
    GET /v2/kubernetes/clusters
    GET /v2/load_balancers
    GET /v2/sizes
    GET /v2/snapshots
    GET /v2/volumes
"""
_RULES = """
    GET /v2/databases
    GET /v2/databases/{id}/firewall
    GET /v2/firewalls
    GET /v2/kubernetes/clusters
"""
# The proof that nothing is left, and what deletes what the engine does not know.
_REMOVES = """
    GET /v2/databases
    GET /v2/droplets
    GET /v2/firewalls
    GET /v2/kubernetes/clusters
    GET /v2/load_balancers
    GET /v2/snapshots
    GET /v2/tags
    GET /v2/tags/{name}
    GET /v2/volumes
    GET /v2/vpcs
    POST /v2/tags/{name}/resources
    DELETE /v2/databases/{id}
    DELETE /v2/firewalls/{id}
    DELETE /v2/kubernetes/clusters/{id}/destroy_with_associated_resources/dangerous
    DELETE /v2/load_balancers/{id}
    DELETE /v2/snapshots/{id}
    DELETE /v2/tags/{name}
    DELETE /v2/volumes/{id}
    DELETE /v2/vpcs/{id}
"""
_USED = {
    ("up", LIBRARY): f"""
        {_COSTS}
        GET /v2/databases/options
        GET /v2/databases/{{id}}
        GET /v2/firewalls
        GET /v2/firewalls/{{id}}
        GET /v2/kubernetes/clusters/{{id}}
        GET /v2/kubernetes/clusters/{{id}}/node_pools/{{id}}
        GET /v2/kubernetes/options
        GET /v2/vpcs/{{id}}
        GET /v2/vpcs
    """,
    ("up", PROVIDER): """
        GET /v2/databases/{id}
        GET /v2/databases/{id}/firewall
        GET /v2/firewalls/{id}
        GET /v2/kubernetes/clusters/{id}
        GET /v2/kubernetes/clusters/{id}/credentials
        GET /v2/kubernetes/clusters/{id}/node_pools/{id}
        GET /v2/tags/{name}
        GET /v2/vpcs/{id}
        POST /v2/databases
        POST /v2/firewalls
        POST /v2/kubernetes/clusters
        POST /v2/kubernetes/clusters/{id}/node_pools
        POST /v2/tags
        POST /v2/vpcs
        PUT /v2/databases/{id}/firewall
    """,
    ("allow_me", LIBRARY): f"""
        {_RULES}
        PUT /v2/databases/{{id}}/firewall
        PUT /v2/firewalls/{{id}}
        PUT /v2/kubernetes/clusters/{{id}}
    """,
    ("allow_me", PROVIDER): """
        GET /v2/databases/{id}/firewall
        GET /v2/firewalls/{id}
        GET /v2/kubernetes/clusters/{id}
        PUT /v2/databases/{id}/firewall
        PUT /v2/firewalls/{id}
        PUT /v2/kubernetes/clusters/{id}
    """,
    ("resize", LIBRARY): """
        GET /v2/kubernetes/clusters
        GET /v2/kubernetes/clusters/{id}/node_pools
        GET /v2/kubernetes/options
        GET /v2/sizes
        PUT /v2/kubernetes/clusters/{id}/node_pools/{id}
    """,
    ("resize", PROVIDER): """
        GET /v2/kubernetes/clusters/{id}/node_pools/{id}
        POST /v2/kubernetes/clusters/{id}/node_pools
        PUT /v2/kubernetes/clusters/{id}/node_pools/{id}
        DELETE /v2/kubernetes/clusters/{id}/node_pools/{id}
    """,
    ("plan", LIBRARY): f"""
        {_RULES}
        GET /v2/load_balancers
        GET /v2/sizes
        GET /v2/volumes
    """,
    ("rules", LIBRARY): _RULES,
    ("cost", LIBRARY): f"""
        {_COSTS}
        GET /v2/customers/my/balance
        GET /v2/vpcs
    """,
    # What it takes down it takes down by `down`, in the same process of its own.
    ("sweep", LIBRARY): f"""
        {_COSTS}
        GET /v2/kubernetes/clusters/{{id}}
        GET /v2/tags
        DELETE /v2/kubernetes/clusters/{{id}}/node_pools/{{id}}
    """,
    ("down", LIBRARY): f"""
        {_REMOVES}
        GET /v2/kubernetes/clusters/{{id}}
        GET /v2/kubernetes/clusters/{{id}}/credentials
    """,
    ("down", PROVIDER): """
        GET /v2/kubernetes/clusters/{id}/destroy_with_associated_resources
        GET /v2/kubernetes/clusters/{id}/node_pools/{id}
        DELETE /v2/databases/{id}
        DELETE /v2/firewalls/{id}
        DELETE /v2/kubernetes/clusters/{id}/destroy_with_associated_resources/dangerous
        DELETE /v2/kubernetes/clusters/{id}/node_pools/{id}
        DELETE /v2/tags/{name}
        DELETE /v2/vpcs/{id}
    """,
    ("leaks", LIBRARY): f"""
        {_COSTS}
        GET /v2/droplets
        GET /v2/vpcs
    """,
}
USED = {
    use: tuple(ENDPOINTS[line] for line in sorted({one.strip() for one in text.split("\n")} - {""}))
    for use, text in _USED.items()
}
"""The endpoints that each call uses, by the call and who asks."""


def used(requests: Iterable[Mapping[str, Any]], who: str) -> set[str]:
    """Return the endpoints of some requests of the sandbox's journal, by method and path.

    One that the matrix does not know is returned with the ids as they are.
    """
    return {
        _name(one["method"], one["path"].partition("?")[0])
        for one in requests
        if one["agent"] == _AGENTS[who]
    }


def _name(method: str, path: str) -> str:
    fits = (one for one in _KNOWN if one.method == method and re.fullmatch(one.pattern, path))
    found = next(fits, None)
    return str(found) if found else f"{method} {path}"
