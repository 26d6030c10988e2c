"""Why a cluster's Kubernetes API does not answer, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from dotrain import address, algebra, rules
from dotrain.api import Api
from dotrain.errors import (
    AddressError,
    AddressMoved,
    ApiError,
    ClusterNotFound,
    DotrainError,
    KubernetesUnreachable,
    NotFound,
)
from dotrain.sources import parse_network
from dotrain.target import Target


def explain(target: Target, cluster: Mapping[str, Any], failure: str) -> DotrainError:
    """Return the error that says why the API of a cluster did not answer.

    It asks DigitalOcean how the cluster is by now, and what its control
    plane's firewall lets in.

    Parameters
    ----------
    target : Target
        The account.
    cluster : mapping
        The cluster as DigitalOcean described it before.
    failure : str
        What the connection failed with.
    """
    try:
        with closing(Api(target)) as api:
            found = api.get(f"/v2/kubernetes/clusters/{cluster['id']}")["kubernetes_cluster"]
    except NotFound:
        return ClusterNotFound(
            f"The cluster {cluster['name']!r} is gone.",
            "DigitalOcean knows it no more.",
            f"Call dotrain.up({cluster['name']!r}) to make it again.",
        )
    except ApiError as error:
        return KubernetesUnreachable(
            f"Neither the Kubernetes API of {cluster['name']!r} nor DigitalOcean's answers.",
            f"The one failed with {failure}. {error.what}",
            "Check this machine's network, then run the same call again.",
        )
    try:
        here: Sequence[str] = address.find(target).cidrs
    except AddressError:
        here = ()
    return why(found, here, failure)


def why(cluster: Mapping[str, Any], here: Sequence[str], failure: str) -> DotrainError:
    """Return the error for a cluster that does not answer; pure.

    Parameters
    ----------
    cluster : mapping
        The cluster as DigitalOcean describes it.
    here : sequence of str
        The CIDRs that this machine comes from; empty when they are not known.
    failure : str
        What the connection failed with.
    """
    name = cluster["name"]
    entering = rules.of_control_plane(cluster)
    # The control plane's firewall takes IPv4 alone.
    mine = [one for one in here if parse_network(one).version == 4]  # noqa: PLR2004
    if not all(
        algebra.admits(entering, "control-plane", "inbound", "tcp", port=443, address=one)
        for one in mine
    ):
        return AddressMoved(
            f"The Kubernetes API of {name!r} does not let this machine in.",
            f"It comes from {' and '.join(mine)} now, and the control plane's firewall allows "
            f"{', '.join(one.peer for one in entering) or 'nobody'}.",
            f"Call dotrain.get({name!r}).allow_me(), which goes through DigitalOcean's API.",
        )
    state = cluster["status"]["state"]
    if state not in ("running", "degraded"):
        return KubernetesUnreachable(
            f"The Kubernetes API of {name!r} does not answer.",
            f"The cluster is {state}; the connection failed with {failure}.",
            "Wait until it runs, then run the same call again.",
        )
    return KubernetesUnreachable(
        f"The Kubernetes API of {name!r} does not answer.",
        f"The connection to {cluster.get('endpoint') or 'it'} failed with {failure}, and as far "
        "as DigitalOcean says, the cluster runs and its firewall lets this machine in.",
        "Check this machine's network and proxy, then run the same call again.",
    )
