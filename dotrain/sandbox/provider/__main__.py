"""Serve the provider: print the port, then answer the engine until it is gone."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc

# Waits hold a thread each; the engine asks for fewer at once than this.
_THREADS = 64


def main() -> None:
    """Serve on a free port of this machine."""
    parent = os.getppid()
    _only_messages()
    from pulumi.runtime.proto import provider_pb2_grpc

    from dotrain.sandbox.provider.service import Service

    # The engine ends a provider by an interrupt: die of it at once, with no traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(ThreadPoolExecutor(max_workers=_THREADS), options=unlimited)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    server.wait_for_termination()


def _only_messages() -> None:
    """Have this process load of Pulumi's SDK only the messages: all of it takes twice as long.

    The engine starts a provider for each of its runs, and its packages are as
    good unloaded: a module that is made from its spec has the path to the
    modules in it, and has run nothing.
    """
    for name in ("pulumi", "pulumi.runtime"):
        spec = importlib.util.find_spec(name)
        assert spec is not None  # noqa: S101 - dotrain depends on it
        sys.modules[name] = importlib.util.module_from_spec(spec)


def _end_with(parent: int) -> None:
    """End this process as soon as the one that started it has gone."""
    while os.getppid() == parent:
        time.sleep(0.25)
    os._exit(0)


if __name__ == "__main__":
    main()
