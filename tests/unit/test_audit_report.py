"""Findings as a table, JSON and SARIF."""

from __future__ import annotations

import json

import jsonschema_rs
import pandas as pd
import pytest

from dotrain.auditing import CHECKS, SEVERITIES, Finding, Suppression, audit
from dotrain.auditing.report import frame, passed, to_json, to_sarif
from tests.unit.audit_subjects import cluster, healthy

COLUMNS = ["id", "severity", "what", "where", "fix", "suppressed"]
FINDINGS = audit(
    healthy(
        clusters=(cluster(ha=False, control_plane_firewall=None),),
        suppressions=(Suppression("DIG-0003", "Nodes pull images from the web."),),
    )
)

_TEXT = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1}},
    "additionalProperties": False,
}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_TAGS = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
# What SARIF 2.1.0 (OASIS, sarif-schema-2.1.0.json) says of the parts used here.
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "additionalProperties": False,
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "additionalProperties": False,
                                "properties": {
                                    "name": {"type": "string"},
                                    "version": {"type": "string"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {"$ref": "#/$defs/rule"},
                                    },
                                },
                            }
                        },
                    },
                    "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
                },
            },
        },
    },
    "$defs": {
        "rule": {
            "type": "object",
            "required": ["id", "shortDescription", "fullDescription", "help", "helpUri"],
            "additionalProperties": False,
            "properties": {
                "id": {"type": "string"},
                "shortDescription": _TEXT,
                "fullDescription": _TEXT,
                "help": _TEXT,
                "helpUri": {"type": "string", "format": "uri", "pattern": "^https://"},
                "defaultConfiguration": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"level": _LEVEL},
                },
                "properties": {"type": "object", "properties": {"tags": _TAGS}},
            },
        },
        "result": {
            "type": "object",
            "required": ["ruleId", "ruleIndex", "level", "message", "locations", "suppressions"],
            "additionalProperties": False,
            "properties": {
                "ruleId": {"type": "string"},
                "ruleIndex": {"type": "integer", "minimum": 0},
                "level": _LEVEL,
                "message": _TEXT,
                "locations": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            "logicalLocations": {
                                "type": "array",
                                "uniqueItems": True,
                                "items": {
                                    "type": "object",
                                    "additionalProperties": False,
                                    "properties": {
                                        "fullyQualifiedName": {"type": "string"},
                                        "kind": {"type": "string"},
                                    },
                                },
                            }
                        },
                    },
                },
                "partialFingerprints": {
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                },
                "suppressions": {
                    "type": "array",
                    "uniqueItems": True,
                    "items": {
                        "type": "object",
                        "required": ["kind"],
                        "additionalProperties": False,
                        "properties": {
                            "kind": {"enum": ["inSource", "external"]},
                            "justification": {"type": "string"},
                        },
                    },
                },
                "properties": {"type": "object"},
            },
        },
    },
}


@pytest.mark.parametrize("findings", [FINDINGS, []])
def test_the_frame_has_the_same_columns_of_text_with_and_without_findings(findings) -> None:
    table = frame(findings)
    assert list(table.columns) == COLUMNS
    # "str" is a type of its own from pandas 3 on, and object before.
    assert set(table.dtypes) == {pd.Series(["x"]).astype("str").dtype}
    assert len(table) == len(findings)
    assert list(table["id"]) == [one.id for one in findings]


@pytest.mark.parametrize("severity", SEVERITIES)
def test_medium_and_worse_fail_unless_they_are_suppressed(severity) -> None:
    finding = Finding("DIG-0001", severity, "What.", "firewall fence", "Fix.")
    assert passed([finding]) is (severity in ("LOW", "INFO"))
    assert passed([Finding("DIG-0001", severity, "What.", "firewall fence", "Fix.", "Because.")])
    assert passed([])


def test_json_says_what_the_frame_says() -> None:
    said = json.loads(to_json(iter(FINDINGS)))
    assert said["passed"] is False
    assert said["findings"] == frame(FINDINGS).to_dict("records")
    assert json.loads(to_json([])) == {"passed": True, "findings": []}


@pytest.mark.parametrize("findings", [FINDINGS, []])
def test_sarif_is_valid(findings) -> None:
    log = json.loads(to_sarif(findings, "1.2.3"))
    jsonschema_rs.Draft202012Validator(SARIF).validate(log)
    (run,) = log["runs"]
    assert run["tool"]["driver"]["version"] == "1.2.3"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(CHECKS)
    assert len(run["results"]) == len(findings)
    assert "version" not in json.loads(to_sarif(findings))["runs"][0]["tool"]["driver"]


def test_a_sarif_result_is_its_finding() -> None:
    (run,) = json.loads(to_sarif(FINDINGS))["runs"]
    rules = run["tool"]["driver"]["rules"]
    levels = {"CRITICAL": "error", "HIGH": "error", "MEDIUM": "warning"}
    for finding, result in zip(FINDINGS, run["results"], strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding.id
        assert result["level"] == levels.get(finding.severity, "note")
        for part in (finding.what, finding.where, finding.fix):
            assert part in result["message"]["text"]
        names = [one["fullyQualifiedName"] for one in result["locations"][0]["logicalLocations"]]
        assert names == [finding.where]
        reasons = [one["justification"] for one in result["suppressions"]]
        assert reasons == ([finding.suppressed] if finding.suppressed else [])
    assert any(result["suppressions"] for result in run["results"])
    prints = [result["partialFingerprints"]["dotrain/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)


def test_the_same_findings_are_the_same_log() -> None:
    assert to_sarif(FINDINGS) == to_sarif(list(FINDINGS))


def test_an_audit_needs_no_pandas(python) -> None:
    code = (
        "import sys, dotrain.auditing, dotrain.auditing.report; sys.exit('pandas' in sys.modules)"
    )
    assert python(code).returncode == 0
