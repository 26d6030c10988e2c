"""What lets this machine into a cluster's Kubernetes API: DigitalOcean's credentials for it."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from dotrain import ownfiles
from dotrain.api import Api
from dotrain.errors import KubernetesUnreachable
from dotrain.hidden import Hidden

_SECONDS = 8 * 60 * 60
_PATH = "/v2/kubernetes/clusters"


@dataclass(frozen=True)
class Credentials:
    """Where a Kubernetes API is, by what it is known, and the token for it.

    Parameters
    ----------
    server : str
        Its origin, such as ``"https://<id>.k8s.ondigitalocean.com"``.
    authority : str
        The certificate authority that its certificate has to be from, as PEM.
    token : str
        The bearer token; never shown.
    """

    server: str
    authority: str
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "token", Hidden(self.token))

    def trust(self) -> ssl.SSLContext:
        """Return what trusts this cluster's own authority, and nobody else.

        Raises
        ------
        KubernetesUnreachable
            When there is nothing to trust, or the token would travel in the clear.
        """
        trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            if not self.server.startswith("https://"):
                raise ssl.SSLError(f"{self.server or 'nothing'} is not HTTPS")  # noqa: TRY301
            trusted.load_verify_locations(cadata=self.authority)
        except (ssl.SSLError, ValueError) as error:
            raise KubernetesUnreachable(
                "This cluster has no Kubernetes API that can be trusted.",
                f"What DigitalOcean says of its address and certificate cannot be used: {error}.",
                "On the sandbox, call dotrain.use_sandbox(kubernetes=True) before the cluster is "
                "made; otherwise wait until the cluster runs, and try again.",
            ) from None
        return trusted


def fetch(api: Api, cluster_id: str) -> Credentials:
    """Return new credentials for a cluster, good for 8 hours.

    Parameters
    ----------
    api : Api
        The account.
    cluster_id : str
        The cluster's id on DigitalOcean.

    Raises
    ------
    ApiError
        When DigitalOcean refuses; `NotFound` while the cluster is being made.
    """
    said = api.get(f"{_PATH}/{cluster_id}/credentials", expiry_seconds=_SECONDS)
    authority = base64.b64decode(said.get("certificate_authority_data") or "")
    return Credentials(
        said.get("server") or "", authority.decode("ascii", "replace"), said.get("token") or ""
    )


def write(api: Api, cluster_id: str, path: Path) -> Path:
    """Write a kubeconfig that only this user can read, good for 8 hours, and return its path.

    Raises
    ------
    ApiError
        When DigitalOcean refuses.
    ConfigError
        When it cannot be written.
    """
    text = api.text(f"{_PATH}/{cluster_id}/kubeconfig", expiry_seconds=_SECONDS)
    ownfiles.private_dir(path.parent)
    ownfiles.write_private(path, text)
    return path
