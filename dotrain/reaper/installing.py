"""Put the reaper into a cluster, and take it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from dotrain import config, objects, pricing
from dotrain.errors import ConfigError, MissingToken
from dotrain.reaper import manifests
from dotrain.spec import ClusterSpec
from dotrain.target import Target


class Apply(Protocol):
    """Makes an object of Kubernetes as a manifest says: its API's server-side apply."""

    def __call__(self, path: str, manifest: Mapping[str, Any]) -> object:
        """Apply `manifest` at `path`."""


def token(target: Target) -> str:
    """Return the token for the reaper: one of its own, never this machine's.

    Raises
    ------
    MissingToken
        When ``DOTRAIN_REAPER_TOKEN`` is not set.
    ConfigError
        When it is the token that dotrain itself works with.
    """
    if target.is_sandbox:
        return target.token
    scopes = " and ".join(manifests.SCOPES)
    given = config.reaper_token()
    if given is None:
        raise MissingToken(
            "There is no token for the reaper.",
            "DigitalOcean's API makes no tokens, and DOTRAIN_REAPER_TOKEN is not set.",
            "Make one at https://cloud.digitalocean.com/account/api/tokens with the custom scopes "
            f"{scopes}, and set DOTRAIN_REAPER_TOKEN to it.",
        )
    if given == target.token:
        raise ConfigError(
            "The reaper does not get the token that dotrain works with.",
            "Who can read Secrets in the cluster can read it, and it may do more than the reaper.",
            f"Make another with the custom scopes {scopes}, and set DOTRAIN_REAPER_TOKEN to it.",
        )
    return given


def image() -> str:
    """Return the image that the reaper runs in: ``DOTRAIN_REAPER_IMAGE``, or a tag."""
    return config.reaper_image() or manifests.IMAGE


def install(
    apply: Apply,
    target: Target,
    spec: ClusterSpec,
    cluster: Mapping[str, Any],
    sizes: Iterable[Mapping[str, Any]],
) -> None:
    """Put the reaper into a cluster, or bring it up to date.

    Parameters
    ----------
    apply : Apply
        Talks to the cluster's Kubernetes API.
    target : Target
        The account.
    spec : ClusterSpec
        The cluster.
    cluster : mapping
        The same, as DigitalOcean describes it.
    sizes : iterable of mapping
        ``sizes`` of ``GET /v2/sizes``.

    Raises
    ------
    ConfigError
        When there is no token for it.
    """
    wanted = {pool.size for pool in (spec.system, *spec.pools)}
    prices = {
        slug: (price.hourly, price.monthly)
        for slug, price in pricing.prices(sizes).items()
        if slug in wanted and price.hourly is not None and price.monthly is not None
    }
    made = manifests.manifests(
        spec,
        cluster["id"],
        token(target),
        prices,
        api_url=target.url,
        image=image(),
    )
    for manifest in made:
        apply(objects.location(manifest), manifest)


def remove(delete: Callable[[str], object]) -> None:
    """Take the reaper out of a cluster; `delete` takes paths of Kubernetes' API.

    With its namespace goes what is in it, its token first of all.
    """
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    delete(f"/api/v1/namespaces/{manifests.NAMESPACE}")
    delete(f"{rbac}/clusterrolebindings/{manifests.NAME}")
    delete(f"{rbac}/clusterroles/{manifests.NAME}")
