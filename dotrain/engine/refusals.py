"""What DigitalOcean refused the provider: the provider's words as a sentence, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from dotrain.errors.api import remedy

# How godo, DigitalOcean's own client, speaks of a call that was answered, and of one that was not.
_ANSWERED = re.compile(
    r"(?P<method>[A-Z]+) (?P<url>https?://\S+): (?P<status>\d{3})"
    r'(?: \(request "(?P<request>[^"]*)"\))?(?P<said>.*)'
)
_NOT_ANSWERED = re.compile(r'(?P<method>[A-Z][a-z]+) "(?P<url>https?://[^"]+)": (?P<said>.*)')
# How Go speaks of an answer that it cannot decode; of which call, nobody says.
_UNREADABLE = re.compile(r"unexpected EOF|json: |invalid character|parsing time ")
# How Pulumi speaks of what it was to take in and did not find.
_UNSEEN = re.compile(r"resource '(?P<id>[^']+)' does not exist")
# How the provider speaks of what it has asked for again and again.
_WAITED = re.compile(r"[Tt]imeout waiting")
# What Pulumi's bridge and godo add behind.
_ADDED = re.compile(r"(: provider=digitalocean\S*|; giving up after \d+ attempt\(s\))")
_GONE, _MADE_AGAIN = 404, "What somebody else has deleted, the cluster's own up() makes again."
_PATHS = {
    "tag": "/v2/tags",
    "vpc": "/v2/vpcs",
    "firewall": "/v2/firewalls",
    "cluster": "/v2/kubernetes/clusters",
    "pool": "/v2/kubernetes/clusters/…/node_pools",
    "database": "/v2/databases",
    "database-firewall": "/v2/databases/…/firewall",
}


@dataclass(frozen=True)
class Refusal:
    """A failure of one object, in dotrain's words.

    Parameters
    ----------
    sentence : str
        Which object, which call, and what DigitalOcean said.
    fix : str
        What to do about it; empty where the provider's words do not tell.
    """

    sentence: str
    fix: str = ""


def read(failures: Iterable[str]) -> list[Refusal]:
    """Return what failed, each once; the provider may say it twice."""
    return list(dict.fromkeys(map(_read, failures)))


def _read(failure: str) -> Refusal:
    name, _, said = failure.partition(": ")
    answered = _ANSWERED.search(said)
    if answered:
        words = _bare(answered["said"])
        of = f" (request {answered['request']})" if answered["request"] else ""
        call = f"{answered['method']} {_path(answered['url'])}"
        sentence = f"{name}: DigitalOcean answered {call} with {answered['status']}{of}"
        status = int(answered["status"])
        fix = _MADE_AGAIN if status == _GONE else remedy(status, words)
        return Refusal(f"{sentence}: {words}" if words else sentence, fix)
    silent = _NOT_ANSWERED.search(said)
    if silent:
        call = f"{silent['method'].upper()} {_path(silent['url'])}"
        words = _bare(silent["said"])
        return Refusal(f"{name}: DigitalOcean did not answer {call}: {words}", remedy(None, words))
    path = _PATHS.get("pool" if name.startswith("pool-") else name, "this")
    unseen = _UNSEEN.search(said)
    if unseen:
        return Refusal(
            f"{name}: DigitalOcean answered GET {path}/{unseen['id']} with 404, though its list "
            "has it",
            "That passes: wait a minute.",
        )
    if _WAITED.search(said):
        return Refusal(
            f"{name}: what DigitalOcean answers to GET {path}/… never was that it is ready: "
            f"{_bare(said)}",
            "See https://status.digitalocean.com, and wait on by the same call.",
        )
    if _UNREADABLE.search(said):
        return Refusal(
            f"{name}: DigitalOcean's answer about {path} cannot be read: {_bare(said)}",
            "If that stays, see https://status.digitalocean.com.",
        )
    return Refusal(failure)


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _bare(words: str) -> str:
    return _ADDED.sub("", words).strip(" .")
