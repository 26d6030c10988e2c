"""Notice that this machine's address has moved, and let the new one in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from dotrain import address, display
from dotrain.address import Address
from dotrain.engine.state import State
from dotrain.errors import AddressError, DotrainError

# Seconds between two looks at this machine's own address, which cost nothing.
_GLANCE = 1.0
# And at the public one, while a network that has just come up does not answer yet.
_SOON = 5.0


class Watch:
    """Looks at this machine's address again and again, on a thread of its own.

    Parameters
    ----------
    look : callable
        Returns the address that this machine has moved to, with what the
        stack remembers, or None.
    move : callable
        Takes both, lets the address in, and the old one no more.
    every : float
        Seconds between two looks. There is one at once when this machine's own
        address says that it is on another network.
    """

    def __init__(
        self,
        look: Callable[[], tuple[Address, State] | None],
        move: Callable[[Address, State], object],
        every: float,
    ) -> None:
        self.moves: list[tuple[str, ...]] = []
        self.error: DotrainError | None = None
        self._look = look
        self._move = move
        self._every = every
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dotrain watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more; what is under way is finished first."""
        self._stopped.set()
        self._thread.join()

    def wait(self, tell: Callable[[str], object] = lambda _: None) -> None:
        """Wait until it is stopped; an interrupt ends the waiting and the watch.

        Parameters
        ----------
        tell : callable
            Told each move, and each trouble when it begins.
        """
        told, trouble = 0, ""
        try:
            while self._thread.is_alive():
                self._thread.join(_GLANCE)
                for cidrs in self.moves[told:]:
                    tell(f"Moved to {' and '.join(cidrs)}: let in, and the old address no more.")
                    told += 1
                said = str(self.error or "")
                if said not in ("", trouble):
                    tell(said)
                trouble = said
        except KeyboardInterrupt:
            self.stop()

    def __repr__(self) -> str:
        state = "stopped" if self._stopped.is_set() else f"every {self._every:g} s"
        last = f", last moved to {' and '.join(self.moves[-1])}" if self.moves else ""
        trouble = f", at present: {self.error}" if self.error else ""
        return f"<watch on this machine's address, {state}{last}{trouble}>"

    def _run(self) -> None:
        with display.using(display.Silent):
            while not self._stopped.is_set():
                here = address.local()
                self._once()
                self._pause(here)

    def _pause(self, here: str) -> None:
        """Wait until the next look is due, or this machine is elsewhere than `here`."""
        offline = isinstance(self.error, AddressError)
        due = time.monotonic() + (min(self._every, _SOON) if offline else self._every)
        while (left := due - time.monotonic()) > 0 and address.local() == here:
            if self._stopped.wait(min(left, _GLANCE)):
                return

    def _once(self) -> None:
        # A laptop that sleeps has no network for a while: say so, and go on.
        try:
            moved = self._look()
            if moved:
                self._move(*moved)
                self.moves.append(moved[0].cidrs)
            self.error = None
        except DotrainError as error:
            self.error = error
