"""DigitalOcean's OpenAPI document, asked whether an answer has the shape it describes.

The document is data from elsewhere and no part of this project: its path is in
DOTRAIN_OPENAPI, or it lies beside the checkout. Without it nothing is checked here.
"""

import json
import os
import re
from functools import cache
from pathlib import Path

import jsonschema

BESIDE = Path(__file__).parents[3] / "shared" / "reference"
DOCUMENT = Path(os.environ.get("DOTRAIN_OPENAPI") or BESIDE / "digitalocean-openapi.json")

# Where recorded traffic and the document disagree; the traffic wins.
DISAGREEMENTS = {
    ("DELETE", "/v2/kubernetes/clusters/{cluster_id}/node_pools/{node_pool_id}", 202): (
        "the document says 204; the recorded answer was 202"
    ),
    **{
        (method, f"/v2/{path}", 400): "an older error body; all recorded errors have an id"
        for method, path in (("POST", "tags"), ("POST", "firewalls"), ("POST", "volumes"))
    },
}


@cache
def paths():
    """Return (pattern, template, operations) of each path, literal paths first."""
    if not DOCUMENT.exists():
        return []
    found = json.loads(DOCUMENT.read_text())["paths"]
    return [
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", template)), template, operations)
        for template, operations in sorted(found.items(), key=lambda item: item[0].count("{"))
    ]


def _plain(schema):
    """Return an OpenAPI 3.0 schema as JSON Schema: `nullable` becomes a type."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _plain(value) for key, value in schema.items()}
    if plain.pop("nullable", False) is True:
        return {"anyOf": [plain, {"type": "null"}]}
    return plain


@cache
def _validator(template, method, status):
    operations = next(found for _, name, found in paths() if name == template)
    responses = operations[method]["responses"]
    response = responses.get(status) or responses.get("default", {})
    schema = response.get("content", {}).get("application/json", {}).get("schema")
    return jsonschema.Draft7Validator(_plain(schema)) if schema else None


def _operation(method, path):
    for pattern, template, operations in paths():
        if method in operations and pattern.fullmatch(path):
            return template, operations[method]
    return "", None


def scopes(method, path):
    """Return the token scopes that a call needs; none are known without the document."""
    _, operation = _operation(method.lower(), path.partition("?")[0])
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
    _, operation = _operation("get", path)
    content = (operation or {}).get("responses", {}).get("200", {}).get("content", {})
    return content.get("application/json", {}).get("schema")


def check(method, path, status, body):
    """Fail when an answer is not what the document describes for this call."""
    template, operation = _operation(method.lower(), path)
    if operation is None or (method, template, status) in DISAGREEMENTS:
        return
    if status < 300:
        assert str(status) in operation["responses"], f"{method} {template}: {status}?"
    validator = _validator(template, method.lower(), str(status))
    if validator and body is not None:
        problems = [
            f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in validator.iter_errors(body)
        ]
        assert not problems, f"{method} {template} {status}: {problems[:5]}"
