"""How a teardown stands, as a tab and a saved notebook say it: what goes, what went, what is left.

Nothing in here needs ipywidgets.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from dotrain import markup
from dotrain.contents import Contents
from dotrain.errors import DotrainError, TeardownIncomplete
from dotrain.leftovers import Leak
from dotrain.operation import Operation
from dotrain.widgets.kit import html

if TYPE_CHECKING:
    from dotrain.snapshot import Snapshot


class Row(NamedTuple):
    """How many objects of a kind there were before a teardown, and are after it."""

    kind: str
    found: int
    left: int


@dataclass(frozen=True)
class Proof:
    """That a teardown left nothing.

    Parameters
    ----------
    rows : tuple of Row
        What `Cluster.down` returned.
    at : datetime.datetime
        When that was.
    """

    rows: tuple[Row, ...]
    at: dt.datetime

    @classmethod
    def of(cls, rows: Iterable[Sequence[Any]], at: dt.datetime) -> Proof:
        """Return one of rows with kind, found and left."""
        return cls(tuple(Row(str(kind), int(found), int(left)) for kind, found, left in rows), at)

    @property
    def holds(self) -> bool:
        """Whether it looked at anything, and nothing is left."""
        return bool(self.rows) and not any(row.left for row in self.rows)


@dataclass(frozen=True)
class Ending:
    """What is known about the end of a cluster.

    Parameters
    ----------
    name : str
        The cluster's name.
    contents : Contents or None
        What goes, as it was read the last time.
    read : datetime.datetime or None
        When that was.
    doing : str
        What is happening to the cluster; empty for nothing.
    proof : Proof or None
        What the last teardown proved.
    error : DotrainError or None
        Why the last teardown did not end well.
    leaks : tuple of Leak or None
        What else belongs to nothing, read after the teardown.
    """

    name: str
    contents: Contents | None = None
    read: dt.datetime | None = None
    doing: str = ""
    proof: Proof | None = None
    error: DotrainError | None = None
    leaks: tuple[Leak, ...] | None = None

    @property
    def call(self) -> str:
        """The same as code."""
        return f"dotrain.down({self.name!r}, confirm={self.name!r})"


def going(operation: Operation | None) -> bool:
    """Return whether an operation is a teardown that runs."""
    return operation is not None and operation.kind == "down" and operation.running


def doing(snapshot: Snapshot) -> str:
    """Return what happens to a cluster that bears on its end, as sentences; empty for nothing."""
    name, operation, cluster = snapshot.name, snapshot.operation, snapshot.cluster
    if going(operation):
        return (
            f"{name} is being taken down: somebody has begun that, in another panel, a cell, a "
            "terminal or a sweep. How far it is stands below."
        )
    if operation is not None and operation.running:
        return f"{operation.title} is running. A deletion waits until that has ended."
    if cluster is not None and cluster["status"]["state"] == "deleting":
        return (
            f"DigitalOcean is deleting the cluster {name}: somebody has begun that elsewhere. "
            "What stands around it may be left; deleting it here waits, and takes that too."
        )
    if snapshot.gone:
        return (
            f"No state of this backend knows a cluster {name}: it is gone, or another machine made "
            "it. What the account still has of it can be deleted here."
        )
    if snapshot.observed is not None and cluster is None:
        return (
            f"There is no cluster {name}: it is gone, or was never finished. What is left of it "
            "can be deleted here."
        )
    return ""


def of(snapshot: Snapshot) -> Ending:
    """Return what a look at a cluster says of its end, whoever began that."""
    operation = snapshot.operation
    ending = Ending(snapshot.name, doing=doing(snapshot))
    if operation is None or operation.kind != "down" or operation.running:
        return ending
    if operation.error is not None:
        return replace(ending, error=operation.error)
    if snapshot.cluster is None and operation.result:
        proof = Proof.of(operation.result, operation.ended or snapshot.at)
        return replace(ending, doing="", proof=proof)
    return ending


def over(ending: Ending, snapshot: Snapshot | None) -> bool:
    """Return whether the cluster is proved to be gone, and no other has its name since."""
    if ending.proof is None:
        return False
    newer = snapshot is not None and snapshot.at > ending.proof.at
    return not (newer and snapshot is not None and snapshot.cluster is not None)


def mistyped(typed: str, name: str) -> str:
    """Return what is wrong with what was typed to confirm; empty while it may become the name."""
    if name.startswith(typed):
        return ""
    return f"That is not the name. Nothing is deleted until it says exactly: {name}"


def saved(ending: Ending) -> str:
    """Return all that is known as a fragment of HTML, for a notebook without its kernel."""
    parts = [
        html.notice(ending.doing) if ending.doing else "",
        outcome(ending),
        "" if ending.proof and not ending.contents else goes(ending.contents, ending.read),
        html.code(ending.call),
    ]
    return markup.block("".join(parts))


def text(ending: Ending) -> str:
    """Return all that is known as lines of text."""
    said = [ending.doing]
    if ending.error is not None:
        said += [str(ending.error), *(f"  {' '.join(row)}" for row in left(ending.error))]
    if ending.proof is not None:
        said += [_proved(ending.proof), *map(_counted, ending.proof.rows)]
    if ending.leaks is not None:
        said += [_elsewhere(ending.leaks), *(f"  {one.kind} {one.name}" for one in ending.leaks)]
    if ending.contents is not None:
        said.append(str(ending.contents))
    return "\n".join([*filter(None, said), f"The same as code: {ending.call}"])


def goes(contents: Contents | None, read: dt.datetime | None) -> str:
    """Return what a teardown takes as a fragment of HTML."""
    if contents is None:
        return html.notice("What goes with it has not been read yet.")
    said = []
    if contents.items:
        rows = [(one.kind, one.name, one.about, one.price) for one in contents.items]
        headers = ("kind", "name", "what it is", "$ an hour")
        caption = f"What goes with {contents.name}{f', as of {clock(read)}' if read else ''}"
        said += [html.table(headers, rows, caption=caption, numeric=(3,)), _line(contents.cost)]
    else:
        said.append(_line(f"Of {contents.name} there is nothing but its state."))
    kept = [f"{one.kind} {one.name}" for one in contents.items if one.data]
    if kept:
        said.append(_strong(f"The data on {_and(kept)} is lost."))
    if contents.jobs:
        said.append(_strong(contents.jobs))
    return markup.block("".join(said))


def outcome(ending: Ending) -> str:
    """Return how the last teardown ended as a fragment of HTML; empty before any."""
    said = []
    if ending.error is not None:
        said.append(html.notice(str(ending.error), "bad"))
        rows = left(ending.error)
        if rows:
            caption = f"What is left of {ending.name}"
            said.append(html.table(("kind", "id", "name", "why"), rows, caption=caption))
    if ending.proof is not None:
        proof = ending.proof
        said.append(html.notice(_proved(proof), "ok" if proof.holds else "bad"))
        caption = f"What there was of {ending.name}, and what is left"
        rows = [(row.kind, str(row.found), str(row.left)) for row in proof.rows]
        said.append(html.table(("kind", "found", "left"), rows, caption=caption, numeric=(1, 2)))
    if ending.leaks is not None:
        said.append(html.notice(_elsewhere(ending.leaks), "warn" if ending.leaks else "ok"))
        if ending.leaks:
            said.append(leaks(ending.leaks))
        said.append(html.code("dotrain.leaks()"))
    return markup.block("".join(said)) if said else ""


def leaks(found: Iterable[Leak]) -> str:
    """Return what belongs to nothing as a table, each with what deletes it."""
    rows = [
        (one.kind, one.name, one.cluster or "not known", price(one.hourly), one.why, remedy(one))
        for one in found
    ]
    headers = ("kind", "name", "cluster", "$ an hour", "why", "what deletes it")
    caption = "What is billed and belongs to nothing"
    return html.table(headers, rows, caption=caption, numeric=(3,))


def remedy(one: Leak) -> str:
    """Return what deletes something that belongs to nothing."""
    if one.cluster:
        return f"dotrain.down({one.cluster!r}, confirm={one.cluster!r})"
    return f"DigitalOcean's control panel; its id is {one.id}"


def left(error: DotrainError) -> list[tuple[str, ...]]:
    """Return what an incomplete teardown left: kind, id, name and why of each."""
    if not isinstance(error, TeardownIncomplete) or error.left is None:
        return []
    frame = error.left[["kind", "id", "name", "why"]].astype("str")
    return list(frame.itertuples(index=False, name=None))


def price(hourly: float | None) -> str:
    """Return US dollars an hour in words; what is not known is no nothing."""
    return "unknown" if hourly is None else f"${hourly:.3f}"


def clock(moment: dt.datetime) -> str:
    """Return an instant as a reader anywhere understands it."""
    return f"{moment.astimezone(dt.timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


def _proved(proof: Proof) -> str:
    if not proof.rows:
        return f"There was nothing to delete, as of {clock(proof.at)}."
    count = sum(row.found for row in proof.rows)
    if proof.holds:
        objects = "1 object was" if count == 1 else f"{count} objects were"
        return f"Nothing is left. {objects} deleted by {clock(proof.at)}, and looked for again."
    return f"{sum(row.left for row in proof.rows)} objects are left, as of {clock(proof.at)}."


def _counted(row: Row) -> str:
    return f"  {row.kind}: {row.found} found, {row.left} left"


def _elsewhere(found: Sequence[Leak]) -> str:
    if not found:
        return "Nothing else in the account is billed and belongs to nothing."
    objects = "1 object" if len(found) == 1 else f"{len(found)} objects"
    return f"In the account {objects} may be billed and belong to nothing:"


def _and(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _line(sentence: str) -> str:
    return f"<p>{html.text(sentence)}</p>"


def _strong(sentence: str) -> str:
    return f"<p><strong>{html.text(sentence)}</strong></p>"
