"""Times, as the official provider writes them."""

from __future__ import annotations

from datetime import datetime, timezone


def parsed(text: str) -> datetime:
    """Return the time that an RFC 3339 text says, in UTC."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)


def spelled(text: str | None) -> str | None:
    """Return a time as Go prints one, which is how it stands in the state."""
    return f"{parsed(text):%Y-%m-%d %H:%M:%S} +0000 UTC" if text else None
