"""What lets this machine into a cluster's Kubernetes API: DigitalOcean's credentials for it.

A kubeconfig can name programs to run, files to read, and a proxy that sees all. So
the one that DigitalOcean's API gives is read as data, and what is written is another:
an address, whom to trust there, and a token, and nothing else of it.
"""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dotrain import ownfiles
from dotrain.api import Api
from dotrain.errors import KubernetesUnreachable
from dotrain.hidden import Hidden, bare

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
            raise _unusable(error) from None
        return trusted


def _unusable(reason: object) -> KubernetesUnreachable:
    return KubernetesUnreachable(
        "This cluster has no Kubernetes API that can be trusted.",
        f"What DigitalOcean says of its address and certificate cannot be used: {reason}.",
        "On the sandbox, call dotrain.use_sandbox(kubernetes=True) before the cluster is "
        "made; otherwise wait until the cluster runs, and try again.",
    )


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
    KubernetesUnreachable
        When what it gives is no kubeconfig with a token.
    ConfigError
        When it cannot be written.
    """
    text = api.text(f"{_PATH}/{cluster_id}/kubeconfig", expiry_seconds=_SECONDS)
    ownfiles.private_dir(path.parent)
    ownfiles.write_private(path, kubeconfig(text))
    return path


def kubeconfig(text: str) -> str:
    """Return a kubeconfig for the same cluster as another one, with nothing else of it.

    Raises
    ------
    KubernetesUnreachable
        When it has no address, no certificate authority or no token.
    """
    try:
        return _rewritten(text)
    except _Wrong as error:
        wrong = str(error)
    except (yaml.YAMLError, LookupError, TypeError, ValueError, RecursionError):
        wrong = "it is no kubeconfig with a token"
    except BaseException as error:  # noqa: BLE001 - raised again
        # The frames that it went through, PyYAML's too, have the text and its token.
        raise bare(error)  # noqa: B904 - it is the same error
    # Neither chained nor in the context of what has those frames.
    raise _unusable(wrong)


def _rewritten(text: str) -> str:
    name, known = _read(text)
    trusted = base64.b64encode(known.authority.encode()).decode()
    said = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {"certificate-authority-data": trusted, "server": known.server},
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
        "users": [{"name": name, "user": {"token": str(known.token)}}],
    }
    return Hidden(yaml.safe_dump(said, sort_keys=False))


def _read(text: str) -> tuple[str, Credentials]:
    """Return the name of a kubeconfig's context, and what of it is wanted."""
    # PyYAML takes a string of a class of its own for a file.
    said = yaml.safe_load(text.encode())
    name = _text(said["current-context"], "its context's name")
    context = _named(said["contexts"], name)["context"]
    cluster = _named(said["clusters"], context["cluster"])["cluster"]
    user = _named(said["users"], context["user"])["user"]
    server = _text(cluster["server"], "its server")
    if not server.startswith("https://"):
        reason = "its server is not reached by HTTPS"
        raise _Wrong(reason)
    authority = _text(cluster["certificate-authority-data"], "its certificate authority")
    known = base64.b64decode(authority, validate=True).decode("ascii")
    return name, Credentials(server, known, _text(user["token"], "its token"))


class _Wrong(ValueError):
    """What is wrong with what was read, in words that hold nothing of it."""


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        reason = f"{name} is no text"
        raise _Wrong(reason)
    return value


def _named(entries: Any, name: str) -> Any:
    return next((one for one in entries if one["name"] == name), None)
