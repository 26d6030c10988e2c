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
    from collections.abc import Callable, Mapping

    from dotrain.sandbox.answers import Doc
    from dotrain.sandbox.kubernetes.kubelet.api import Api

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What a path or a name does not end before, or begin after.
_JOINS = re.compile(r"[\w./-]")
# No variable has a zero in it.
_STANDS = re.compile("[_\1]\0(\\d+)\0[_\1]")
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


class Environment:
    """The environment of a container, as its Pod says it.

    What comes out of Secrets and ConfigMaps stays as it is, whatever it looks
    like: only what the Pod itself says has its paths and names replaced.

    Parameters
    ----------
    services : mapping of str to str
        What a kubelet adds: where services are.
    """

    def __init__(self, services: Mapping[str, str]) -> None:
        self._kept: list[str] = []
        self._image = {"PATH": self._keep(path())}
        self._services = {name: self._keep(value) for name, value in services.items()}
        self._from: dict[str, str] = {}
        self._own: dict[str, str] = {}

    async def read(self, api: Api, pod: Doc, container: Doc, status: Doc) -> None:
        """Read what a container asks for.

        Parameters
        ----------
        api : Api
            Has the Secrets and ConfigMaps.
        pod, container : Doc
            Whose it is.
        status : Doc
            The Pod's addresses.

        Raises
        ------
        Lacking
            When a Secret, a ConfigMap or a key of one is not there.
        """
        for source in container.get("envFrom") or ():
            prefix = source.get("prefix", "")
            for kind, reference in (("configmaps", "configMapRef"), ("secrets", "secretRef")):
                if reference in source:
                    values = await texts(api, pod, kind, source[reference])
                    self._from |= {f"{prefix}{key}": self._keep(values[key]) for key in values}
        for one in container.get("env") or ():
            # As a kubelet does it: `envFrom` is for the program alone.
            value = expand(one.get("value") or "", {**self._services, **self._own})
            source = one.get("valueFrom")
            if not value and source and "fieldRef" in source:
                value = field(pod, status, source["fieldRef"]["fieldPath"])
            elif not value and source:
                found = await _keyed(api, pod, source)
                if found is None:
                    continue
                value = self._keep(found)
            self._own[one["name"]] = value

    def values(self, local: Callable[[str], str]) -> dict[str, str]:
        """Return all of it, with `local` applied to what the Pod itself says."""
        every = {**self._image, **self._known()}
        return {name: self._told(local(value)) for name, value in every.items()}

    def word(self, word: str, local: Callable[[str], str]) -> str:
        """Return a word of the command line, with what it names of the environment."""
        return self._told(local(expand(word, self._known())))

    def _known(self) -> dict[str, str]:
        return {**self._from, **self._services, **self._own}

    def _keep(self, value: str) -> str:
        """Return what stands for a value until everything else is replaced."""
        if not value:
            return value
        self._kept.append(value)
        first, last = ("_" if _JOINS.match(end) else "\1" for end in (value[0], value[-1]))
        # What stands beside it is seen to go on, or not, as with the value itself.
        return f"{first}\0{len(self._kept) - 1}\0{last}"

    def _told(self, text: str) -> str:
        return _STANDS.sub(lambda found: self._kept[int(found[1])], text)


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


async def _keyed(api: Api, pod: Doc, source: Doc) -> str | None:
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
