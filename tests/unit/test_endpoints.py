"""Which port of which Pod is behind a service's, and what is said when there is none."""

from __future__ import annotations

import pytest

from dotrain import endpoints
from dotrain.endpoints import Endpoint
from dotrain.errors import ForwardFailed
from tests.unit.kubernetes import a_pod, a_service

UI = [{"name": "main", "ports": [{"name": "ui", "containerPort": 6006}]}]
POD = a_pod("board-1", labels={"app": "board", "more": "yes"}, containers=UI)
WAITING = a_pod("board-0", labels={"app": "board"}, containers=UI, phase="Pending")
ENDING = a_pod(
    "board-2", labels={"app": "board"}, containers=UI, metadata={"deletionTimestamp": "x"}
)


def of_service(*pods: dict, port: int | str = 80, name: str = "board", **spec: object) -> Endpoint:
    services = [a_service(**spec), a_service("other")]
    return endpoints.of_service(services, pods, name, "default", port)


@pytest.mark.parametrize("name", ["board", "svc/board", "service/board"])
def test_a_bare_name_is_a_services(name) -> None:
    assert endpoints.parse(name) == ("service", "board")


def test_a_pod_is_named_as_kubectl_names_it() -> None:
    assert endpoints.parse("pod/train-0") == ("pod", "train-0")


@pytest.mark.parametrize("name", ["ingress/board", "svc/", "deployment/board"])
def test_other_kinds_are_refused(name) -> None:
    with pytest.raises(ForwardFailed, match="services and Pods"):
        endpoints.parse(name)


@pytest.mark.parametrize("port", [80, "http"])
def test_a_ready_pod_is_found_by_the_services_port(port) -> None:
    assert of_service(WAITING, ENDING, POD, port=port) == Endpoint("default", "board-1", 6006)


@pytest.mark.parametrize(("target", "number"), [(8888, 8888), (None, 80)])
def test_a_target_port_is_a_number_or_the_services_own(target, number) -> None:
    ports = [{"port": 80, "targetPort": target}]
    assert of_service(POD, ports=ports).port == number


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (lambda: of_service(POD, name="bord"), "nearest are board"),
        (lambda: of_service(POD, port=6006), "It has 80 (http)"),
        (lambda: of_service(POD, ports=[]), "It has none"),
        (of_service, "No Pod has the labels"),
        (lambda: of_service(POD, selector=None), "No Pod has the labels"),
        (lambda: of_service(WAITING), "board-0 is Pending"),
        (lambda: of_service(ENDING), "board-2 is Running"),
        (lambda: endpoints.of_pod([], "x", "default", 1), "no Pod at all"),
        (lambda: endpoints.of_pod([WAITING], "board-0", "default", 1), "It is Pending"),
        (lambda: endpoints.of_pod([POD], "board-1", "default", "api"), "It has 6006 (ui)"),
    ],
)
def test_it_says_what_is_wrong_and_what_there_is(asked, said) -> None:
    with pytest.raises(ForwardFailed) as caught:
        asked()
    assert said in str(caught.value)


def test_a_pods_port_may_be_any_number_or_a_name_it_declares() -> None:
    assert endpoints.of_pod([POD], "board-1", "default", 22).port == 22
    assert endpoints.of_pod([POD], "board-1", "default", "ui").port == 6006
