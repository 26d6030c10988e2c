"""Call the function that lies beside this file, and hand over what came of it.

It runs in a job's Pod with nothing but Python's own library, and imports
nothing of the package that it is kept in. An older Python than it needs is told
so, and therefore has to understand what stands here.

==========================  ======================================================
``call.json``               the function's name, its lines, the Python that packed
                            it, and the namespace of the job
``call.pickle``             the function, its arguments and its keywords
``cloudpickle.zip``         the cloudpickle that packed them
``storage.json``            signed URLs where there is storage: of a call that is
                            too large to lie here, and for the result of each rank
==========================  ======================================================

The outcome goes into the Secret ``<DOTRAIN_JOB>-result-<NODE_RANK>``:
``outcome.json`` says in words how it went, ``result.pickle`` is the value or the
exception. Of the processes on a node, the one with LOCAL_RANK 0 hands over what
its function returned, and the first that raises its exception.

=============================  ===================================================
``DOTRAIN_JOB``                the job's name
``DOTRAIN_API``                a directory with ``token`` and ``ca.crt``
``KUBERNETES_SERVICE_HOST``    Kubernetes' API, with its port in ``…_PORT``
``HOME``                       the job's working directory
``LOCAL_RANK``                 which process of its node it is, by torchrun; 0 without
=============================  ===================================================

It ends with status 1 when the function raised, and with 65 when it would end
the same way again: another Python, a result that cannot be handed over.
"""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import linecache
import os
import ssl
import sys
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

RAISED, USELESS = 1, 65
# https://kubernetes.io/docs/concepts/configuration/secret/#restriction-data-size
MOST = 2**20
# For what is added on the way.
_RESERVE = 64
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html: in one piece.
_MOST_STORED = 5 * 2**30
_MOST_TEXT = 2**16
_TIMEOUT, _STORAGE_TIMEOUT = 30, 600
_PAUSES = (0.2, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0)
# Seconds: what a function returned took hours, and before it began nothing is lost.
_PATIENCE, _PATIENCE_TO_BEGIN = 45 * 60.0, 120.0
# With another token, or in a moment.
_PASSING = (401, 408, 409, 429, *range(500, 600))


class Undelivered(Exception):
    """What there is to hand over was not taken."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it could carry the token to another host."""

    def redirect_request(self, *_: object) -> None:
        """Return nothing, so that the answer is an error."""


class Secret:
    """The Secret that the outcome goes into.

    Parameters
    ----------
    api : pathlib.Path
        The directory with the token, and with whom to trust.
    namespace, name : str
        Where it is.
    """

    def __init__(self, api: Path, namespace: str, name: str) -> None:
        host, port = (os.environ[f"KUBERNETES_SERVICE_{part}"] for part in ("HOST", "PORT"))
        host = f"[{host}]" if ":" in host else host
        self._url = f"https://{host}:{port}/api/v1/namespaces/{namespace}/secrets/{name}"
        self._token = api / "token"
        # The default context of newer Pythons asks for more than the authorities
        # of some clusters have: https://docs.python.org/3/library/ssl.html
        trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusted.load_verify_locations(str(api / "ca.crt"))
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=trusted),
            _NoRedirect,
        )

    def write(self, content: dict[str, bytes | None]) -> None:
        """Put bytes into it by their keys; None takes a key away."""
        data = {
            key: None if value is None else base64.b64encode(value).decode()
            for key, value in content.items()
        }
        body = json.dumps({"data": data}).encode()

        def send() -> bytes:
            headers = {
                # Kubernetes puts another into the file before this one ends.
                "Authorization": f"Bearer {self._token.read_text('utf-8').strip()}",
                "Content-Type": "application/merge-patch+json",
                "User-Agent": "dotrain-runner",
            }
            request = urllib.request.Request(  # noqa: S310 - HTTPS, as written above
                self._url, data=body, headers=headers, method="PATCH"
            )
            with self._opener.open(request, timeout=_TIMEOUT) as answer:
                return bytes(answer.read())

        insist("Kubernetes", send)


