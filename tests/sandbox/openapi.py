"""DigitalOcean's OpenAPI document, asked whether an answer has the shape it describes.

The document is data from elsewhere and no part of this project: its path is in
DOTRAIN_OPENAPI, or it lies beside the checkout. Without it nothing is checked here.
"""

import json
import os
import re
from functools import cache
from pathlib import Path

import jsonschema_rs
import pytest

DIGITS = re.compile(r"[0-9a-f]*[0-9][0-9a-f]*")
BESIDE = Path(__file__).parents[3] / "shared" / "reference"
DOCUMENT = Path(os.environ.get("DOTRAIN_OPENAPI") or BESIDE / "digitalocean-openapi.json")
needs_document = pytest.mark.skipif(not DOCUMENT.exists(), reason=f"no document at {DOCUMENT}")

POOL = "/v2/kubernetes/clusters/{cluster_id}/node_pools/{node_pool_id}"


def _corrected(found):
    """Return the document's paths as recorded traffic has them: where they disagree, that wins."""
    responses = found[POOL]["delete"]["responses"]
    responses["202"] = responses.pop("204")
    for kind in ("tags", "firewalls", "volumes"):
        # An older error body, without the id that all recorded errors have.
        del found[f"/v2/{kind}"]["post"]["responses"]["400"]
    for path, method, status in (
        ("/v2/databases", "post", "201"),
        ("/v2/databases/{database_cluster_uuid}", "get", "200"),
    ):
        schema = schema_of(found[path][method]["responses"][status])
        schema["properties"]["database"]["properties"]["rules"]["nullable"] = True
    schema = schema_of(found["/v2/databases"]["get"]["responses"]["200"])
    schema["properties"]["databases"]["items"]["properties"]["rules"]["nullable"] = True
    return found


def read():
    """Return the document as it is."""
    return json.loads(DOCUMENT.read_text())


def schema_of(said):
    """Return the schema of a request's or a response's JSON, None where it has none."""
    return said.get("content", {}).get("application/json", {}).get("schema")


@cache
def paths():
    """Return (pattern, template, operations) of each path, literal paths first."""
    return by_pattern(_corrected(read()["paths"])) if DOCUMENT.exists() else []


def by_pattern(found):
    """Return (pattern, template, operations) of each of a document's paths, literal ones first."""
    return [
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", template)), template, operations)
        for template, operations in sorted(found.items(), key=lambda item: item[0].count("{"))
    ]


def plain(schema):
    """Return an OpenAPI 3.0 schema as JSON Schema: `nullable` becomes a type."""
    if isinstance(schema, list):
        return [plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    same = {key: plain(value) for key, value in schema.items()}
    if same.pop("nullable", False) is True:
        if "enum" in same:
            same["enum"] = [*same["enum"], None]
        if "type" in same:
            return {**same, "type": [same["type"], "null"]}
        return {"anyOf": [same, {"type": "null"}]}
    return same


def validator(schema):
    """Return what says what is wrong with a value; formats do not count."""
    return jsonschema_rs.Draft7Validator(plain(schema), validate_formats=False)


def problems(validator, value):
    """Yield the place and the words of each thing that is wrong with a value."""
    for error in validator.iter_errors(value):
        place = ".".join("*" if isinstance(step, int) else step for step in error.instance_path)
        yield place, error.message


@cache
def _validator(template, method, status):
    operations = next(found for _, name, found in paths() if name == template)
    responses = operations[method]["responses"]
    response = responses.get(status) or responses.get("default", {})
    schema = schema_of(response)
    return validator(schema) if schema else None


def operation_of(method, path, known=None):
    """Return the template and the operation of a call, or "" and None."""
    for pattern, template, operations in paths() if known is None else known:
        if method in operations and pattern.fullmatch(path):
            return template, operations[method]
    return "", None


def scopes(method, path):
    """Return the token scopes that a call needs; none are known without the document."""
    _, operation = operation_of(method.lower(), path.partition("?")[0])
    return {
        scope
        for requirement in (operation or {}).get("security", ())
        for found in requirement.values()
        for scope in found
        # Wide scopes that contain the narrow one named beside them.
        if not scope.startswith("api:")
    }


def answer(path):
    """Return the schema of a good answer to GET `path`; None where the document has none."""
    _, operation = operation_of("get", path)
    return schema_of((operation or {}).get("responses", {}).get("200", {}))


def check(method, path, status, body):
    """Fail when an answer is not what the document describes for this call."""
    template, operation = operation_of(method.lower(), path)
    if operation is None:
        return
    if status < 300:
        assert str(status) in operation["responses"], f"{method} {template}: {status}?"
    known = _validator(template, method.lower(), str(status))
    if known and body is not None:
        wrong = [f"{place}: {words[:200]}" for place, words in problems(known, body)]
        assert not wrong, f"{method} {template} {status}: {wrong[:5]}"


# What was checked by this process, so that it is checked once.
_seen = set()


def check_all(exchanges):
    """Fail when an answer that a sandbox's journal has is not what the document describes.

    Answers that differ in numbers and ids alone have one shape, and one is checked. What met a
    fault was told to be wrong.
    """
    for one in exchanges:
        if one["fault"] or not one["path"].startswith("/v2/"):
            continue
        path = one["path"].partition("?")[0]
        template, _ = operation_of(one["method"].lower(), path)
        said = DIGITS.sub("0", json.dumps(one["response"]))
        shape = (one["method"], template, one["status"], hash(said))
        if template and shape not in _seen:
            check(one["method"], path, one["status"], one["response"])
            _seen.add(shape)
