"""What a form finds out while one types: lists, this machine's address, and what there is already.

Nothing of it happens in the kernel's main thread, and no key asks the API:
lists are read once, and the name alone is looked up in what this machine has.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from dotrain import address, config, operations, stack
from dotrain.address import Address
from dotrain.engine import workspace
from dotrain.engine.state import State
from dotrain.errors import DotrainError
from dotrain.operation import Operation
from dotrain.target import Target, current
from dotrain.widgets.form import offered
from dotrain.widgets.form.asked import Known
from dotrain.widgets.form.offered import Offered
from dotrain.widgets.kit.message import sentences
from dotrain.widgets.kit.work import Worker


@dataclass(frozen=True)
class Found:
    """What there is under a name.

    Parameters
    ----------
    name : str
        The name.
    state : State or None
        What its stack remembers; None where there is none.
    operation : Operation or None
        What runs on it.
    error : str
        Why that is not known; empty where it is.
    """

    name: str
    state: State | None = None
    operation: Operation | None = None
    error: str = ""

    @property
    def there(self) -> bool:
        """Whether there is a cluster, and nothing works on it."""
        made = self.state is not None and "cluster" in self.state.resources
        return made and self.operation is None


class Knowledge:
    """What is known by now.

    Parameters
    ----------
    changed : callable
        Called, in any thread, when there is more.
    read : callable
        Returns what an account offers.
    find_address : callable
        Returns this machine's address.
    account : callable
        Returns the account that the kernel works on.
    """

    def __init__(
        self,
        changed: Callable[[], None],
        *,
        read: Callable[[Target], Offered] = offered.read,
        find_address: Callable[[Target], Address] = address.find,
        account: Callable[[], Target] = current,
    ) -> None:
        self._changed = changed
        self._read = read
        self._find_address = find_address
        self.account = account
        self._lists, self._here, self._names = map(
            Worker, ("form: lists", "form: address", "form: name")
        )
        self._names.listen(self._go_on)
        self._lock = threading.Lock()
        self._wanted = ""
        self._identity = config.identity()
        self._target: Target | None = None
        self._offered: Offered | None = None
        self._address: Address | None = None
        self._found: Found | None = None
        self.trouble = ""
        self.address_trouble = ""

    @property
    def target(self) -> Target | None:
        """The account; None until it has been found out."""
        return self._target

    @property
    def complete(self) -> bool:
        """Whether the lists have been read."""
        return self._offered is not None

    def start(self) -> None:
        """Find out what is not known yet and not being found out; also after it has failed."""
        if self._offered is None and not self._lists.busy:
            self.trouble = ""
            self._lists.start(self._read_lists, done=self._listed, failed=self._failed)
        if self._address is None and not self._here.busy:
            self.address_trouble = ""
            self._here.start(self._find_me, done=self._located, failed=self._lost)

    def look(self, name: str, *, again: bool = False) -> None:
        """Find out what there is under `name`, unless that is known; an empty name is none.

        Parameters
        ----------
        name : str
            The name.
        again : bool
            Whether to look also when it is known.
        """
        with self._lock:
            known = self._found is not None and self._found.name == name and not again
            self._wanted = name
            if again:
                self._found = None
            if not name or known or self._names.busy or self._target is None:
                return
            self._names.start(partial(self._look, name), done=self._seen, failed=self._unseen)

    def follow(self) -> None:
        """See whether there is something else under the name by now; asks nobody for it.

        While something runs on the cluster, what will be there is not known yet.
        """
        before, target = self._found, self._target
        if before is None or before.name != self._wanted or before.operation or target is None:
            return
        if workspace.backend(target).directory is None:
            # To read it there takes a second of the engine.
            return
        now = self._look(before.name)
        if now.operation is None and now != before and self._found is before:
            self._seen(now)

    def found(self, name: str) -> Found | None:
        """Return what there is under `name`; None until that is known."""
        return self._found if self._found is not None and self._found.name == name else None

    def waits_for(self, name: str) -> str:
        """Return in a sentence why nothing can be made yet; empty when it can.

        Parameters
        ----------
        name : str
            The cluster's name; empty where there is none yet.
        """
        if self.trouble:
            return "What DigitalOcean offers could not be read. Retry, further up."
        if not self.complete:
            doing = "is being read …" if self._lists.busy else "has not been read yet."
            return f"What DigitalOcean offers {doing}"
        if not name:
            return ""
        found = self.found(name)
        return f"Looking whether there is a cluster {name!r} …" if found is None else found.error

    def known(self, name: str) -> Known:
        """Return all that is known for a cluster of that name."""
        found = self.found(name)
        return Known(
            self._target,
            self._offered,
            found.state if found else None,
            self._address,
            self._identity,
            self.address_trouble,
        )

    def join(self, timeout: float) -> bool:
        """Wait until nothing is being found out, at most `timeout` seconds; return whether so."""
        end = time.monotonic() + timeout
        # The name follows the account, which is found out with the lists.
        workers = (self._lists, self._here, self._names)
        return all(worker.join(max(0.0, end - time.monotonic())) for worker in workers)

    def _read_lists(self) -> Offered:
        self._target = self.account()
        # What there is, and what runs on it, is on this machine: no list has to be there for it.
        self.look(self._wanted)
        return self._read(self._target)

    def _listed(self, offered: Offered) -> None:
        self._offered = offered
        self._changed()

    def _failed(self, error: BaseException) -> None:
        self.trouble = sentences(error)
        self._changed()

    def _find_me(self) -> Address:
        return self._find_address(self.account())

    def _located(self, here: Address) -> None:
        self._address = here
        self._changed()

    def _lost(self, error: BaseException) -> None:
        self.address_trouble = sentences(error)
        self._changed()

    def _look(self, name: str) -> Found:
        if self._target is None:
            return Found(name)
        try:
            state = stack.read(self._target, name)
            return Found(name, state, operations.running(self._target, name))
        except DotrainError as error:
            return Found(name, error=str(error))

    def _seen(self, found: Found) -> None:
        self._found = found
        if found.name == self._wanted:
            self._changed()

    def _unseen(self, error: BaseException) -> None:
        self._seen(Found(self._wanted, error=sentences(error)))

    def _go_on(self, busy: bool) -> None:
        # Somebody went on typing while the name before was looked up.
        if not busy:
            self.look(self._wanted)
