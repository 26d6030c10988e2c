"""The page of the sandbox's operations is what was found."""

import os

import pytest

from tests.provider.traffic import needs_recording

from . import coverage, openapi, page

TEXT = coverage.PAGE.read_text()
pytestmark = pytest.mark.skipif(
    "DOTRAIN_COVERAGE" in os.environ, reason="the page is being written anew"
)


def test_every_operation_is_proven_by_a_client():
    proven = {(method, template) for _, method, template in coverage.told(TEXT)}
    assert proven == {(method, template) for method, template, _ in coverage.operations()} - {
        # Refused, always.
        ("DELETE", "/v2/projects/default")
    }


@openapi.needs_document
@needs_recording
def test_the_page_says_what_is_so():
    assert page.page(coverage.told(TEXT)) == TEXT
