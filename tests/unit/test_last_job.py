"""How a job ended is known after its cluster is gone, from what was noted before that."""

from __future__ import annotations

import datetime as dt
import json

from dotrain.jobs import last
from dotrain.jobs.status import JobStatus, PodStatus

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone.utc)
HOUR = dt.timedelta(hours=1)


def test_a_status_is_read_as_it_was_written() -> None:
    pods = (PodStatus(0, "a-0-x", "succeeded", "node-1", 2), PodStatus(1))
    status = JobStatus("failed", "It has failed", pods, NOON, NOON + HOUR, HOUR)
    assert last.read(json.loads(json.dumps(last.written(status)))) == status


def test_a_job_that_never_started_has_no_times() -> None:
    assert last.read(last.written(JobStatus("cancelled"))) == JobStatus("cancelled")
