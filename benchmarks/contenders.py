"""The same work in three ways: by dotrain, by the stock Automation API, by the plain CLI.

All three run the same program on the same sandbox with the same engine and the
same provider. Each has a stack of its own.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
from pulumi import automation
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2_grpc

import dotrain
from dotrain.engine import locate, provider
from dotrain.engine.workspace import PROJECT, Workspace
from dotrain.program import create_program
from dotrain.spec import ClusterSpec, Resolved
from dotrain.target import current

ADDRESSES = ("203.0.113.7", "198.51.100.4")
POOL = dotrain.Pool(size="s-4vcpu-8gb", count=2)
Calls = dict[str, Callable[[], object]]

UP, SELECT, OUTPUTS = "up", "select", "outputs"
NOTHING, READ, ADDRESS = "up, no change", "up, reading everything, no change", "change of address"
RESIZE, PLAN, DOWN = "resize 2 to 4", "plan", "down"


def by_dotrain() -> Calls:
    """Return dotrain's own calls, in the order of a cluster's life."""

    def moved() -> None:
        dotrain.use_sandbox(address=ADDRESSES[1])
        dotrain.get("bench").allow_me()

    def up() -> None:
        dotrain.use_sandbox(address=ADDRESSES[0])
        dotrain.up("bench", pool=POOL)

    return {
        UP: up,
        SELECT: lambda: dotrain.get("bench"),
        OUTPUTS: lambda: dotrain.get("bench").outputs,
        NOTHING: lambda: dotrain.up("bench"),
        READ: lambda: dotrain.get("bench").up(),
        PLAN: lambda: dotrain.get("bench").plan(),
        ADDRESS: moved,
        RESIZE: lambda: dotrain.get("bench").resize(count=4),
        DOWN: lambda: dotrain.down("bench", confirm="bench"),
    }


def by_stock() -> Calls:
    """Return the same by `pulumi.automation`, as its documentation has it."""
    engine, environment = _engine(), _environment("stock")
    # The stock class looks for "pulumi" in <root>/bin, and asks it for its version each time.
    root = Path(tempfile.mkdtemp())
    (root / "bin").mkdir()
    (root / "bin" / "pulumi").symlink_to(engine.path)

    def options() -> automation.LocalWorkspaceOptions:
        return automation.LocalWorkspaceOptions(
            work_dir=str(root),
            env_vars=environment,
            secrets_provider="passphrase",
            pulumi_command=automation.PulumiCommand(root=str(root)),
        )

    def stack(address: str, count: int = 2) -> automation.Stack:
        program = _program("stock", address, count)
        return automation.create_or_select_stack("stock", PROJECT, program, opts=options())

    def select() -> automation.Stack:
        program = _program("stock", ADDRESSES[0], 2)
        return automation.select_stack("stock", PROJECT, program, opts=options())

    def down() -> None:
        one = select()
        unprotect = ["state", "unprotect", "--all", "--yes", "--stack", "stock"]
        one.workspace.pulumi_command.run(unprotect, str(root), environment)
        one.destroy()
        one.workspace.remove_stack("stock")

    return {
        UP: lambda: stack(ADDRESSES[0]).up(),
        SELECT: select,
        OUTPUTS: lambda: select().outputs(),
        NOTHING: lambda: stack(ADDRESSES[0]).up(),
        READ: lambda: stack(ADDRESSES[0]).up(refresh=True),
        PLAN: lambda: stack(ADDRESSES[0]).preview(),
        ADDRESS: lambda: stack(ADDRESSES[1]).up(),
        RESIZE: lambda: stack(ADDRESSES[1], 4).up(),
        DOWN: down,
    }


def by_cli() -> Calls:
    """Return the same by hand: one `pulumi` each, and no more.

    A program on disk would need Pulumi's language plugin, which brings an
    interpreter and the SDK's import of a second; it is served from here
    instead, as the Automation API does. So this is the least that Pulumi
    itself takes.
    """
    engine = _engine()
    environment = {**os.environ, **_environment("plain")}
    directory = tempfile.mkdtemp()
    (Path(directory) / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")

    def pulumi(*arguments: str) -> None:
        subprocess.run(
            [str(engine.path), *arguments, "--non-interactive"],
            cwd=directory,
            env=environment,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def run(*arguments: str, address: str = ADDRESSES[0], count: int = 2) -> None:
        with _served(_program("plain", address, count)) as port:
            inline = (f"--client=127.0.0.1:{port}", "--exec-kind=auto.inline")
            pulumi(*arguments, *inline, "--stack=plain")

    def first() -> None:
        pulumi("stack", "init", "plain", "--secrets-provider=passphrase")
        run("up", "--yes", "--skip-preview")

    def down() -> None:
        pulumi("state", "unprotect", "--all", "--yes", "--stack=plain")
        pulumi("destroy", "--yes", "--skip-preview", "--stack=plain")
        pulumi("stack", "rm", "plain", "--yes")

    return {
        UP: first,
        SELECT: lambda: pulumi("stack", "select", "plain"),
        OUTPUTS: lambda: pulumi("stack", "output", "--json", "--stack=plain"),
        NOTHING: lambda: run("up", "--yes", "--skip-preview"),
        READ: lambda: run("up", "--yes", "--skip-preview", "--refresh"),
        PLAN: lambda: run("preview"),
        ADDRESS: lambda: run("up", "--yes", "--skip-preview", address=ADDRESSES[1]),
        RESIZE: lambda: run("up", "--yes", "--skip-preview", address=ADDRESSES[1], count=4),
        DOWN: down,
    }


def _engine() -> locate.Engine:
    engine = locate.find()
    assert engine is not None
    return engine


def _environment(stack: str) -> dict[str, str]:
    chosen = provider.choose(sandbox=True, engine=_engine(), progress=lambda _: None)
    return Workspace(current(), stack, _engine(), chosen).environment()


def _program(name: str, address: str, count: int) -> Callable[[], None]:
    spec = ClusterSpec(name, pools=(replace(POOL, count=count),))
    return create_program(spec, Resolved("1.34.1-do.0", {"bench": (f"{address}/32",)}))


@contextmanager
def _served(program: Callable[[], None]) -> Iterator[int]:
    """Serve a program to a CLI, and yield the port."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageServer(program), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(0)
