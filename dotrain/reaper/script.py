"""Take the training nodes of the cluster that this runs in, when their time is over.

It runs in a Pod, once every few minutes, with nothing but Python's own library.
It asks DigitalOcean what limits the cluster carries as tags, and Kubernetes
whether anything works on it. What is not known is never acted on: then it ends
with status 1, and the next run tries again.

====================================  ======================================================
``DOTRAIN_CLUSTER_ID``                the cluster
``DOTRAIN_PRICES``                    of node sizes, as a JSON object: US dollars an hour,
                                      and a month at most
``DOTRAIN_API_URL``                   DigitalOcean's API, as an origin
``DOTRAIN_TOKEN_FILE``                a file with a token for it
``DOTRAIN_KUBERNETES_URL``            the cluster's own API (default: that of this Pod)
``DOTRAIN_KUBERNETES_CA``             a file with who signs for it
``DOTRAIN_KUBERNETES_TOKEN_FILE``     a file with a token for it
====================================  ======================================================
"""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import os
import re
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_TIMEOUT = 30
_PAGE = 500
# A clock that is kept right is right to the second.
_CLOCKS_APART = dt.timedelta(minutes=5)
_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_SPAN = re.compile(r"(?:\d{1,9}[wdhms])+", re.ASCII)
_CENTS = re.compile(r"\d{1,15}", re.ASCII)
# Ten years, in seconds: what says more says nothing that anybody waits for.
_LONGEST = 3660 * 86400
# What runs in these is the cluster's own, or this.
_SYSTEM_NAMESPACES = ("kube-system", "kube-node-lease", "kube-public", "dotrain-system")
_SYSTEM_POOL = "terraform:default-node-pool"


class Unknown(Exception):
    """Something that has to be known is not."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it could carry the token to another host."""

    def redirect_request(self, *_: object) -> None:
        """Return nothing, so that the answer is an error."""


class Api:
    """An API that takes a bearer token.

    Parameters
    ----------
    url : str
        Its origin: HTTPS, or this machine.
    token : str
        The token.
    authority : str or None
        A file with the certificates that sign for it; None for the usual ones.
    """

    def __init__(self, url: str, token: str, authority: str | None = None) -> None:
        host = urllib.parse.urlsplit(url)
        if host.scheme != "https" and host.hostname not in ("127.0.0.1", "localhost"):
            message = f"{url} would get a token in the clear"
            raise Unknown(message)
        self._url = url.rstrip("/")
        self._token = token
        self.date = ""
        context = ssl.create_default_context(cafile=authority)
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=context),
            _NoRedirect,
        )

    def call(self, method: str, path: str) -> Json:
        """Return the JSON answer to a request, empty when it has none."""
        headers = {"Authorization": f"Bearer {self._token}", "User-Agent": "dotrain-reaper"}
        # The constructor has checked where it goes.
        request = urllib.request.Request(  # noqa: S310 - see _API
            f"{self._url}{path}", method=method, headers=headers
        )
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as answer:
                text = answer.read()
                self.date = answer.headers.get("date") or ""
                found: Json = json.loads(text) if text.strip() else {}
                return found
        except urllib.error.HTTPError as error:
            message = f"{method} {path} was answered {error.code}"
            raise Unknown(message) from None
        except (OSError, ValueError) as error:
            message = f"{method} {path} failed: {getattr(error, 'reason', error)}"
            raise Unknown(message) from None

    def everything(self, path: str) -> list[Json]:
        """Return all objects of a list of Kubernetes."""
        found: list[Json] = []
        after = ""
        while True:
            query = urllib.parse.urlencode({"limit": _PAGE, "continue": after})
            answer = self.call("GET", f"{path}?{query}")
            found += answer.get("items") or []
            after = (answer.get("metadata") or {}).get("continue") or ""
            if not after:
                return found


def training_pools(cluster: Json) -> list[Json]:
    """Return the pools that have training nodes, unless all of those are on their way out.

    One without nodes costs nothing: it has none by its own autoscaling, or is
    only being made.
    """
    return [
        pool
        for pool in cluster["node_pools"][1:]
        if _SYSTEM_POOL not in (pool.get("tags") or ()) and _has_nodes(pool)
    ]


