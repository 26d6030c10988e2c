"""What is said of a request that a cluster's Kubernetes API refuses."""

from __future__ import annotations

import httpx
import kr8s
import pytest

from dotrain import kube
from dotrain.errors import KubernetesError

STATUS = {"kind": "Status", "message": "etcdserver: leader changed.", "details": {"causes": []}}


def refused(response: httpx.Response) -> KubernetesError:
    """Return the error for an answer as kr8s raises it: of a 5xx, only its number is in there."""
    number = response.status_code
    error = kr8s.ServerError(f"Server error '{number}'", status=str(number), response=response)

    async def fail() -> None:
        raise error

    with pytest.raises(KubernetesError) as caught:
        kube.Kube(None, {"name": "bert"}).run(fail)
    return caught.value


@pytest.mark.parametrize("status", [500, 503])
def test_what_kubernetes_says_when_it_fails_is_said(status) -> None:
    error = refused(httpx.Response(status, json=STATUS))
    assert f"It answered {status}: etcdserver: leader changed." in str(error)
    assert kube.may_pass(error)


@pytest.mark.parametrize("answer", [{"text": "<html>"}, {"json": ["a"]}, {"content": b"\xff"}])
def test_what_is_no_status_of_kubernetes_is_told_by_its_number(answer) -> None:
    error = refused(httpx.Response(502, **answer))
    assert "It answered 502: Server error '502'." in str(error)


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_what_is_refused_does_not_pass(status) -> None:
    assert not kube.may_pass(refused(httpx.Response(status, json=STATUS)))
