"""Between the engine's protobuf structs and plain Python values."""

from __future__ import annotations

from typing import Any

from google.protobuf.struct_pb2 import Struct

Props = dict[str, Any]

# Fixed by Pulumi's wire format: a value not known yet, and the mark of a secret.
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a signature, not a password


def load(struct: Struct) -> Props:
    """Return a struct as a dict, with whole numbers as integers and secrets in the open."""
    return {key: _value(value) for key, value in struct.fields.items()}


def dump(props: Props, secrets: frozenset[str] = frozenset()) -> Struct:
    """Return a dict as a struct, the named properties marked as secrets."""
    struct = Struct()
    struct.update({key: _marked(key, value, secrets) for key, value in props.items()})
    return struct


def _marked(key: str, value: Any, secrets: frozenset[str]) -> Any:
    if key not in secrets or value is None or value == UNKNOWN:
        return value
    return {_SIGNATURE: _SECRET, "value": value}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = load(value.struct_value)
        return fields["value"] if fields.get(_SIGNATURE) == _SECRET else fields
    if kind == "list_value":
        return [_value(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return getattr(value, kind) if kind in {"string_value", "bool_value"} else None
