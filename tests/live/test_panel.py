"""Panels in real kernels: two show the same, a restart finds what runs, a saved one is readable."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest

import dotrain
from dotrain.widgets.panel import feed
from tests.crash.kernel import Kernel
from tests.live.conftest import Sandbox, frozen, processes

pytestmark = pytest.mark.long(50)

SECONDS = 60
# As a front end does when it shows the panel.
SEEN = "panel.widget._view_count = 1"
BEGIN = "import dotrain, time; target = dotrain.use_sandbox()"
PANEL = f"{BEGIN}; panel = dotrain.get('bert', wait=False).panel(); {SEEN}"
UNTIL = f"""
deadline = time.monotonic() + {SECONDS}
while not ({{holds}}):
    assert time.monotonic() < deadline, panel.text()
    time.sleep(0.05)
print(panel.text())
"""


@pytest.fixture(scope="module")
def one(sandbox: Sandbox) -> Iterator[Kernel]:
    """A kernel for all tests of this module, as of a notebook that stays open."""
    made = Kernel(os.environ)
    yield made
    made.close()


def run(one: Kernel, code: str) -> str:
    """Return what a cell has put out, which it does without an error."""
    output = one.run(code)
    assert not output.error, output.message
    return output.shown


def wait(one: Kernel, holds: str) -> str:
    """Return the text of the panel in a kernel as soon as something holds there."""
    return run(one, UNTIL.format(holds=holds))


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def names(sandbox: Sandbox) -> list[str]:
    return [one["name"] for one in sandbox.objects("clusters")]


def test_a_kernel_finds_what_a_killed_one_began_and_the_end_of_it(
    sandbox: Sandbox, one: Kernel
) -> None:
    killed = Kernel(os.environ)
    killed.begin(f"{BEGIN}; dotrain.up('bert')")
    until(lambda: "bert" in names(sandbox) and processes(leading=True))
    with frozen():
        killed.kill()
        run(one, PANEL)
        wait(one, "'create cluster bert' in panel.text()")
        run(one, "assert panel.snapshot.busy")
        # All cells are run again, that with the panel too.
        run(one, f"panel.close(); {PANEL}")
        run(one, "assert panel.snapshot.busy")
    said = wait(one, "'2 of 2 run' in panel.text() and not panel.snapshot.busy")
    assert "bert: running" in said
    run(one, "dotrain.up('bert')")
    assert names(sandbox) == ["bert"]


def test_panels_of_one_kernel_cost_the_requests_of_one_and_none_when_nobody_looks(
    sandbox: Sandbox, one: Kernel
) -> None:
    before, begun = sandbox.last_request(), time.monotonic()
    run(one, "more = [dotrain.get('bert', wait=False).panel() for _ in range(3)]")
    run(one, "for other in more: other.widget._view_count = 1")
    wait(one, "all('bert: running' in other.text() for other in more)")
    run(one, "panel.widget._view_count = 0\nfor other in more: other.close()")
    run(one, "import threading")
    wait(one, "not any('feed' in thread.name for thread in threading.enumerate())")
    asked = [request["path"].partition("?")[0] for request in sandbox.requests(before)]
    # One feed looks so often, whatever the number of panels.
    looks = (time.monotonic() - begun) / feed.CALM + 2
    clusters = [path for path in asked if path.startswith("/v2/kubernetes/clusters")]
    assert asked.count("/v2/firewalls") == len(clusters) <= looks
    quiet = sandbox.last_request()
    run(one, "time.sleep(1.5)")
    assert sandbox.last_request() == quiet


def test_what_a_cell_shows_of_a_cluster_is_readable_without_its_kernel(
    sandbox: Sandbox, one: Kernel
) -> None:
    shown = run(one, "cluster = dotrain.get('bert')\ncluster")
    assert "bert: running" in shown
    assert "As of" in shown
    html = run(one, "print(cluster.panel().html())")
    assert "The last operations from this machine" in html
    assert sandbox.token not in shown + html


def test_two_panels_in_two_kernels_show_the_same_until_the_cluster_is_gone(
    sandbox: Sandbox, one: Kernel
) -> None:
    run(one, SEEN)
    other = Kernel(os.environ)
    try:
        run(other, f"{PANEL}; dotrain.get('bert').resize(count=2)")
        wait(one, "'2/2 s-2vcpu-4gb (training)' in panel.text() and not panel.snapshot.busy")
        theirs = run(one, "print(panel.text())").partition("As of")[0]
        assert "resize bert" in theirs
        run(other, f"theirs = {theirs!r}")
        wait(other, "panel.text().partition('As of')[0] == theirs")
    finally:
        other.close()
    dotrain.down("bert", confirm="bert")
    assert "it is gone, or was never made" in wait(one, "'bert: gone' in panel.text()")
