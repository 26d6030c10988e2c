"""The keys and certificates of one control plane."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CA = "ca.crt"
CERTIFICATE = "tls.crt"
KEY = "tls.key"
ACCOUNTS = "accounts.key"


def make(directory: Path) -> None:
    """Write an authority's certificate, one of it for 127.0.0.1, and the key of service accounts.

    Whoever has the certificate's key is a server and a client of etcd: one pair
    for all, since all of them run as one user.
    """
    if (directory / ACCOUNTS).exists():
        return
    # Imported late: only who wants control planes needs it.
    import trustme

    authority = trustme.CA(organization_name="dotrain sandbox")
    pair = authority.issue_cert("127.0.0.1", "localhost")
    chain = b"".join(blob.bytes() for blob in pair.cert_chain_pems)
    write(directory / CA, authority.cert_pem.bytes())
    write(directory / CERTIFICATE, chain)
    write(directory / KEY, pair.private_key_pem.bytes())
    # Last, since it says that the others are there.
    accounts = authority.issue_cert("accounts.sandbox")
    write(directory / ACCOUNTS, accounts.private_key_pem.bytes())


def write(path: Path, content: bytes) -> None:
    """Write a file that only this user can read, whole or not at all."""
    partial = path.with_name(f".{path.name}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    partial.replace(path)