def _has_nodes(pool: Json) -> bool:
    return any(node["status"]["state"] != "deleting" for node in pool.get("nodes") or ())


def limit(cluster: Json, what: str) -> dt.timedelta | None:
    """Return the span that a tag of the cluster says, the longest of several."""
    prefix = f"dotrain-{what}:"
    said = [tag.removeprefix(prefix) for tag in cluster["tags"] if tag.startswith(prefix)]
    seconds = max((_seconds(text) for text in said), default=0)
    return dt.timedelta(seconds=seconds) if seconds else None


def _seconds(text: str) -> int:
    parts = re.findall(r"(\d+)([wdhms])", text) if _SPAN.fullmatch(text) else []
    seconds = sum(int(number) * _UNITS[unit] for number, unit in parts)
    return seconds if seconds <= _LONGEST else 0


def budget(cluster: Json) -> float | None:
    """Return the US dollars that the cluster may cost; its tag says cents."""
    prefix = "dotrain-budget:"
    said = [tag.removeprefix(prefix) for tag in cluster["tags"] if tag.startswith(prefix)]
    sums = [int(cents) for cents in said if _CENTS.fullmatch(cents)]
    return min((cents / 100 for cents in sums if cents), default=None)


def spent(cluster: Json, prices: Json, now: dt.datetime) -> float:
    """Return the US dollars that the nodes there are have cost: the least that was spent.

    In a calendar month a node costs its monthly price at most.
    """
    total = 0.0
    for pool in cluster["node_pools"]:
        if pool["size"] not in prices:
            message = f"the price of {pool['size']} is not known"
            raise Unknown(message)
        hourly, monthly = map(float, prices[pool["size"]])
        for node in pool.get("nodes") or ():
            for hours in hours_by_month(moment(node["created_at"]), now):
                total += min(hours * hourly, monthly)
    return total


def hours_by_month(start: dt.datetime, end: dt.datetime) -> list[float]:
    """Return how many hours of each calendar month, in UTC, lie between two instants."""
    found = []
    start = start.astimezone(dt.timezone.utc)
    while start < end:
        first = start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        until = min((first + dt.timedelta(days=31)).replace(day=1), end)
        found.append((until - start).total_seconds() / 3600)
        start = until
    return found


def is_system(pod: Json) -> bool:
    """Return whether a Pod is the cluster's own, this one's, an operator's, or on every node."""
    metadata = pod["metadata"]
    owners = metadata.get("ownerReferences") or ()
    of_daemon_set = any(owner["kind"] == "DaemonSet" for owner in owners)
    of_operator = "dotrain/operator" in (metadata.get("annotations") or {})
    return metadata["namespace"] in _SYSTEM_NAMESPACES or of_daemon_set or of_operator


def idle_since(cluster: Json, kubernetes: Api) -> dt.datetime | None:
    """Return since when nothing works on the cluster, None while something does.

    A Pod that runs or waits works, whatever it does. What was deleted is known
    by its events, which Kubernetes keeps for an hour. A node that is being made
    was wanted, and Kubernetes does not know of it yet: DigitalOcean does.
    """
    pods = [pod for pod in kubernetes.everything("/api/v1/pods") if not is_system(pod)]
    if any(pod["status"].get("phase") not in ("Succeeded", "Failed") for pod in pods):
        return None
    system = [cluster["node_pools"][0]["name"]]
    label = "doks.digitalocean.com/node-pool"
    moments = [cluster["created_at"]]
    moments += [node["created_at"] for pool in training_pools(cluster) for node in pool["nodes"]]
    moments += [moment for pod in pods for moment in _ends(pod)]
    for node in kubernetes.everything("/api/v1/nodes"):
        if (node["metadata"].get("labels") or {}).get(label) not in system:
            moments.append(node["metadata"]["creationTimestamp"])
    for event in kubernetes.everything("/api/v1/events"):
        about = event.get("involvedObject") or {}
        if about.get("kind") in ("Pod", "Job"):
            moments += _seen(event) if about.get("namespace") not in _SYSTEM_NAMESPACES else []
    return max(moment(one) for one in moments if one)


