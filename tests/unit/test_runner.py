"""The program in a job's Pod, run as a process by its own command."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
import trustme

from dotrain.errors import JobFailed, ResultTooLarge
from dotrain.jobs import functions, results, runner
from tests.unit.conftest import Answer, Request, Server


class Odd(Exception):
    """Neither it nor what it holds can be pickled."""

    def __init__(self) -> None:
        super().__init__("odd")
        self.held = (number for number in ())


class Pod:
    """A directory with what a Pod has, and the Kubernetes API that it reaches: one Secret."""

    def __init__(self, home: Path, serve: Callable[..., Server]) -> None:
        import ssl

        authority = trustme.CA()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(tls)
        self.home = home
        self.server = serve(tls)
        self.server.answer = self.answer
        self.data: dict[str, str] = {}
        self.statuses: list[int] = []
        for name in ("api", "function", "workspace"):
            (home / name).mkdir()
        authority.cert_pem.write_to_path(str(home / "api" / "ca.crt"))
        self.token = home / "api" / "token"
        self.token.write_text("first")

    def answer(self, request: Request) -> Answer:
        if self.statuses:
            return Answer(self.statuses.pop(0))
        merged = {**self.data, **json.loads(request.body)["data"]}
        self.data = {key: text for key, text in merged.items() if text is not None}
        return Answer(200, b"{}")

    def start(
        self, function: Callable[..., Any], *args: Any, urls: Any = None, **environment: str
    ) -> subprocess.Popen[str]:
        payload = functions.pack(function, args)
        for name, content in payload.files("training", urls).items():
            (self.home / "function" / name).write_bytes(content)
        host, port = self.server.url.removeprefix("https://").split(":")
        return subprocess.Popen(
            payload.command,
            cwd=self.home / "workspace",
            env={
                "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
                "HOME": str(self.home / "workspace"),
                "DOTRAIN_JOB": "bert",
                "DOTRAIN_FUNCTION": str(self.home / "function"),
                "DOTRAIN_API": str(self.home / "api"),
                "KUBERNETES_SERVICE_HOST": host,
                "KUBERNETES_SERVICE_PORT": port,
                "NODE_RANK": "1",
                **environment,
            },
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, function: Callable[..., Any], *args: Any, **options: Any) -> tuple[int, str, str]:
        with self.start(function, *args, **options) as process:
            out, err = process.communicate(timeout=30)
        return process.returncode, out, err

    def result(self) -> Any:
        outcome = results.fetch(lambda _: {"data": self.data}, "training", "bert", 1)
        assert outcome is not None
        return results.value([outcome], "bert")


@pytest.fixture
def pod(tmp_path: Path, serve) -> Pod:
    return Pod(tmp_path, serve)


def test_what_the_function_returns_is_handed_over(pod) -> None:
    def train(step: int) -> dict[str, int]:
        sys.stdout.write(f"step {step}\n")
        return {"step": step}

    assert pod.run(train, 3) == (0, "step 3\n", "")
    assert pod.result() == {"step": 3}
    (request,) = pod.server.requests
    assert request.path == "/api/v1/namespaces/training/secrets/bert-result-1"
    assert (request.method, request.authorization) == ("PATCH", "Bearer first")


def test_a_class_of_the_notebook_comes_back_as_itself(pod) -> None:
    class Metrics:
        loss = 0.25

    assert pod.run(Metrics)[0] == 0
    assert type(pod.result()) is Metrics


def test_an_exception_comes_back_with_the_traceback_that_it_had(pod) -> None:
    def train() -> None:
        open("missing.csv")  # noqa: PTH123, SIM115

    status, _, err = pod.run(train)
    assert status == 1
    assert err.startswith("Traceback (most recent call last):\n  File")
    assert err.endswith("FileNotFoundError: [Errno 2] No such file or directory: 'missing.csv'\n")
    assert "/runner.py" not in err
    assert '    open("missing.csv")' in err
    assert f'File "{__file__}"' in err
    with pytest.raises(JobFailed, match=r"rank 1.*missing\.csv") as caught:
        pod.result()
    assert isinstance(caught.value.__cause__, FileNotFoundError)
    assert caught.value.__cause__.filename == "missing.csv"
    assert caught.value.traceback == err
    assert str(caught.value.__cause__.__cause__) == f"\n{err}"
    assert "".join(caught.value._render_traceback_()).count("No such file") == 2


def test_an_exception_that_cannot_be_pickled_comes_back_as_its_text(pod) -> None:
    def train() -> None:
        raise Odd

    assert pod.run(train)[0] == 1
    with pytest.raises(JobFailed, match="odd") as caught:
        pod.result()
    assert isinstance(caught.value.__cause__, results.JobTraceback)
    assert "Odd: odd" in caught.value.traceback


def test_a_function_ends_its_process_as_a_script_does(pod) -> None:
    assert pod.run(sys.exit, 3) == (3, "", "")
    with pytest.raises(JobFailed) as caught:
        pod.result()
    assert caught.value.__cause__.code == 3
    assert pod.run(sys.exit, "no data") == (1, "", "no data\n")
    assert pod.run(sys.exit) == (0, "", "")
    assert pod.result() is None


def test_a_result_that_cannot_be_pickled_is_said(pod) -> None:
    status, _, err = pod.run(lambda: (number for number in ()))
    assert status == runner.USELESS
    assert "returned (generator) cannot be pickled" in err
    with pytest.raises(JobFailed, match="Return numbers, text, arrays"):
        pod.result()


def test_a_result_that_no_secret_takes_is_said_and_goes_to_storage_where_there_is_one(
    pod, serve
) -> None:
    def train(size: int) -> bytes:
        return bytes(size)

    status, _, err = pod.run(train, 2**20)
    assert status == runner.USELESS
    assert "is 1.0 MiB as a pickle" in err
    with pytest.raises(ResultTooLarge, match="storage="):
        pod.result()

    storage = serve()
    urls = {"results": ["", f"{storage.url}/put?signature=5ecre7"]}
    assert pod.run(train, 2**20, urls=urls) == (0, "", "")
    (request,) = storage.requests
    assert (request.method, len(request.body) > 2**20) == ("PUT", True)
    outcome = results.fetch(lambda _: {"data": pod.data}, "training", "bert", 1)
    assert (outcome.is_stored, outcome.is_value, outcome.pickled) == (True, True, None)

    storage.answer = lambda _: Answer(403)
    status, _, err = pod.run(train, 2**20, urls=urls)
    assert status == runner.USELESS
    assert "Storage failed: it answered 403" in err
    assert "5ecre7" not in err + json.dumps(pod.data)


def test_a_function_too_large_for_a_secret_is_fetched_from_storage(pod, serve) -> None:
    payload = functions.pack(len, [b"12345"])
    storage = serve()
    storage.answer = lambda _: Answer(200, payload.call)
    # Of what lies beside it, nothing is the call.
    urls = {"results": ["", ""], "call": f"{storage.url}/get"}
    assert pod.run(print, "another", urls=urls) == (0, "", "")
    assert pod.result() == 5


def test_what_may_pass_is_tried_again_with_the_token_there_is_then(pod) -> None:
    pod.statuses = [503, 401]
    answer = pod.server.answer

    def renewing(request: Request) -> Answer:
        pod.token.write_text(f"number {len(pod.server.requests)}")
        return answer(request)

    pod.server.answer = renewing
    assert pod.run(lambda: 7) == (0, "", "")
    assert pod.result() == 7
    used = [one.authorization for one in pod.server.requests]
    assert used == ["Bearer first", "Bearer number 1", "Bearer number 2"]


class Clock:
    """Time as it passes by sleeping alone."""

    def __init__(self) -> None:
        self.now, self.pauses = 0.0, list[float]()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("refused"),
        HTTPError("", 429, "", None, None),
        HTTPError("", 520, "", None, None),
    ],
)
def test_what_a_function_returned_outlasts_an_outage_of_three_quarters_of_an_hour(
    monkeypatch, capsys, error
) -> None:
    clock = Clock()
    monkeypatch.setattr(runner, "time", clock)

    def back_after(minutes: float) -> Callable[[], bytes]:
        def call() -> bytes:
            if clock.now < minutes * 60:
                raise error
            return b"taken"

        return call

    assert runner.insist("Kubernetes", back_after(44)) == b"taken"
    assert max(clock.pauses) == 60
    assert capsys.readouterr().err.count("is tried for 44 minutes more") == 1
    clock.now = 0
    with pytest.raises(runner.Undelivered, match="Kubernetes failed"):
        runner.insist("Kubernetes", back_after(50))
    assert clock.now == 45 * 60


def test_a_function_knows_which_process_of_its_node_it_is(pod) -> None:
    def rank() -> str:
        return os.environ["LOCAL_RANK"]

    assert pod.run(rank) == (0, "", "")
    assert pod.result() == "0"

    def fail() -> None:
        raise ValueError(os.environ["LOCAL_RANK"])

    # As torchrun sets it for each of its own.
    pod.run(fail, LOCAL_RANK="3")
    with pytest.raises(JobFailed, match=r"\b3\."):
        pod.result()


def test_what_is_not_taken_is_a_failure_and_says_why(pod) -> None:
    pod.statuses = [403]
    status, _, err = pod.run(lambda: 7)
    assert status == 1
    assert "could not be handed over: Undelivered: Kubernetes failed: it answered 403" in err

    trustme.CA().cert_pem.write_to_path(str(pod.home / "api" / "ca.crt"))
    status, _, err = pod.run(lambda: 7)
    assert status == 1
    assert "certificate verify failed" in err
    assert len(pod.server.requests) == 1


def test_of_the_processes_on_a_node_one_hands_over_and_the_first_that_fails(pod) -> None:
    def fail(word: str) -> None:
        raise ValueError(word)

    assert pod.run(lambda: 7, LOCAL_RANK="3") == (0, "", "")
    assert pod.server.requests == []
    assert pod.run(fail, "the cause", LOCAL_RANK="3")[0] == 1
    assert pod.run(fail, "its consequence")[0] == 1
    with pytest.raises(JobFailed, match="the cause"):
        pod.result()


def test_another_python_is_told_so_before_anything_is_unpickled(pod) -> None:
    with pod.start(lambda: 7) as process:
        process.communicate()
    call = pod.home / "function" / "call.json"
    call.write_text(json.dumps({**json.loads(call.read_text()), "python": "2.7"}))
    (pod.home / "function" / "call.pickle").write_bytes(b"not for us")
    environment = {"PATH": os.environ["PATH"], "DOTRAIN_JOB": "bert"}
    ended = subprocess.run(
        [sys.executable, str(pod.home / "function" / "runner.py")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == runner.USELESS
    assert "packed by Python 2.7, and this image has 3." in ended.stderr
    assert "python:2.7-slim" in ended.stderr


def test_an_older_python_understands_it_as_far_as_that() -> None:
    ast.parse(Path(runner.__file__).read_text(), feature_version=(3, 8))


def test_an_image_without_python_is_told_so(pod) -> None:
    (pod.home / "empty").mkdir()
    status, _, err = pod.run(lambda: 7, PATH=str(pod.home / "empty"))
    assert (status, err) == (127, "The image has no python3.\n")


def test_it_sees_what_lies_in_the_working_directory_and_nothing_of_the_runner(pod) -> None:
    (pod.home / "workspace" / "mine.py").write_text("WORD = 'mine'\n")

    def look() -> tuple[str, bool]:
        import importlib.util

        import mine

        return mine.WORD, importlib.util.find_spec("runner") is None

    assert pod.run(look)[0] == 0
    assert pod.result() == ("mine", True)


def test_it_ends_when_it_is_told_to(pod) -> None:
    def train() -> None:
        sys.stdout.write("begun\n")
        time.sleep(60)

    with pod.start(train) as process:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == -signal.SIGTERM
