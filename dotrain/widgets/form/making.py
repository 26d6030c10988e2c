"""Make what a form asks for, once, and say what became of it; called in a worker's thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dotrain import display, operations, stack
from dotrain.engine.progress import Progress
from dotrain.errors import ConfigError, DotrainError, SpecError
from dotrain.operation import Operation
from dotrain.target import Target
from dotrain.widgets.form.asked import Asked, Known
from dotrain.widgets.kit import html

if TYPE_CHECKING:
    from dotrain.facade import Cluster


@dataclass(frozen=True)
class Made:
    """What became of what was asked for; nothing yet.

    Parameters
    ----------
    name : str
        The cluster's name; empty before anything was made.
    cluster : Cluster or None
        The cluster, when it is there.
    said : str
        What happened, in a sentence.
    trouble : str
        Why it failed; empty where it did not.
    code : str
        The call that did it; empty where none was made.
    progress : Progress or None
        What was, or is being, done.
    """

    name: str = ""
    cluster: Cluster | None = None
    said: str = ""
    trouble: str = ""
    code: str = ""
    progress: Progress | None = None

    def html(self) -> str:
        """Return it as HTML, what was done included; empty before that."""
        parts = [html.notice(self.said, "ok")] if self.said else []
        if self.trouble:
            parts.append(html.notice(self.trouble, "bad"))
        if self.progress is not None:
            parts.append(display.to_html(self.progress))
        return html.Fragment("".join(parts))

    def text(self) -> str:
        """Return it as text."""
        steps = display.to_text(self.progress) if self.progress is not None else ""
        return "\n".join(filter(None, [self.said, self.trouble, steps]))


def make(
    asked: Asked,
    known: Known,
    target: Target,
    *,
    up: Callable[..., Cluster],
    get: Callable[[str], Cluster],
) -> Made:
    """Make what is asked for, or wait for what runs on a cluster of that name already.

    Parameters
    ----------
    asked : Asked
        What is asked for.
    known : Known
        What it was judged by.
    target : Target
        The account that the kernel works on now.
    up, get : callable
        `dotrain.up`, and what returns a cluster that exists by its name.

    Raises
    ------
    ConfigError
        When the kernel works on another account by now.
    SpecError
        When the cluster is not what it was when the form was last judged.
    DotrainError
        As `up` does.
    """
    name = asked.name
    _same_account(known.target, target)
    operation = operations.running(target, name)
    if operation is not None:
        return follow(name, operation, get=get)
    remembered = stack.read(target, name)
    if (remembered and remembered.spec) != (known.state and known.state.spec):
        raise SpecError(
            f"Nothing was done to {name!r}.",
            "It was made, or changed, elsewhere since this form last looked.",
            "The form has looked again: see what would change now, and click once more.",
        )
    cluster = up(name, **asked.arguments)
    verb = "is what was asked for" if remembered else "was made"
    return Made(name, cluster, f"{name} {verb} on {target.kind}.", code=asked.code)


def follow(name: str, operation: Operation, *, get: Callable[[str], Cluster]) -> Made:
    """Wait for an operation on the cluster `name`, whoever began it; raises what it raises."""
    operation.follow()
    if operation.error is not None:
        raise operation.error
    return Made(name, get(name), f"{operation.title} has ended; nothing else was asked for.")


def stop(target: Target | None, name: str) -> None:
    """Ask what runs on the cluster `name` to stop, as soon as its state is safe.

    Raises
    ------
    DotrainError
        When nothing runs.
    """
    operation = operations.running(target, name) if target else None
    if operation is None:
        raise DotrainError(
            "Nothing was stopped.",
            f"No operation works on {name!r}: it has ended, or not begun yet.",
            "Click Stop once more if it goes on.",
        )
    # Before that it could not be stopped safely.
    operation.wait_until_begun()
    operation.stop()


def _same_account(before: Target | None, now: Target) -> None:
    if before is None or (before.kind, before.url) != (now.kind, now.url):
        raise ConfigError(
            "Nothing was done: this form is for another account.",
            f"Its lists are those of {before.kind if before else 'none'}, and the kernel works on "
            f"{now.kind} by now.",
            "Run the cell again, which makes a form for this account.",
        )
