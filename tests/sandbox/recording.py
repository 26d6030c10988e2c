"""What the official provider was recorded sending and being answered, held to the document."""

import json
from functools import cache

from tests.provider.traffic import TRAFFIC

from . import openapi


def exchanges():
    """Yield (step, exchange) of the recording."""
    step = ""
    for line in TRAFFIC.read_text().splitlines():
        entry = json.loads(line)
        step = entry.get("step", step)
        if "step" not in entry:
            yield step, entry


@cache
def _document():
    return openapi.by_pattern(openapi.read()["paths"])


def disagreements(exchange):
    """Return (operation, where, what) of all that the document says otherwise, uncorrected."""
    method, path, status = exchange["method"], exchange["path"], str(exchange["status"])
    template, operation = openapi.operation_of(method.lower(), path.partition("?")[0], _document())
    name = f"{method} {template or path}"
    if operation is None:
        return {(name, "", "an operation that the document does not have")}
    responses = operation["responses"]
    said = responses.get(status)
    if said is None:
        documented = ", ".join(one for one in responses if one.startswith("2"))
        return {(name, "status", f"{status}, where the document has {documented}")}
    return {
        (name, f"{side} `{place}`", what)
        for side, schema, value in (
            ("request", openapi.schema_of(operation.get("requestBody", {})), exchange["request"]),
            ("answer", openapi.schema_of(said), exchange["response"]),
        )
        if schema and value is not None
        for place, what in openapi.problems(openapi.validator(schema), value)
    }
