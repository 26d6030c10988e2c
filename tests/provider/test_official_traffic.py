"""Step by step, this provider asks what the official one asked."""

import json
from collections import defaultdict

import pytest

from tests.provider.programs import Scenario
from tests.provider.replay import recorded
from tests.provider.traffic import TRAFFIC, needs_recording

# The SDK does not close the event loops of inline programs.
pytestmark = [
    pytest.mark.long(30),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

FIRST = Scenario()
MOVED = Scenario(address="198.51.100.4")
GROWN = Scenario(address="198.51.100.4", count=5)
BIGGER = Scenario(address="198.51.100.4", count=5, size="s-4vcpu-8gb")


def by_resource(exchanges):
    """Return requests per resource, in their order; resources are worked on side by side."""
    grouped = defaultdict(list)
    for exchange in exchanges:
        grouped[_resource(exchange.path)].append(
            (exchange.method, exchange.path, json.dumps(exchange.request, sort_keys=True))
        )
    return dict(grouped)


def _resource(path):
    parts = path.partition("?")[0].split("/")
    for collection in ("node_pools", "firewall"):
        if collection in parts:
            return collection
    return "/".join(parts[:4] if "kubernetes" in parts else parts[:3])


@needs_recording
def test_every_step_makes_the_recorded_requests(stack_for, replay):
    steps = recorded(TRAFFIC)
    stack = stack_for(FIRST, replay.url)

    def check(name, act, program=None):
        replay.load(steps[name])
        if program:
            stack.workspace.program = program
        result = act()
        assert by_resource(replay.requests) == by_resource(steps[name]), name
        return result

    check("up (create)", stack.up)
    check("preview (no change)", stack.preview)
    assert check("refresh", stack.refresh).summary.resource_changes == {"same": 8}
    check("up (new ip: firewall, control plane, db)", stack.up, MOVED)
    check("up (count 3->5)", stack.up, GROWN)
    check("up (pool size change)", stack.up, BIGGER)
    check("destroy", stack.destroy)
