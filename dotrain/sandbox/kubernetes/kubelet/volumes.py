"""The volumes of a Pod, as directories of this machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dotrain.sandbox.kubernetes.kubelet import places
from dotrain.sandbox.kubernetes.kubelet.environment import Lacking, contents, field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dotrain.sandbox.answers import Doc
    from dotrain.sandbox.kubernetes.kubelet.api import Api

_MODE = 0o644


async def make(api: Api, pod: Doc, directory: Path, status: Doc) -> dict[str, Path]:
    """Make the volumes of a Pod, and return where each is.

    They are what they are when the Pod starts: a Secret that changes later does
    not reach the Pod.

    Parameters
    ----------
    api : Api
        Has the Secrets and ConfigMaps, and issues tokens.
    pod : Doc
        The Pod.
    directory : pathlib.Path
        The Pod's own; what is there stays.
    status : Doc
        The Pod's addresses.

    Raises
    ------
    Lacking
        When a Secret, a ConfigMap or a key of one is not there, or a sandbox
        has no such kind of volume.
    OSError
        When they cannot be made.
    """
    made = {}
    for volume in pod["spec"].get("volumes") or ():
        of_memory = (volume.get("emptyDir") or {}).get("medium") == "Memory"
        place = places.private((places.memory if of_memory else places.files)(directory))
        at = place / "volumes" / volume["name"]
        files: dict[str, tuple[bytes, int]] = {}
        if "projected" in volume:
            mode = volume["projected"].get("defaultMode", _MODE)
            for source in volume["projected"].get("sources") or ():
                for kind, wanted in source.items():
                    files |= await _files(api, pod, status, (kind, wanted, mode))
        elif "emptyDir" not in volume:
            (kind,) = volume.keys() - {"name"}
            wanted = volume[kind]
            mode = wanted.get("defaultMode", _MODE) if isinstance(wanted, dict) else _MODE
            files = await _files(api, pod, status, (kind, wanted, mode))
        await asyncio.to_thread(_write, at, files)
        made[volume["name"]] = at
    return made


def mounts(container: Doc, made: Mapping[str, Path]) -> dict[str, str]:
    """Return the local path of each mount path of a container.

    Parameters
    ----------
    container : Doc
        What the Pod says of it.
    made : mapping of str to pathlib.Path
        Where the volumes are.

    Raises
    ------
    Lacking
        When it asks for what the sandbox does not have.
    """
    found = {}
    for one in container.get("volumeMounts") or ():
        if one.get("subPathExpr"):
            raise Lacking("the sandbox has no subPathExpr")
        here = made[one["name"]] / one.get("subPath", "")
        if not here.exists():
            here.mkdir(mode=0o700, parents=True)
        found[one["mountPath"]] = str(here)
    return found


async def _files(
    api: Api, pod: Doc, status: Doc, source: tuple[str, Doc, int]
) -> dict[str, tuple[bytes, int]]:
    """Return the files of one source by path, each with its mode."""
    kind, wanted, mode = source
    if kind == "serviceAccountToken":
        token = await api.token(pod, wanted)
        return {wanted["path"]: (token.encode(), mode)}
    items = wanted.get("items") or ()
    if kind == "downwardAPI":
        return {one["path"]: (_described(pod, status, one), one.get("mode", mode)) for one in items}
    if kind not in {"secret", "configMap"}:
        raise Lacking(f"the sandbox has no volumes of the kind {kind}")
    # Projected, it is called `name` as it is in all of ConfigMaps.
    name = wanted.get("secretName") or wanted["name"]
    plural, optional = {"secret": "secrets"}.get(kind, "configmaps"), wanted.get("optional", False)
    values = await contents(api, pod, plural, name, optional)
    if not items:
        return {key: (value, mode) for key, value in values.items()}
    missing = [one["key"] for one in items if one["key"] not in values]
    if missing and not optional:
        raise Lacking(f"references non-existent {kind.lower()} key: {missing[0]}")
    return {
        one["path"]: (values[one["key"]], one.get("mode", mode))
        for one in items
        if one["key"] in values
    }


def _described(pod: Doc, status: Doc, item: Doc) -> bytes:
    if "fieldRef" not in item:
        raise Lacking("the sandbox has no resourceFieldRef")
    return field(pod, status, item["fieldRef"]["fieldPath"]).encode()


def _write(at: Path, files: dict[str, tuple[bytes, int]]) -> None:
    at.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, (content, mode) in files.items():
        path = at / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)
        path.chmod(mode)
