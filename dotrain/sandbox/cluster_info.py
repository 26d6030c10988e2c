"""What can be asked about a cluster: credentials, upgrades, its user, the options."""

from __future__ import annotations

import base64

from dotrain.sandbox import catalog, clusters
from dotrain.sandbox.answers import Answer, Call, Doc, invalid, not_found
from dotrain.sandbox.kubernetes import tokens
from dotrain.sandbox.lifecycle import stamp

_CLUSTER = "/v2/kubernetes/clusters/{cluster_id}"
_WEEK = 7 * 24 * 3600
_MOST_DIGITS = 9
# Not a certificate: nothing answers at the endpoint of a cluster without a control plane.
_AUTHORITY = base64.b64encode(
    b"-----BEGIN CERTIFICATE-----\nc2FuZGJveA==\n-----END CERTIFICATE-----\n"
).decode()

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
preferences: {{}}
users:
- name: {context}-admin
  user:
    token: {token}
"""


def _ready(call: Call) -> Doc:
    cluster = clusters.existing(call)
    if clusters.state(call, cluster) in ("provisioning", "error"):
        raise not_found("The cluster has no credentials before it is running.")
    return cluster


def _lifetime(call: Call) -> int:
    text = call.query.get("expiry_seconds", "") or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise invalid("expiry_seconds must be a whole number.")
    return int(text) or _WEEK


def _authority(cluster: Doc) -> str:
    return str((cluster.get("kubernetes") or {}).get("authority", _AUTHORITY))


def _credentials(call: Call) -> Answer:
    cluster, seconds = _ready(call), _lifetime(call)
    return Answer(
        200,
        {
            "server": clusters.endpoint(cluster),
            "certificate_authority_data": _authority(cluster),
            "client_certificate_data": None,
            "client_key_data": None,
            "token": tokens.issue(call, cluster, seconds),
            "expires_at": stamp(call.now + seconds),
        },
    )


def _kubeconfig(call: Call) -> Answer:
    cluster = _ready(call)
    token = tokens.issue(call, cluster, _lifetime(call))
    return Answer(
        200,
        text=_KUBECONFIG.format(
            authority=_authority(cluster),
            server=clusters.endpoint(cluster),
            context=f"do-{cluster['region']}-{cluster['name']}",
            token=token,
        ),
    )


def _upgrades(call: Call) -> Answer:
    slugs = catalog.upgrades(clusters.existing(call)["version"])
    found = [catalog.described_version(slug) for slug in slugs]
    return Answer(200, {"available_upgrade_versions": found or None})


def _user(call: Call) -> Answer:
    clusters.existing(call)
    user = {"username": tokens.USER, "groups": [tokens.GROUP]}
    return Answer(200, {"kubernetes_cluster_user": user})


def _messages(call: Call) -> Answer:
    clusters.existing(call)
    return Answer(200, {"messages": []})


def _options(_: Call) -> Answer:
    return Answer(200, {"options": catalog.kubernetes_options()})


ROUTES = [
    ("GET", "/v2/kubernetes/options", _options),
    ("GET", _CLUSTER + "/credentials", _credentials),
    ("GET", _CLUSTER + "/kubeconfig", _kubeconfig),
    ("GET", _CLUSTER + "/upgrades", _upgrades),
    ("GET", _CLUSTER + "/user", _user),
    ("GET", _CLUSTER + "/status_messages", _messages),
]
