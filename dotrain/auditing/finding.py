"""What an audit finds: one sentence on what is wrong, where, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dotrain.rules import Rule

CRITICAL, HIGH, MEDIUM, LOW, INFO = SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO")

# What fits a cell of a table: a firewall may have 50 rules of 1,000 peers each.
_MOST_RULES = 4
_MOST_PEERS = 4


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Parameters
    ----------
    id : str
        The id of the check that found it.
    severity : str
        ``"CRITICAL"``, ``"HIGH"``, ``"MEDIUM"``, ``"LOW"`` or ``"INFO"``.
    what : str
        What is wrong, as a sentence.
    where : str
        The kind and the name of the object: ``"firewall dotrain-bert"``.
    fix : str
        What to do about it, as a sentence.
    suppressed : str
        Why it is accepted; empty when it is not.
    """

    id: str
    severity: str
    what: str
    where: str
    fix: str
    suppressed: str = ""


@dataclass(frozen=True)
class Hit:
    """What one check says about one object, before it becomes a `Finding`.

    Parameters
    ----------
    kind : str
        The kind of object, such as ``"firewall"``.
    name : str
        Its name.
    what : str
        What is wrong.
    fix : str
        What to do.
    severity : str
        The severity, where it is not the check's own.
    """

    kind: str
    name: str
    what: str
    fix: str
    severity: str = ""


def listed(words: Iterable[str], most: int, between: str = ", ") -> str:
    """Return `words` in one line, those beyond `most` as their number.

    Examples
    --------
    >>> listed("abc", 2)
    'a, b and 1 more'
    """
    words = list(words)
    rest = len(words) - most
    return between.join(words[:most]) + (f" and {rest} more" if rest > 0 else "")


def described(found: Iterable[Rule]) -> str:
    """Return rules in words, those that differ in their peer only together.

    Examples
    --------
    >>> described([Rule("nodes", "inbound", "tcp", "22", "0.0.0.0/0")])
    'tcp 22 from 0.0.0.0/0'
    """
    peers: dict[str, list[str]] = {}
    for rule in found:
        way = "from" if rule.direction == "inbound" else "to"
        traffic = f"{rule.protocol} {rule.ports} {way}" if rule.ports else f"{rule.protocol} {way}"
        peers.setdefault(traffic, []).append(rule.peer)
    texts = (f"{traffic} {listed(some, _MOST_PEERS)}" for traffic, some in peers.items())
    return listed(texts, _MOST_RULES, "; ")
