"""Sums of US dollars as people write them: "$50", "49.90"."""

from __future__ import annotations

import math
import re

from dotrain.errors import SpecError

_SUM = re.compile(r"\$?\s*(\d{1,9}(?:\.\d{1,4})?)")


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
    elif isinstance(value, int | float) and not isinstance(value, bool):
        dollars = float(value)
    if not 0 < dollars < math.inf:
        raise SpecError(
            f"{value!r} is not a sum of money.",
            "A sum is US dollars, more than none.",
            "Give one, for example '$50'.",
        )
    return dollars
