"""Amounts of CPU and memory as Kubernetes writes them: "3900m", "7492Mi".

Facts: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re

from dotrain.errors import SpecError

_UNITS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_MEMORY = re.compile(r"(\d{1,18}(?:\.\d{1,6})?)(k|M|G|T|Ki|Mi|Gi|Ti)?", re.ASCII)
_THOUSAND = 1000


def millicpus(text: str) -> int:
    """Return what a Node says of its CPUs, in thousandths of one.

    Examples
    --------
    >>> millicpus("3900m"), millicpus("4")
    (3900, 4000)
    """
    return int(text[:-1]) if text.endswith("m") else round(float(text) * _THOUSAND)


def memory(text: object) -> int:
    """Return the bytes that `text` says.

    Raises
    ------
    SpecError
        When it is no amount of memory of Kubernetes, or none.

    Examples
    --------
    >>> memory("16Gi")
    17179869184
    """
    match = _MEMORY.fullmatch(text) if isinstance(text, str) else None
    amount = int(float(match[1]) * _UNITS[match[2] or ""]) if match else 0
    if amount < 1:
        raise SpecError(
            f"{text!r} is not an amount of memory.",
            "Kubernetes writes memory as a number and a unit: Mi, Gi or Ti.",
            "Give it as text, for example memory='16Gi'.",
        )
    return amount


def mebibytes(amount: int) -> str:
    """Return bytes as Kubernetes writes them, in whole mebibytes.

    Examples
    --------
    >>> mebibytes(17179869184)
    '16384Mi'
    """
    return f"{amount // 2**20}Mi"


def gibibytes(amount: int) -> str:
    """Return bytes as people read them.

    Examples
    --------
    >>> gibibytes(7855931392)
    '7.3 GiB'
    """
    return f"{amount / 2**30:.1f} GiB".replace(".0 ", " ")
