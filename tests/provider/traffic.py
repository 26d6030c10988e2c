"""Where the recording of the official provider is."""

import os
from pathlib import Path

import pytest

TRAFFIC = Path(
    os.environ.get("DOTRAIN_TRAFFIC")
    or Path(__file__).parents[3] / "shared" / "reference" / "provider-traffic.jsonl"
)
needs_recording = pytest.mark.skipif(
    not TRAFFIC.exists(), reason=f"no recording of the official provider at {TRAFFIC}"
)
