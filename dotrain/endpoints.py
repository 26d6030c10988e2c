"""Which Pod and which of its ports is behind the port of a service: read from JSON, and no I/O."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from dotrain import objects
from dotrain.errors import ForwardFailed
from dotrain.objects import Json

_KINDS = {"svc": "service", "service": "service", "services": "service"}
_KINDS |= {"pod": "pod", "pods": "pod", "po": "pod"}


@dataclass(frozen=True)
class Endpoint:
    """A port of a Pod.

    Parameters
    ----------
    namespace, pod : str
        The Pod.
    port : int
        Its port.
    """

    namespace: str
    pod: str
    port: int


def parse(name: str) -> tuple[str, str]:
    """Return kind and name of what `name` says: ``"svc/board"``, ``"pod/train-0"``, ``"board"``.

    Raises
    ------
    ForwardFailed
        When it is of another kind.
    """
    kind, slash, rest = name.partition("/")
    if not slash:
        return "service", name
    if kind not in _KINDS or not rest:
        raise ForwardFailed(
            f"{name!r} cannot be forwarded to.",
            "Ports of services and Pods can be forwarded.",
            "Give one, for example 'svc/tensorboard' or 'pod/train-0'.",
        )
    return _KINDS[kind], rest


def of_pod(pods: Iterable[Json], name: str, namespace: str, port: int | str) -> Endpoint:
    """Return the port of a Pod.

    Parameters
    ----------
    pods : iterable of mapping
        All Pods of the namespace.
    name, namespace : str
        Which Pod.
    port : int or str
        The port: a number, also one that the Pod does not declare, or a name.

    Raises
    ------
    ForwardFailed
        When there is no such Pod, it does not run, or has no port of that name.
    """
    pod = _named(pods, name, namespace, "Pod")
    if objects.phase(pod) != "Running":
        raise ForwardFailed(
            f"The Pod {namespace}/{name} does not run.",
            f"It is {objects.phase(pod)} {objects.reason(pod)}".rstrip() + ".",
            "Wait until it runs; events() says what keeps it.",
        )
    number = port if isinstance(port, int) else _port_of(pod, port)
    if number is None:
        _unknown_port(f"The Pod {namespace}/{name}", port, _declared(pod))
    return Endpoint(namespace, name, number)


def of_service(
    services: Iterable[Json], pods: Iterable[Json], name: str, namespace: str, port: int | str
) -> Endpoint:
    """Return a port of a ready Pod behind the port of a service.

    Parameters
    ----------
    services, pods : iterable of mapping
        All those of the namespace.
    name, namespace : str
        Which service.
    port : int or str
        Its port, not the Pods': a number or a name.

    Raises
    ------
    ForwardFailed
        When there is no such service, it has no such port, or none of its Pods
        is ready.
    """
    service = _named(services, name, namespace, "service")
    spec, of_it = service["spec"], f"The service {namespace}/{name}"
    ports = [one for one in spec.get("ports") or () if one.get("protocol", "TCP") == "TCP"]
    found = next((one for one in ports if port in (one["port"], one.get("name"))), None)
    if found is None:
        _unknown_port(of_it, port, [_text(one) for one in ports])
    behind = [pod for pod in pods if _selects(spec.get("selector") or {}, pod)]
    target = found.get("targetPort") or found["port"]
    for pod in behind:
        number = target if isinstance(target, int) else _port_of(pod, target)
        if number and objects.is_ready(pod) and "deletionTimestamp" not in pod["metadata"]:
            return Endpoint(namespace, pod["metadata"]["name"], number)
    states = [
        f"{pod['metadata']['name']} is {objects.phase(pod)} {objects.reason(pod)}".rstrip()
        for pod in behind
    ]
    raise ForwardFailed(
        f"{of_it} has no Pod that is ready on {_text(found)}.",
        f"{'; '.join(states[:3])}." if states else "No Pod has the labels that it selects.",
        "Wait until one is ready; pods() and events() say what keeps them.",
    )


def _named(found: Iterable[Json], name: str, namespace: str, kind: str) -> Json:
    by_name = {one["metadata"]["name"]: one for one in found}
    if name in by_name:
        return by_name[name]
    nearest = difflib.get_close_matches(name, by_name, n=3, cutoff=0.3) or list(by_name)[:3]
    raise ForwardFailed(
        f"There is no {kind} {name!r} in the namespace {namespace!r}.",
        f"The nearest are {', '.join(nearest)}." if nearest else f"It has no {kind} at all.",
        "Give another name, or namespace= when it is in another.",
        objects=nearest,
    )


def _selects(selector: Json, pod: Json) -> bool:
    # A service without a selector has endpoints of its own, and no Pods.
    labels = pod["metadata"].get("labels") or {}
    return bool(selector) and selector.items() <= labels.items()


def _ports(pod: Json) -> list[Json]:
    return [port for one in pod["spec"]["containers"] for port in one.get("ports") or ()]


def _port_of(pod: Json, name: str) -> int | None:
    return next((one["containerPort"] for one in _ports(pod) if one.get("name") == name), None)


def _declared(pod: Json) -> list[str]:
    return [_text({**one, "port": one["containerPort"]}) for one in _ports(pod)]


def _text(port: Json) -> str:
    return f"{port['port']} ({port['name']})" if port.get("name") else str(port["port"])


def _unknown_port(what: str, port: object, ports: Sequence[str]) -> NoReturn:
    raise ForwardFailed(
        f"{what} has no port {port!r}.",
        f"It has {', '.join(ports)}." if ports else "It has none.",
        "Give one of these." if ports else "Give the number of a Pod's port, with 'pod/<name>'.",
        objects=ports,
    )
