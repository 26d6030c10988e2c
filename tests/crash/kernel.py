"""A real Jupyter kernel, as a notebook has one."""

from __future__ import annotations

import os
import queue
import re
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_client.manager import KernelManager

_START = 60.0
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


@dataclass
class Output:
    """What a cell has put out so far.

    Parameters
    ----------
    shown : str
        Printed, displayed and returned, one after the other.
    displays : dict of str to str
        What each display that is kept up to date shows now, by its id.
    error : str
        The class of the exception that ended it; empty when none did.
    message : str
        What the exception said.
    ended : bool
        Whether it has ended.
    """

    shown: str = ""
    displays: dict[str, str] = field(default_factory=dict)
    error: str = ""
    message: str = ""
    ended: bool = False


@dataclass
class Cell:
    """A cell that runs, or has run."""

    id: str
    output: Output = field(default_factory=Output)


class Kernel:
    """A kernel.

    Parameters
    ----------
    environment : mapping
        Its environment.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._manager = KernelManager(kernel_name="python3")
        # A kernel that is busy is given this long to end at a restart.
        self._manager.shutdown_wait_time = 1.0
        self._manager.start_kernel(env=dict(environment))
        self._connect()

    @property
    def pid(self) -> int:
        """Its process."""
        return int(self._manager.provisioner.pid)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return bool(self._manager.is_alive())

    def begin(self, code: str) -> Cell:
        """Run a cell, and return as soon as it has begun."""
        cell = Cell(self._client.execute(code))
        self._cells[cell.id] = cell
        self.until(lambda: cell.id in self._begun, _START)
        return cell

    def run(self, code: str, seconds: float = 90.0) -> Output:
        """Run a cell to its end."""
        return self.end(self.begin(code), seconds)

    def end(self, cell: Cell, seconds: float = 90.0) -> Output:
        """Wait for a cell to end, and return what it put out."""
        self.until(lambda: cell.output.ended, seconds)
        return cell.output

    def until(self, holds: Callable[[], bool], seconds: float) -> None:
        """Take in what the cells put out until something holds.

        Raises
        ------
        TimeoutError
            When it does not within `seconds`.
        """
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing came of it in {seconds:.0f} s")
            try:
                self._take(self._client.get_iopub_msg(timeout=0.1))
            except queue.Empty:
                continue

    def round_trips(self) -> tuple[float, float]:
        """Ask what kernel it is, then to run a cell; return the seconds until each answer."""
        begun = time.monotonic()
        self._client.kernel_info(reply=True, timeout=_START)
        between = time.monotonic()
        self._client.execute("pass", silent=True, reply=True, timeout=_START)
        return between - begun, time.monotonic() - between

    def interrupt(self) -> None:
        """Press the stop button."""
        self._manager.interrupt_kernel()

    def restart(self) -> None:
        """Press the restart button, and wait for the new kernel."""
        self._client.stop_channels()
        self._manager.restart_kernel(now=False)
        self._connect()

    def kill(self) -> None:
        """Kill it."""
        os.kill(self.pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """End it, and what there is to talk to it."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()
        self._manager.context.destroy()

    def _connect(self) -> None:
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=_START)
        self._cells: dict[str, Cell] = {}
        self._begun: set[str] = set()

    def _take(self, message: Mapping[str, Any]) -> None:
        cell = self._cells.get(message["parent_header"].get("msg_id", ""))
        if cell is None:
            return
        kind, content, output = message["msg_type"], message["content"], cell.output
        if kind == "execute_input":
            self._begun.add(cell.id)
        elif kind == "stream":
            output.shown += content["text"]
        elif kind in ("display_data", "update_display_data", "execute_result"):
            text = content["data"].get("text/plain", "")
            output.shown += f"{text}\n"
            name = content.get("transient", {}).get("display_id")
            if name:
                output.displays[name] = text
        elif kind == "error":
            output.error, output.message = content["ename"], _COLOUR.sub("", content["evalue"])
        elif kind == "status" and content["execution_state"] == "idle":
            output.ended = True
