"""The programs of a control plane, and how each is started."""

from __future__ import annotations

import json
import secrets
import socket
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from dotrain.sandbox.kubernetes import authority

if TYPE_CHECKING:
    from pathlib import Path

    from dotrain.sandbox.answers import Doc

ETCD = "etcd"
SERVER = "kube-apiserver"
REST = ("kube-controller-manager", "kube-scheduler", "kwok")
"""What makes things happen in a cluster; without it, the API only keeps what it is told."""

# What these wait for, a controller does.
_FOR_CONTROLLERS = "TaintNodesByCondition,ServiceAccount"

_OWNER = "system:masters"
_USERS = {
    "sandbox": _OWNER,
    "kwok": _OWNER,
    "kube-controller-manager": "",
    "kube-scheduler": "",
}


@dataclass(frozen=True)
class Layout:
    """Where one control plane keeps its files, and on which ports it listens.

    Parameters
    ----------
    programs : pathlib.Path
        The directory with the executables.
    directory : pathlib.Path
        The control plane's own directory.
    services : str
        The subnet of services.
    review : str
        The URL that says whose a token is.
    etcd, peer, api, kubelet, kwok, pods : int
        Ports on 127.0.0.1: etcd for its clients and for its like, the API, the
        kubelet of all nodes, kwok behind it, and what answers for the ports of
        the Pods that kwok plays.
    whole : bool
        Whether there are controllers, a scheduler and kubelets too.
    """

    programs: Path
    directory: Path
    services: str
    review: str
    etcd: int
    peer: int
    api: int
    kubelet: int
    kwok: int
    pods: int
    whole: bool

    @property
    def url(self) -> str:
        """The API, as the sandbox itself reaches it."""
        return f"https://127.0.0.1:{self.api}"


def free_ports(count: int) -> list[int]:
    """Return ports on 127.0.0.1 that nobody has."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def prepare(layout: Layout) -> str:
    """Write what the programs read, and return the sandbox's own token for the API."""
    authority.make(layout.directory)
    tokens = {name: secrets.token_hex(32) for name in _USERS}
    users = "".join(
        f'{token},{name if group else f"system:{name}"},{name},"{group}"\n'
        for (name, group), token in zip(_USERS.items(), tokens.values(), strict=True)
    )
    _write(layout, "users.csv", users)
    for name, token in tokens.items():
        _write(layout, f"{name}.json", json.dumps(_kubeconfig(layout, layout.url, token)))
    _write(layout, "review.json", json.dumps(_kubeconfig(layout, layout.review)))
    stages = resources.files("dotrain.sandbox.kubernetes").joinpath("kwok.yaml")
    text = stages.read_text("utf-8")
    text = text.replace("$LOG", json.dumps(str(layout.directory / "pods.log")))
    _write(layout, "kwok.yaml", text.replace("$PORT", str(layout.pods)))
    return tokens["sandbox"]


def first(layout: Layout) -> dict[str, list[str]]:
    """Return the commands of what has to run before anything else can, by name."""
    return {ETCD: _etcd(layout), SERVER: _server(layout)}


def then(layout: Layout) -> dict[str, list[str]]:
    """Return the commands of what runs on top of the API, by name."""
    if not layout.whole:
        return {}
    at, programs = layout.directory, layout.programs
    return {
        "kube-controller-manager": [
            str(programs / "kube-controller-manager"),
            f"--kubeconfig={at / 'kube-controller-manager.json'}",
            f"--service-account-private-key-file={at / authority.ACCOUNTS}",
            f"--root-ca-file={at / authority.CA}",
            # Each controller as itself, with no more rights than it needs.
            "--use-service-account-credentials=true",
            # With the usual 20 requests a second it takes 5 seconds to begin.
            "--kube-api-qps=1000",
            "--kube-api-burst=2000",
            "--leader-elect=false",
            "--secure-port=0",
        ],
        "kube-scheduler": [
            str(programs / "kube-scheduler"),
            f"--kubeconfig={at / 'kube-scheduler.json'}",
            "--leader-elect=false",
            "--secure-port=0",
        ],
        "kwok": [
            str(programs / "kwok"),
            f"--config={at / 'kwok.yaml'}",
            f"--kubeconfig={at / 'kwok.json'}",
            "--manage-all-nodes=true",
            "--node-lease-duration-seconds=40",
            f"--server-address=127.0.0.1:{layout.kwok}",
            f"--node-port={layout.kwok}",
            f"--tls-cert-file={at / authority.CERTIFICATE}",
            f"--tls-private-key-file={at / authority.KEY}",
        ],
    }


def _etcd(layout: Layout) -> list[str]:
    at = layout.directory
    client, peer = (f"https://127.0.0.1:{port}" for port in (layout.etcd, layout.peer))
    pair = (f"cert-file={at / authority.CERTIFICATE}", f"key-file={at / authority.KEY}")
    trust = (f"trusted-ca-file={at / authority.CA}", "client-cert-auth=true")
    return [
        str(layout.programs / ETCD),
        f"--data-dir={at / ETCD}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        *(f"--{option}" for option in (*pair, *trust)),
        *(f"--peer-{option}" for option in (*pair, *trust)),
        # What a sandbox holds need not survive a power cut.
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _server(layout: Layout) -> list[str]:
    at = layout.directory
    return [
        str(layout.programs / SERVER),
        f"--etcd-servers=https://127.0.0.1:{layout.etcd}",
        f"--etcd-cafile={at / authority.CA}",
        f"--etcd-certfile={at / authority.CERTIFICATE}",
        f"--etcd-keyfile={at / authority.KEY}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={layout.api}",
        f"--tls-cert-file={at / authority.CERTIFICATE}",
        f"--tls-private-key-file={at / authority.KEY}",
        f"--token-auth-file={at / 'users.csv'}",
        f"--authentication-token-webhook-config-file={at / 'review.json'}",
        "--authentication-token-webhook-version=v1",
        # Beside it, an API server remembers for 10 seconds whose a token is, and no option
        # changes that: for so long one that has expired may still be good.
        "--authentication-token-webhook-cache-ttl=1s",
        "--anonymous-auth=false",
        "--authorization-mode=Node,RBAC",
        "--allow-privileged=true",
        "--endpoint-reconciler-type=none",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={at / authority.ACCOUNTS}",
        f"--service-account-signing-key-file={at / authority.ACCOUNTS}",
        f"--service-cluster-ip-range={layout.services}",
        # Where the kubelet listens; the other addresses of a node are nobody's.
        "--kubelet-preferred-address-types=InternalDNS",
        # It tells nobody else what is in a log.
        f"--kubelet-certificate-authority={at / authority.CA}",
        f"--kubelet-client-certificate={at / authority.CERTIFICATE}",
        f"--kubelet-client-key={at / authority.KEY}",
        "--profiling=false",
        "--shutdown-delay-duration=0s",
        *([] if layout.whole else [f"--disable-admission-plugins={_FOR_CONTROLLERS}"]),
    ]


def _kubeconfig(layout: Layout, url: str, token: str = "") -> Doc:
    cluster = {"server": url}
    if url == layout.url:
        cluster["certificate-authority"] = str(layout.directory / authority.CA)
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": cluster}],
        "users": [{"name": "sandbox", "user": {"token": token}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox"}}],
        "current-context": "sandbox",
    }


def _write(layout: Layout, name: str, text: str) -> None:
    authority.write(layout.directory / name, text.encode())
