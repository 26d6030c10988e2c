"""Ask for a cluster's name before it is deleted."""

from __future__ import annotations

from collections.abc import Callable

from dotrain.errors import ConfirmationRequired


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
    typed = _ask(name, first() if first else "") if given is None else given
    if typed != name:
        raise ConfirmationRequired(
            f"The cluster {name!r} was not touched.",
            f"The name given to confirm was {typed!r}.",
            f"Pass confirm={name!r}.",
        )


def _ask(name: str, first: str) -> str:
    prompt = f"{first}\n" if first else ""
    prompt += f"This deletes the cluster {name!r} and everything on it. Type its name to confirm: "
    try:
        return input(prompt).strip()
    except (EOFError, OSError, RuntimeError) as error:
        # No terminal, a standard input that is closed ("lost sys.stdin"), or a
        # kernel whose front end takes no input (StdinNotImplementedError).
        raise ConfirmationRequired(
            f"The cluster {name!r} was not touched.",
            "Nobody is here to ask for its name.",
            f"Pass confirm={name!r}.",
        ) from error
