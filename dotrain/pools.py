"""Pools of training nodes: size, count, labels and taints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from dotrain.checks import check_name, check_text, check_whole
from dotrain.errors import SpecError

# Kubernetes' own rules for the keys and values of labels and taints.
_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_KEY = re.compile(rf"(?:[a-z0-9](?:[a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_PART}")
_VALUE = re.compile(rf"(?:{_PART})?")
_TAINT = re.compile(r"(?P<key>[^=:]+)(?:=(?P<value>[^=:]*))?:(?P<effect>[A-Za-z]+)")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
# What dotrain and DigitalOcean label nodes with themselves.
_RESERVED = ("dotrain/", "doks.digitalocean.com/", "kubernetes.io/", "k8s.io/")
# Also below their domains: node.kubernetes.io/.
_RESERVED_DOMAINS = (".kubernetes.io", ".k8s.io")
# What a size is called, and a pool is not.
_SIZE = re.compile(r".+-\d+vcpu-.+|gpu-.+gb")


@dataclass(frozen=True, repr=False)
class Pool:
    """A pool of training nodes.

    Nodes with NVIDIA's GPUs are tainted ``nvidia.com/gpu:NoSchedule`` by
    DigitalOcean itself: only Pods that tolerate it run there.

    Parameters
    ----------
    name : str
        The pool's name, unique in its cluster.
    size : str
        The Droplet size of each node, a DigitalOcean slug such as ``"s-4vcpu-8gb"``.
    count : int
        Number of nodes, at least 1; with `max`, the number to begin with.
    min : int, optional
        The fewest nodes, with `max`; may be 0.
    max : int, optional
        The most nodes: DigitalOcean's autoscaler adds one when a Pod finds no
        room, and takes away what stays empty.
    labels : mapping of str to str
        Kubernetes labels of each node.
    taints : iterable of str
        Kubernetes taints of each node, as kubectl writes them:
        ``"team=nlp:NoSchedule"``. Only Pods that tolerate them run there.

    Raises
    ------
    SpecError
        When a number, the name, a label or a taint is bad.

    Examples
    --------
    >>> Pool(size="s-4vcpu-8gb", count=2)
    Pool('train', size='s-4vcpu-8gb', count=2)
    >>> Pool("gpu", size="gpu-h100x1-80gb", min=0, max=4)
    Pool('gpu', size='gpu-h100x1-80gb', count=1, min=0, max=4)
    """

    name: str = "train"
    size: str = "s-2vcpu-4gb"
    count: int = 1
    min: int | None = None
    max: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    taints: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name, "node pool")
        if _SIZE.fullmatch(self.name):
            raise SpecError(
                f"{self.name!r} is the name of a size, not of a pool.",
                "A pool's name comes first.",
                f"Give dotrain.Pool(size={self.name!r}).",
            )
        check_text(self, "size")
        check_whole(self.count, 1, "a pool", "count")
        self._check_scaling()
        self._check_labels()
        # Copies, which nobody else can change.
        object.__setattr__(self, "labels", dict(self.labels))
        object.__setattr__(self, "taints", _texts(self.taints))
        for taint in self.taints:
            parse_taint(taint)

    def __repr__(self) -> str:
        shown = [f"{name}={getattr(self, name)!r}" for name in ("size", "count")]
        shown += [
            f"{one.name}={getattr(self, one.name)!r}"
            for one in fields(self)[len(shown) + 1 :]
            if getattr(self, one.name) not in (None, {}, ())
        ]
        return f"Pool({', '.join([repr(self.name), *shown])})"

    @property
    def autoscaled(self) -> bool:
        """Whether DigitalOcean chooses the number of nodes."""
        return self.max is not None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Pool:
        """Return the pool of which `data` are the fields, as JSON."""
        return cls(**data)

    def _check_scaling(self) -> None:
        if self.min is None and self.max is None:
            return
        if self.min is None or self.max is None:
            raise SpecError(
                f"Pool {self.name!r} has min={self.min!r} and max={self.max!r}.",
                "The autoscaler needs both.",
                "Give both, for example min=1, max=4, or neither.",
            )
        check_whole(self.min, 0, "a pool", "min")
        check_whole(self.max, 1, "a pool", "max")
        if not self.min <= self.count <= self.max:
            raise SpecError(
                f"Pool {self.name!r} would begin with {self.count} nodes, "
                f"and have {self.min} to {self.max}.",
                "The count lies between min and max.",
                "Change one of the three.",
            )

    def _check_labels(self) -> None:
        pairs = self.labels.items() if isinstance(self.labels, Mapping) else [(self.labels, None)]
        for key, value in pairs:
            good = isinstance(key, str) and isinstance(value, str)
            if not (good and _KEY.fullmatch(key) and _VALUE.fullmatch(value)):
                raise SpecError(
                    f"{key!r}: {value!r} is not a label of a node.",
                    "Kubernetes takes letters, digits, '-', '_' and '.', at most 63 of each, "
                    "and before a '/' a domain.",
                    "Give labels as a dictionary of text, for example {'team': 'nlp'}.",
                )
            domain = key.rpartition("/")[0]
            if key.startswith(_RESERVED) or domain.endswith(_RESERVED_DOMAINS):
                raise SpecError(
                    f"The label {key!r} is taken.",
                    "dotrain, DigitalOcean and Kubernetes set labels of that domain themselves.",
                    "Choose another.",
                )


def parse_taint(text: object) -> tuple[str, str, str]:
    """Return key, value and effect of a taint.

    Raises
    ------
    SpecError
        When `text` is no taint.

    Examples
    --------
    >>> parse_taint("team=nlp:NoSchedule")
    ('team', 'nlp', 'NoSchedule')
    """
    match = _TAINT.fullmatch(text) if isinstance(text, str) else None
    if match is not None:
        key, value, effect = match["key"], match["value"] or "", match["effect"]
        if _KEY.fullmatch(key) and _VALUE.fullmatch(value) and effect in _EFFECTS:
            return key, value, effect
    raise SpecError(
        f"{text!r} is not a taint.",
        f"A taint is key=value:effect, and the effect one of {', '.join(_EFFECTS)}.",
        "Give a tuple of them, for example ('team=nlp:NoSchedule',).",
    )


def _texts(given: object) -> tuple[Any, ...]:
    """Return what is given as a tuple; what is no list, alone in one, for its check to refuse."""
    if isinstance(given, Iterable) and not isinstance(given, str):
        return tuple(given)
    return (given,)


# What runs the cluster's own services. It is small, and it never changes:
# DigitalOcean replaces the whole cluster when the size of its first pool changes.
SYSTEM_POOL = Pool(size="s-1vcpu-2gb", count=1, name="system")
