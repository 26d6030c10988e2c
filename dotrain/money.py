"""Sums of US dollars as people write and read them: "$50", "49.90"."""

from __future__ import annotations

import math
import re

from dotrain.errors import SpecError

_MOST = 1e12
_SUM = re.compile(r"\$?\s*(\d{1,9}(?:\.\d{1,4})?)", re.ASCII)


def parse(value: object) -> float:
    """Return the US dollars that `value` says.

    Parameters
    ----------
    value : str, int or float
        Such as ``"$50"``, ``"49.90"`` or ``50``.

    Raises
    ------
    SpecError
        When it says none, or nothing that can be spent.

    Examples
    --------
    >>> parse("$50")
    50.0
    """
    dollars = math.nan
    if isinstance(value, str) and (match := _SUM.fullmatch(value.strip())):
        dollars = float(match[1])
    elif isinstance(value, int | float) and not isinstance(value, bool) and value <= _MOST:
        dollars = float(value)
    if not 0 < dollars <= _MOST:
        raise SpecError(
            f"{value!r} is not a sum of money.",
            "A sum is US dollars, more than none.",
            "Give one, for example '$50'.",
        )
    return dollars


def budget(value: object) -> float | None:
    """Return the US dollars that a cluster may cost, to the cent; None for ``"none"``.

    Parameters
    ----------
    value : str, int or float
        As `parse` takes it, or ``"none"`` to end an earlier limit.

    Raises
    ------
    SpecError
        As `parse`, and when it is less than a cent.

    Examples
    --------
    >>> budget("$49.999"), budget("none")
    (50.0, None)
    """
    if isinstance(value, str) and value.strip().lower() == "none":
        return None
    cents = round(parse(value) * 100)
    if not cents:
        raise SpecError(
            f"A budget of {value!r} is less than a cent.",
            "What a cluster costs is counted in cents.",
            "Give more, for example '$50', or 'none' for no limit.",
        )
    return cents / 100


def text(dollars: float) -> str:
    """Return a sum as people read it; what is less than a cent is not nothing.

    Examples
    --------
    >>> text(1234.5), text(0.004), text(0)
    ('$1,234.50', 'under $0.01', '$0.00')
    """
    return "under $0.01" if 0 < dollars < 0.01 else f"${dollars:,.2f}"  # noqa: PLR2004
