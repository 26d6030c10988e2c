"""Ask before something is lost: a cluster, or what runs on its nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from dotrain.errors import ConfirmationRequired, DotrainError, KubernetesUnreachable

_nobody_there: ContextVar[bool] = ContextVar("nobody_there", default=False)


@contextmanager
def unattended() -> Iterator[None]:
    """Ask nobody in this block: raise what to pass instead, as where nobody can be asked.

    A widget's work runs in a thread; a question from there would wait for an
    answer in a cell that has long ended.
    """
    token = _nobody_there.set(True)
    try:
        yield
    finally:
        _nobody_there.reset(token)


def require_name(name: str, given: str | None, *, first: Callable[[], str] | None = None) -> None:
    """Raise unless `given`, or else what the user types, is `name`.

    Parameters
    ----------
    name : str
        What has to be typed.
    given : str or None
        What the program passed; None asks, in a terminal or a notebook.
    first : callable, optional
        Returns what whoever is asked has to know.
    """
    typed = _ask_name(name, first() if first else "") if given is None else given
    if typed != name:
        raise ConfirmationRequired(
            f"The cluster {name!r} was not touched.",
            f"The name given to confirm was {typed!r}.",
            f"Pass confirm={name!r}.",
        )


def go_on_without_draining(name: str, error: KubernetesUnreachable) -> None:
    """Ask whether to delete nodes that cannot be drained, and raise unless the answer is yes.

    Parameters
    ----------
    name : str
        The cluster.
    error : KubernetesUnreachable
        Why they cannot.
    """
    refused = KubernetesUnreachable(
        f"The nodes of {name!r} were not touched: they cannot be drained.",
        error.why,
        f"{error.fix} Or pass drain=False to delete them with what runs on them.",
    )
    prompt = f"{error.what} {error.why} Delete nodes of {name!r} with what runs on them? [yes/no] "
    if _ask(prompt, refused).casefold() not in ("y", "yes"):
        raise refused from error


def _ask_name(name: str, first: str) -> str:
    prompt = f"{first}\n" if first else ""
    prompt += f"This deletes the cluster {name!r} and everything on it. Type its name to confirm: "
    refused = ConfirmationRequired(
        f"The cluster {name!r} was not touched.",
        "Nobody is here to ask for its name.",
        f"Pass confirm={name!r}.",
    )
    return _ask(prompt, refused)


def _ask(prompt: str, refused: DotrainError) -> str:
    """Return what the user types; raise `refused` where nobody can."""
    if _nobody_there.get():
        raise refused
    try:
        return input(prompt).strip()
    except (EOFError, OSError, RuntimeError) as error:
        # No terminal, a standard input that is closed ("lost sys.stdin"), or a
        # kernel whose front end takes no input (StdinNotImplementedError).
        raise refused from error
