"""The environment of a container: what its Pod says, and nothing else."""

from __future__ import annotations

import base64
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dotrain.sandbox.kubernetes.kubelet.local import expand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dotrain.sandbox.answers import Doc
    from dotrain.sandbox.kubernetes.kubelet.api import Api

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KEYED = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


class Lacking(Exception):
    """Something that a Pod asks for is not there, or not in a sandbox."""


def path() -> str:
    """Return the PATH that stands for an image's: this Python's first."""
    return f"{Path(sys.executable).parent}{os.pathsep}{_PATH}"


def field(pod: Doc, status: Doc, where: str) -> str:
    """Return what a ``fieldRef`` names.

    Parameters
    ----------
    pod : Doc
        The Pod.
    status : Doc
        Its addresses, which the Pod itself may not have yet.
    where : str
        The field's path.

    Raises
    ------
    Lacking
        When a kubelet knows no such field.
    """
    metadata, spec = pod["metadata"], pod["spec"]
    if keyed := _KEYED.fullmatch(where):
        return str((metadata.get(keyed[1]) or {}).get(keyed[2], ""))
    if where in {"metadata.labels", "metadata.annotations"}:
        pairs = metadata.get(where.partition(".")[2]) or {}
        return "\n".join(f'{key}="{_escaped(value)}"' for key, value in sorted(pairs.items()))
    known = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "spec.nodeName": spec["nodeName"],
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        **{f"status.{name}": status[name] for name in ("podIP", "podIPs", "hostIP", "hostIPs")},
    }
    if where not in known:
        raise Lacking(f"unsupported fieldPath: {where}")
    return str(known[where])


async def of_container(
    api: Api, pod: Doc, container: Doc, always: Mapping[str, str], status: Doc
) -> dict[str, str]:
    """Return the environment that a container asks for.

    Parameters
    ----------
    api : Api
        Has the Secrets and ConfigMaps.
    pod, container : Doc
        Whose it is.
    always : mapping of str to str
        What each container has, unless it says otherwise.
    status : Doc
        The Pod's addresses.

    Raises
    ------
    Lacking
        When a Secret, a ConfigMap or a key of one is not there.
    """
    found: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        prefix = source.get("prefix", "")
        for kind, reference in (("configmaps", "configMapRef"), ("secrets", "secretRef")):
            if reference in source:
                values = await texts(api, pod, kind, source[reference])
                found |= {f"{prefix}{key}": value for key, value in values.items()}
    for one in container.get("env") or ():
        value: str | None = expand(one.get("value") or "", {**always, **found})
        if not value and one.get("valueFrom"):
            value = await _from(api, pod, one["valueFrom"], status)
        if value is not None:
            found[one["name"]] = value
    return {**always, **found}


async def texts(api: Api, pod: Doc, kind: str, reference: Doc) -> dict[str, str]:
    """Return what a Secret or ConfigMap holds, as text; empty when it may be and is missing."""
    values = await contents(api, pod, kind, reference["name"], reference.get("optional", False))
    return {key: value.decode(errors="surrogateescape") for key, value in values.items()}


async def contents(api: Api, pod: Doc, kind: str, name: str, optional: bool) -> dict[str, bytes]:
    """Return what one of ``"secrets"`` or ``"configmaps"`` holds; empty when it may be missing.

    Raises
    ------
    Lacking
        When it is missing and may not be.
    """
    found = await api.get(kind, pod["metadata"]["namespace"], name)
    if found is None:
        if optional:
            return {}
        raise Lacking(f'{kind.removesuffix("s")} "{name}" not found')
    binary = found.get("data" if kind == "secrets" else "binaryData") or {}
    plain = (found.get("data") or {}) if kind == "configmaps" else {}
    return {key: base64.b64decode(value) for key, value in binary.items()} | {
        key: value.encode() for key, value in plain.items()
    }


async def _from(api: Api, pod: Doc, source: Doc, status: Doc) -> str | None:
    if "fieldRef" in source:
        return field(pod, status, source["fieldRef"]["fieldPath"])
    for kind, reference in (("configmaps", "configMapKeyRef"), ("secrets", "secretKeyRef")):
        if reference in source:
            values, key = await texts(api, pod, kind, source[reference]), source[reference]["key"]
            if key in values or source[reference].get("optional"):
                return values.get(key)
            name = source[reference]["name"]
            what = {"configmaps": "ConfigMap", "secrets": "Secret"}[kind]
            space = pod["metadata"]["namespace"]
            raise Lacking(f"couldn't find key {key} in {what} {space}/{name}")
    raise Lacking(f"the sandbox has no {' or '.join(source)}")


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
