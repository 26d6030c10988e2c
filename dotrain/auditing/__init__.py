"""Audit: what the API describes against rules with ids, dotrain's own and those of others.

Pure: nothing here makes a request, reads a clock or writes a file.
"""

from __future__ import annotations

from dotrain.auditing.checks import CHECKS, Check
from dotrain.auditing.estate import Own
from dotrain.auditing.finding import SEVERITIES, Finding
from dotrain.auditing.run import audit
from dotrain.auditing.subject import Subject, Suppression, by_design

__all__ = [
    "CHECKS",
    "SEVERITIES",
    "Check",
    "Finding",
    "Own",
    "Subject",
    "Suppression",
    "audit",
    "by_design",
]
