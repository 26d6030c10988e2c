"""Spans of time as people write them: "8h", "1h30m", "2d"."""

from __future__ import annotations

import datetime as dt
import re

from dotrain.errors import SpecError

_UNITS = {"w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}
# More digits than that are no span that anybody waits for.
_SPAN = re.compile(r"(?:\d{1,9}[wdhms])+", re.ASCII)
_PART = re.compile(r"(\d+)([wdhms])", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LONGEST = dt.timedelta(days=3660)
_TOO_LONG = int(_LONGEST.total_seconds()) + 1


def parse(text: object) -> dt.timedelta:
    """Return the span that `text` says.

    Parameters
    ----------
    text : str or datetime.timedelta
        Whole numbers with their units: w, d, h, m, s.

    Raises
    ------
    SpecError
        When it says none, or one that is not longer than nothing.

    Examples
    --------
    >>> parse("1h30m")
    datetime.timedelta(seconds=5400)
    """
    if isinstance(text, dt.timedelta):
        span = text
    elif isinstance(text, str) and _SPAN.fullmatch(text.strip()):
        seconds = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))
        # More than that is more than a timedelta holds, perhaps.
        span = dt.timedelta(seconds=min(seconds, _TOO_LONG))
    else:
        raise SpecError(
            f"{text!r} is not a span of time.",
            "A span is whole numbers with their units: w, d, h, m, s.",
            "Give one, for example '8h' or '1h30m'.",
        )
    if not dt.timedelta(0) < span <= _LONGEST:
        raise SpecError(
            f"{text!r} is not a span of time that can be waited for.",
            "It has to be longer than nothing, and at most ten years.",
            "Give one, for example '8h'.",
        )
    return span


def text(span: object) -> str:
    """Return a span as people write it, whatever way it was given; raises as `parse` does.

    Examples
    --------
    >>> text(dt.timedelta(hours=25, minutes=30))
    '1d1h30m'
    """
    left = int(parse(span).total_seconds())
    parts = []
    for unit, seconds in list(_UNITS.items())[1:]:
        number, left = divmod(left, seconds)
        parts += [f"{number}{unit}"] if number else []
    return "".join(parts) or "1s"


def rough(span: dt.timedelta) -> str:
    """Return a span in words, as exactly as one wants to know it: two units at most.

    Examples
    --------
    >>> rough(dt.timedelta(hours=11, minutes=20, seconds=59))
    '11 h 20 min'
    """
    seconds = int(span.total_seconds())
    if seconds < _UNITS["m"]:
        return f"{seconds} s"
    named = (("d", "d"), ("h", "h"), ("m", "min"))
    parts = []
    for unit, word in named:
        number, seconds = divmod(seconds, _UNITS[unit])
        parts.append(f"{number} {word}" if number else "")
    first = next(index for index, part in enumerate(parts) if part)
    return " ".join(filter(None, parts[first : first + 2]))


def clock(seconds: float) -> str:
    """Return how long something took: to a tenth of a second, and from a minute on as a clock.

    Examples
    --------
    >>> clock(4.25), clock(272), clock(3725)
    ('4.2 s', '4:32', '1:02:05')
    """
    if round(seconds, 1) < _UNITS["m"]:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), _UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def ends(expires: object, now: dt.datetime) -> str:
    """Return the instant at which something ends, as ISO 8601 in UTC; empty for never.

    Parameters
    ----------
    expires : str, datetime.timedelta, datetime.datetime or None
        A span from now, an instant with its time zone, which may be ISO 8601
        as text, or None for never.
    now : datetime.datetime
        The present, with its time zone.

    Raises
    ------
    SpecError
        When it is neither, or lies in the past.

    Examples
    --------
    >>> ends("2026-01-02T20:00+01:00", dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc))
    '2026-01-02T19:00:00Z'
    """
    if expires is None or expires == "":
        return ""
    if isinstance(expires, str) and _INSTANT.match(expires.strip()):
        expires = _read(expires.strip())
    if not isinstance(expires, dt.datetime):
        return stamp(now + parse(expires))
    if expires.tzinfo is None:
        raise SpecError(
            f"{expires} is no instant.",
            "It has no time zone.",
            "Give it one: '2026-01-02T20:00Z' is in UTC, '2026-01-02T20:00+01:00' an hour ahead of "
            "it, and a datetime has tzinfo=datetime.timezone.utc.",
        )
    if expires > now + _LONGEST:
        raise SpecError(
            f"{expires} is more than ten years away.",
            "That is no end of anything.",
            "Give an earlier instant, or none for what does not expire.",
        )
    if expires <= now:
        raise SpecError(
            f"{expires} is over.",
            "What expires has to do so in the future.",
            "Give a later instant, or a span such as '8h'.",
        )
    return stamp(expires)


def _read(text: str) -> dt.datetime:
    try:
        # Python 3.10 does not read the "Z".
        return dt.datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))
    except ValueError:
        raise SpecError(
            f"{text!r} is no instant.",
            "It begins as a date, and goes on as none.",
            "Give one such as '2026-01-02T20:00Z', or a span such as '8h'.",
        ) from None


def stamp(moment: dt.datetime) -> str:
    """Return an instant as ISO 8601 in UTC, to the second."""
    return moment.astimezone(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(stamped: str) -> dt.datetime:
    """Return the instant that the API or `stamp` wrote, in UTC and to the second.

    Examples
    --------
    >>> moment("2026-01-02T03:04:05.678Z")
    datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    """
    # Python 3.10 reads neither the "Z" nor every fraction of a second.
    return dt.datetime.fromisoformat(f"{stamped[:19]}+00:00")


def is_over(stamped: str, now: dt.datetime) -> bool:
    """Return whether the instant that `stamp` wrote is over; empty never is."""
    return bool(stamped) and stamped <= stamp(now)
