"""A cluster's credentials: when they are old, and the kubeconfig made of them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from dotrain.sandbox.provider.times import parsed
from dotrain.sandbox.provider.wire import Props

_KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters:
- cluster:
    certificate-authority-data: {authority}
    server: {server}
  name: {context}
contexts:
- context:
    cluster: {context}
    user: {context}-admin
  name: {context}
current-context: {context}
users:
- name: {context}-admin
  user:
    token: {token}
"""


def still_valid(kube_configs: list[Props] | None) -> bool:
    """Say whether the stored credentials have not expired."""
    expires = kube_configs[0].get("expiresAt") if kube_configs else None
    return bool(expires) and parsed(str(expires)) > datetime.now(timezone.utc)


def state_of(name: str, region: str, answer: Any) -> list[Props]:
    """Return the `kubeConfigs` of a cluster."""
    rendered = _KUBECONFIG.format(
        authority=answer["certificate_authority_data"],
        server=answer["server"],
        context=f"do-{region}-{name}",
        token=answer["token"],
    )
    return [
        {
            "rawConfig": rendered,
            "host": answer["server"],
            "clusterCaCertificate": answer["certificate_authority_data"],
            "token": answer["token"],
            "expiresAt": answer["expires_at"],
            "clientKey": "",
            "clientCertificate": "",
        }
    ]
