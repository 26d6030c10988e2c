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
_BYTES = re.compile(r"(\d{1,18}(?:\.\d{1,6})?)(k|M|G|T|Ki|Mi|Gi|Ti)?", re.ASCII)
_THOUSAND = 1000
_LEAST = 2**20


def millicpus(text: str) -> int:
    """Return what a Node says of its CPUs, in thousandths of one.

    Examples
    --------
    >>> millicpus("3900m"), millicpus("4")
    (3900, 4000)
    """
    return int(text[:-1]) if text.endswith("m") else round(float(text) * _THOUSAND)


def amount(text: str) -> int:
    """Return the bytes that a Node or a Pod says; 0 for what is no amount of bytes.

    Examples
    --------
    >>> amount("7492Mi"), amount("1024")
    (7856979968, 1024)
    """
    match = _BYTES.fullmatch(text)
    return int(float(match[1]) * _UNITS[match[2] or ""]) if match else 0


def memory(text: object) -> int:
    """Return the bytes of memory that a user gives, at least a mebibyte.

    Raises
    ------
    SpecError
        When it has no unit of Kubernetes, or is less.

    Examples
    --------
    >>> memory("16Gi")
    17179869184
    """
    found = amount(text) if isinstance(text, str) and not text[-1:].isdecimal() else 0
    if found < _LEAST:
        raise SpecError(
            f"{text!r} is not an amount of memory.",
            "Kubernetes writes memory as a number and a unit: Mi, Gi or Ti; a job has 1Mi or more.",
            "Give it as text, for example memory='16Gi'.",
        )
    return found


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