def insist(whom: str, call: Callable[[], bytes], patience: float = _PATIENCE) -> bytes:
    """Return what `call` returns, tried again for so many seconds where that may help."""
    deadline = time.monotonic() + patience
    for pause in itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1])):
        try:
            return call()
        except urllib.error.HTTPError as error:
            said, again = f"it answered {error.code} {error.reason}", error.code in _PASSING
            error.close()
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            said, again = str(reason), not isinstance(reason, ssl.SSLCertVerificationError)
        left = deadline - time.monotonic()
        if left <= 0 or not again:
            raise Undelivered(f"{whom} failed: {said}")
        if pause == _PAUSES[-1]:
            _say(f"{whom} failed, and is tried for {left / 60:.0f} minutes more: {said}.\n")
        time.sleep(min(pause, left))
    raise AssertionError  # the pauses have no end


def transfer(method: str, url: str, content: bytes | None = None) -> bytes:
    """Return what storage answers at a signed URL: what it has there, or nothing to a PUT."""
    headers = {"Content-Type": "application/octet-stream"} if content is not None else {}

    def send() -> bytes:
        request = urllib.request.Request(  # noqa: S310 - signed
            url, data=content, headers=headers, method=method
        )
        with urllib.request.urlopen(request, timeout=_STORAGE_TIMEOUT) as answer:  # noqa: S310 - signed
            return bytes(answer.read())

    return insist("Storage", send, _PATIENCE_TO_BEGIN if content is None else _PATIENCE)