def _ends(pod: Json) -> list[str | None]:
    status = pod["status"]
    ended = [
        ((one.get("state") or {}).get("terminated") or {}).get("finishedAt")
        for kind in ("initContainerStatuses", "containerStatuses")
        for one in status.get(kind) or ()
    ]
    return [*ended, status.get("startTime"), pod["metadata"]["creationTimestamp"]]


def _seen(event: Json) -> list[str | None]:
    series = (event.get("series") or {}).get("lastObservedTime")
    created = event["metadata"]["creationTimestamp"]
    return [series, event.get("lastTimestamp"), event.get("eventTime"), created]


def moment(text: str) -> dt.datetime:
    """Return an instant as the two APIs write it."""
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def check_clock(date: str, now: dt.datetime) -> None:
    """Refuse to go by a clock that is not that of DigitalOcean's API, which wrote `date`."""
    if not date or abs(now - email.utils.parsedate_to_datetime(date)) > _CLOCKS_APART:
        message = f"the clock says {now:%Y-%m-%d %H:%M} UTC, and DigitalOcean's API {date!r}"
        raise Unknown(message)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


def reason(cluster: Json, prices: Json, kubernetes: Api, now: dt.datetime) -> str:
    """Return why the training nodes have to go; empty when they may stay."""
    most = limit(cluster, "max-age")
    if most is not None and now - moment(cluster["created_at"]) >= most:
        return f"the cluster is older than {most}"
    unknown = ""
    dollars = budget(cluster)
    if dollars is not None:
        try:
            so_far = spent(cluster, prices, now)
        except Unknown as error:
            # It may be idle all the same.
            unknown = str(error)
        else:
            if so_far >= dollars:
                return f"it has cost ${so_far:.2f} of ${dollars:.2f}"
    idle = limit(cluster, "idle")
    if idle is not None:
        since = idle_since(cluster, kubernetes)
        if since is not None and now - since >= idle:
            return f"nothing works on it since {since:%Y-%m-%d %H:%M} UTC"
    if unknown:
        raise Unknown(unknown)
    return ""


def reap() -> list[str]:
    """Take the training nodes if they have to go, and return what was done, in words."""
    get = os.environ.get
    path = f"/v2/kubernetes/clusters/{os.environ['DOTRAIN_CLUSTER_ID']}"
    token = Path(get("DOTRAIN_TOKEN_FILE", "/run/dotrain/token")).read_text("utf-8").strip()
    account = Api(get("DOTRAIN_API_URL", "https://api.digitalocean.com"), token)
    cluster = account.call("GET", path)["kubernetes_cluster"]
    now = _now()
    check_clock(account.date, now)
    pools = training_pools(cluster)
    if not pools:
        return ["There are no training nodes."]
    token_file = Path(get("DOTRAIN_KUBERNETES_TOKEN_FILE", f"{_ACCOUNT}/token"))
    kubernetes = Api(
        get("DOTRAIN_KUBERNETES_URL", "https://kubernetes.default.svc"),
        token_file.read_text("utf-8").strip(),
        get("DOTRAIN_KUBERNETES_CA", f"{_ACCOUNT}/ca.crt"),
    )
    prices = json.loads(get("DOTRAIN_PRICES", "{}"))
    why = reason(cluster, prices, kubernetes, now)
    if not why:
        return ["The training nodes may stay."]
    for pool in pools:
        account.call("DELETE", f"{path}/node_pools/{pool['id']}")
    return [f"Deleted the node pool {pool['name']}: {why}." for pool in pools]


def main() -> int:
    """Run once, say what was done, and return the status to end with."""
    try:
        lines = reap()
    except (Unknown, OSError, KeyError, TypeError, ValueError) as error:
        sys.stderr.write(f"Nothing more was done: {type(error).__name__}: {error}.\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
