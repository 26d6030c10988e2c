"""Reading a request's fields: every wrong type or value is a 422, never a crash."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from dotrain.sandbox.answers import invalid

if TYPE_CHECKING:
    from dotrain.sandbox.answers import Doc

_TAG = re.compile(r"[a-zA-Z0-9_\-:]{1,255}")
_ADDRESS = re.compile(r"[0-9a-fA-F:.]+(/[0-9]{1,3})?")
_MOST_LABELS = 100


class Fields:
    """The fields of a JSON object; `null` counts as not given.

    Parameters
    ----------
    data : Any
        What was sent; it must be an object.
    where : str
        Its place in the request, for messages.
    """

    def __init__(self, data: Any, where: str = "") -> None:
        if not isinstance(data, dict):
            raise invalid(f"{where.rstrip('.') or 'The request'} must be an object.")
        self.data: Doc = data
        self._where = where

    def name(self, key: str) -> str:
        """Return a field's place in the request."""
        return f"{self._where}{key}"

    def has(self, key: str) -> bool:
        """Return whether a field was given."""
        return self.data.get(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string; without a default it must be there and not be empty."""
        value = self.data.get(key)
        if value is None:
            value = default
        if default is None and value in (None, ""):
            raise invalid(f"{self.name(key)} is required.")
        if not isinstance(value, str) or not _is_unicode(value):
            raise invalid(f"{self.name(key)} must be a string.")
        return value

    def match(self, key: str, pattern: re.Pattern[str], advice: str) -> str:
        """Return a string that has a shape."""
        value = self.text(key)
        if not pattern.fullmatch(value):
            raise invalid(f"{self.name(key)} {advice}")
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """Return one of a few strings."""
        value = self.text(key, default)
        if value not in choices:
            raise invalid(f"{self.name(key)} must be one of: {', '.join(choices)}.")
        return value

    def whole(self, key: str, least: int, most: int, default: int | None = None) -> int:
        """Return a whole number within bounds."""
        value = self.data.get(key)
        if value is None:
            value = default
        if value is None:
            raise invalid(f"{self.name(key)} is required.")
        if not isinstance(value, int) or isinstance(value, bool):
            raise invalid(f"{self.name(key)} must be a whole number.")
        if not least <= value <= most:
            raise invalid(f"{self.name(key)} must be between {least} and {most}.")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return a boolean."""
        value = self.data.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise invalid(f"{self.name(key)} must be true or false.")
        return value

    def items(self, key: str) -> list[Any]:
        """Return a list, empty when it was not given."""
        value = self.data.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise invalid(f"{self.name(key)} must be a list.")
        return value

    def texts(self, key: str) -> list[str]:
        """Return a list of strings."""
        values = self.items(key)
        if not all(isinstance(value, str) and _is_unicode(value) for value in values):
            raise invalid(f"{self.name(key)} must be a list of strings.")
        return values

    def numbers(self, key: str) -> list[int]:
        """Return a list of whole numbers."""
        values = self.items(key)
        if not all(isinstance(value, int) and not isinstance(value, bool) for value in values):
            raise invalid(f"{self.name(key)} must be a list of whole numbers.")
        return values

    def objects(self, key: str) -> list[Fields]:
        """Return a list of objects."""
        return [
            Fields(value, f"{self.name(key)}[{index}].")
            for index, value in enumerate(self.items(key))
        ]

    def block(self, key: str) -> Fields:
        """Return an object within this one, empty when it was not given."""
        value = self.data.get(key)
        return Fields({} if value is None else value, f"{self.name(key)}.")

    def labels(self, key: str) -> dict[str, str]:
        """Return an object of strings."""
        value = self.block(key).data
        if len(value) > _MOST_LABELS or not all(isinstance(item, str) for item in value.values()):
            raise invalid(f"{self.name(key)} must map strings to strings, at most {_MOST_LABELS}.")
        return value

    def tags(self, key: str = "tags") -> list[str]:
        """Return a list of tags, each once."""
        values = self.texts(key)
        for value in values:
            check_tag(value, self.name(key))
        return list(dict.fromkeys(values))


def _is_unicode(value: str) -> bool:
    # JSON can spell half a surrogate pair, which no database takes.
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def check_tag(name: str, where: str) -> None:
    """Refuse what cannot be a tag."""
    if not _TAG.fullmatch(name):
        raise invalid(
            f"{where}: tag {name!r} may hold letters, numbers, colons, dashes and underscores, "
            "at most 255 of them."
        )


def check_address(value: str, where: str, *, versions: tuple[int, ...] = (4, 6)) -> None:
    """Refuse what is neither an address nor a network of the given IP versions."""
    if not value:
        raise invalid(f"{where} must not contain an empty address.")
    try:
        if not _ADDRESS.fullmatch(value):
            raise ValueError  # noqa: TRY301
        network = ipaddress.ip_network(value)
    except ValueError:
        raise invalid(f"{where}: {value!r} is not a valid IP address or CIDR.") from None
    if network.version not in versions:
        raise invalid(f"{where}: {value!r} is IPv{network.version}, which is not supported here.")


def network(value: str, where: str) -> ipaddress.IPv4Network:
    """Return a private IPv4 network, as VPCs and clusters use."""
    check_address(value, where, versions=(4,))
    block = ipaddress.IPv4Network(value)
    if not block.is_private or not 8 <= block.prefixlen <= 28:  # noqa: PLR2004 (the API's bounds)
        raise invalid(f"{where}: {value!r} must be a private network of size /8 to /28.")
    return block