class Runner:
    """Makes one call, as the process that it is in.

    Parameters
    ----------
    home : pathlib.Path
        The directory with the call.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        call = json.loads((home / "call.json").read_text("utf-8"))
        self._name, self._python, self._namespace = (
            call[key] for key in ("name", "python", "namespace")
        )
        for name, found in call["sources"].items():
            lines = [found.get(str(one), "") for one in range(1, max(map(int, found)) + 1)]
            # Where tracebacks look for them.
            linecache.cache[name] = (len(lines), None, lines, name)
        urls = home / "storage.json"
        self._urls = json.loads(urls.read_text("utf-8")) if urls.exists() else {}
        # torchrun says it; without, there is one process, and functions ask as well.
        self._hands_over = os.environ.setdefault("LOCAL_RANK", "0") == "0"

    def run(self) -> int:
        """Make the call, hand over what came of it, and return the status to end with."""
        here = ".".join(map(str, sys.version_info[:2]))
        if here != self._python:
            return self._refuse(
                "version",
                f"{self._name} was packed by Python {self._python}, and this image has {here}: "
                f"functions do not travel between them. Use an image with Python {self._python}, "
                f"such as python:{self._python}-slim, or run a script that is in files=.",
            )
        self._import_cloudpickle()
        try:
            function, args, kwargs = self._load()
            value = function(*args, **kwargs)
        except Undelivered as error:
            return self._refuse("function", f"{self._name} could not be loaded. {error}.")
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is handed over
            if isinstance(error, SystemExit) and not error.code:
                return self._returned(None)
            return self._raised(error)
        return self._returned(value)

    def _import_cloudpickle(self) -> None:
        # This one, not the image's: it has to understand what the other wrote.
        packed = str(self._home / "cloudpickle.zip")
        sys.path.insert(0, packed)
        import cloudpickle

        self._pickle = cloudpickle
        # Whatever else the image has comes first again.
        sys.path.remove(packed)
        sys.path.append(packed)

    def _load(self) -> Any:
        if "call" in self._urls:
            return self._pickle.loads(transfer("GET", self._urls["call"]))
        return self._pickle.loads((self._home / "call.pickle").read_bytes())

    def _returned(self, value: object) -> int:
        sys.stdout.flush()
        if not self._hands_over:
            return 0
        try:
            pickled = self._pickle.dumps(value)
        except Exception as error:  # noqa: BLE001 - an object decides what it raises
            return self._refuse(
                "pickle",
                f"What {self._name} returned ({_kind(value)}) cannot be pickled: {_words(error)}. "
                "Return numbers, text, arrays, or the paths of files.",
            )
        said = {"outcome": "returned", "type": _kind(value)}
        if len(pickled) + len(json.dumps(said)) + _RESERVE <= MOST:
            return self._deliver(said, pickled, 0)
        return self._store(said, pickled)

    def _store(self, said: dict[str, Any], pickled: bytes) -> int:
        """Hand over what is too large for a Secret."""
        size = f"What {self._name} returned is {len(pickled) / 2**20:.1f} MiB as a pickle"
        if "results" not in self._urls:
            return self._refuse(
                "size", f"{size}; a Kubernetes Secret takes 1 MiB. Return less, or give storage=."
            )
        if len(pickled) > _MOST_STORED:
            return self._refuse("size", f"{size}; storage takes 5 GiB at once. Return less.")
        try:
            transfer("PUT", self._urls["results"][_rank()], pickled)
        except Undelivered as error:
            return self._refuse("storage", f"{size}, and could not be stored. {error}.")
        return self._deliver({**said, "stored": True}, None, 0)

    def _raised(self, error: BaseException) -> int:
        below = error.__traceback__
        while below is not None and below.tb_frame.f_code.co_filename == __file__:
            below = below.tb_next
        error.__traceback__ = below
        text = "".join(traceback.format_exception(type(error), error, below))
        status, shown = RAISED, text
        if isinstance(error, SystemExit):
            # As Python does it: a number is the status, anything else is what it says.
            shown = "" if isinstance(error.code, int) else f"{error.code}\n"
            status = error.code if isinstance(error.code, int) else RAISED
        _say(shown)
        if not _is_first():
            return status
        said = {
            "outcome": "raised",
            "type": _kind(error),
            "text": _words(error),
            "traceback": text.encode("utf-8", "replace")[-_MOST_TEXT:].decode("utf-8", "replace"),
        }
        try:
            pickled = self._pickle.dumps(error)
        except Exception:  # noqa: BLE001 - then its text has to do
            pickled = None
        if pickled is not None and len(pickled) + len(json.dumps(said)) + _RESERVE > MOST:
            pickled = None
        return self._deliver(said, pickled, status)

    def _refuse(self, why: str, text: str) -> int:
        _say(f"{text}\n")
        return self._deliver({"outcome": "refused", "why": why, "text": text}, None, USELESS)

    def _deliver(self, said: dict[str, Any], pickled: bytes | None, status: int) -> int:
        """Hand over an outcome, and return the status to end with."""
        try:
            secret = f"{os.environ['DOTRAIN_JOB']}-result-{_rank()}"
            Secret(Path(os.environ["DOTRAIN_API"]), self._namespace, secret).write(
                {
                    "outcome.json": json.dumps({**said, "time": time.time()}).encode(),
                    "result.pickle": pickled,
                }
            )
        except (Undelivered, OSError, KeyError) as error:
            _say(f"What came of {self._name} could not be handed over: {_words(error)}.\n")
            return status or RAISED
        return status


def _is_first() -> bool:
    """Return whether no process of this node has raised before: of the others, it is the cause."""
    again = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    try:
        (Path.home() / f".dotrain-raised-{again}").touch(exist_ok=False)
    except FileExistsError:
        return False
    except OSError:
        # Where nothing can be written, nobody knows.
        return True
    return True


def _rank() -> int:
    return int(os.environ.get("NODE_RANK", "0"))


def _say(text: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(text)
    sys.stderr.flush()


def _kind(value: object) -> str:
    kind = type(value)
    module = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}"


def _words(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - it is written by anybody
        text = ""
    return f"{type(error).__name__}: {text}"[:2000] if text else type(error).__name__


def main() -> int:
    """Make the call that lies beside this file."""
    # As for a script in the working directory: what lies there can be imported.
    sys.path[0] = str(Path.cwd())
    return Runner(Path(__file__).absolute().parent).run()


if __name__ == "__main__":
    sys.exit(main())
