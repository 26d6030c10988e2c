"""Ports of services and Pods on this machine, with every firewall closed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from http import HTTPStatus

import httpx
import psutil
import pytest
from click.testing import CliRunner

import dotrain
from dotrain.cli import main
from dotrain.errors import ForwardFailed
from tests.kubernetes import work

pytestmark = pytest.mark.long(20)

PORTS = [{"name": "http", "port": 80, "targetPort": 6006}]


@pytest.fixture(scope="module")
def board(cluster: dotrain.Cluster):
    """A service, "board", in front of one Pod."""
    service = {"selector": {"app": "board"}, "ports": PORTS}
    with (
        work.deployed(cluster, "board", 1),
        work.made(cluster, "v1/Service", "board", spec=service),
    ):
        yield cluster


def answer(url: str) -> int:
    return httpx.get(url, timeout=20).status_code


@pytest.mark.parametrize(("service", "port"), [("board", "80"), ("svc/board", "http")])
def test_a_service_answers_on_this_machine_alone_until_it_is_closed(board, service, port) -> None:
    with board.forward(service, port) as opened:
        assert answer(opened.url) == HTTPStatus.OK
        assert opened.error is None
        own = psutil.Process().net_connections()
        listening = [one.laddr for one in own if one.status == psutil.CONN_LISTEN]
        assert [one.ip for one in listening if one.port == opened.port] == ["127.0.0.1"]
    with pytest.raises(httpx.ConnectError):
        answer(opened.url)
    assert "closed" in repr(opened)


def test_a_pod_answers_on_any_of_its_ports(board) -> None:
    (pod,) = work.running(board, "board")
    with board.forward(f"pod/{pod['metadata']['name']}", 8888) as opened:
        assert answer(opened.url) == HTTPStatus.OK


def test_a_client_that_has_said_all_still_gets_the_answer(board) -> None:
    with (
        board.forward("board", 80) as opened,
        socket.create_connection(("127.0.0.1", opened.port), timeout=10) as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\nHost: board\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        said = b""
        while b"every port of every Pod" not in said:
            more = client.recv(1000)
            assert more, said
            said += more
    assert said.startswith(b"HTTP/1.1 200 OK")


def test_a_token_that_has_expired_meanwhile_is_renewed(board) -> None:
    bearer = board.kube()._bearer
    with board.forward("board", 80) as opened:
        bearer.credentials = replace(bearer.credentials, token="sandbox_kube_that-has-expired")
        assert answer(opened.url) == HTTPStatus.OK
        assert opened.error is None


def test_when_its_pod_is_replaced_the_next_one_answers(board) -> None:
    (pod,) = work.running(board, "board")
    with board.forward("board", 80) as opened:
        assert answer(opened.url) == HTTPStatus.OK
        work.Pod(pod, api=board.kube()).delete()
        work.until(lambda: pod["metadata"]["name"] not in set(board.pods("default").name))
        assert answer(opened.url) == HTTPStatus.OK


def test_a_local_port_can_be_chosen_unless_it_is_in_use(board) -> None:
    with board.forward("board", 80) as opened:
        port = opened.port
        with pytest.raises(ForwardFailed, match="Another program has it"):
            board.forward("board", 80, local_port=port)
    with board.forward("board", 80, local_port=port) as opened:
        assert opened.url == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("service", "port", "said"),
    [
        ("bord", 80, "nearest are board"),
        ("board", 6006, "It has 80 \\(http\\)"),
        ("board", 0, "no port"),
        ("board", None, "None is no port"),
        ("board", "70000", "no port"),
        ("board", True, "no port"),
        ("board", "", "no port"),
        ("kube-dns", 53, "no service 'kube-dns'"),
    ],
)
def test_what_cannot_be_forwarded_is_said(board, service, port, said) -> None:
    with pytest.raises(ForwardFailed, match=said):
        board.forward(service, port)


def test_the_shell_forwards_until_it_is_interrupted(board) -> None:
    command = [sys.executable, "-m", "dotrain", "--sandbox", "forward", board.name, "board", "80"]
    with subprocess.Popen(
        command, env={**os.environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as shell:
        url = shell.stdout.readline().strip()
        assert answer(url) == HTTPStatus.OK
        shell.send_signal(signal.SIGINT)
        said = shell.communicate(timeout=10)[1]
    assert (shell.returncode, said) == (0, "Closed.\n")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("nodes", "train"),
        ("pods", "board-"),
        ("events", "Pod/default/board-"),
        ("wait-ready", "is"),
    ],
)
def test_the_shell_shows_what_the_notebook_does(board, command, said) -> None:
    result = CliRunner().invoke(main, ["--sandbox", command, board.name])
    assert (result.exit_code, said in result.output) == (0, True), result.output
