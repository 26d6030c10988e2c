"""A sweep of the account acts on what is due, by label alone, and on nothing else."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from click.testing import CliRunner

import dotrain
from dotrain import cli, operations, sweeping, target
from dotrain.sandbox.store import Store
from tests.live import labelled
from tests.live.conftest import README, Sandbox, needed_scopes

MANY = 200


@pytest.fixture(autouse=True)
def healthy(sandbox: Sandbox) -> Iterator[None]:
    dotrain.use_sandbox()
    yield
    labelled.fail(sandbox)


def rows(*, dry_run: bool = False) -> dict[tuple[str, str], str]:
    """Return the outcome of each row of a sweep, by cluster and action."""
    frame = dotrain.sweep(dry_run=dry_run)
    return dict(zip(zip(frame.cluster, frame.action, strict=True), frame.outcome, strict=True))


def names(sandbox: Sandbox) -> set[str]:
    return {one["name"] for one in sandbox.objects("clusters")}


def documented_scopes() -> set[str]:
    """Return the scopes that the documentation tells users to give a sweep's token."""
    section = (README.parent / "docs" / "time.md").read_text().split("Scopes of its token:")[1]
    scopes: set[str] = set()
    kind = ""
    for name in re.findall(r"`(\w*):(\w+)`", section.split("\n\n")[0]):
        kind = name[0] or kind
        scopes.add(f"{kind}:{name[1]}")
    return scopes


def test_what_is_too_old_goes_whoever_made_it_and_one_in_trouble_keeps_no_other(
    sandbox: Sandbox,
) -> None:
    stuck = labelled.bare(sandbox, "stuck", "dotrain-max-age:1s")
    labelled.whole(sandbox, "overdue", "dotrain-max-age:1s")
    labelled.bare(sandbox, "young", "dotrain-max-age:12h")
    labelled.bare(sandbox, "unlimited")
    labelled.bare(sandbox, "unsure", "dotrain-max-age:whenever")
    # A stranger, on which somebody put one of dotrain's tags.
    theirs = labelled.bare(sandbox, "theirs")
    tags = ["dotrain", "dotrain:overdue", "dotrain-max-age:1s"]
    sandbox.call("PUT", f"{labelled.CLUSTERS}/{theirs['id']}", name="theirs", tags=tags)
    time.sleep(1)
    before = sandbox.last_request()
    planned = rows(dry_run=True)
    assert planned == {
        ("overdue", "down"): "would be done",
        ("stuck", "down"): "would be done",
        ("unsure", "unknown"): "",
        ("young", "keep"): "",
    }
    assert sandbox.changes(before) == []

    labelled.fail(sandbox, "DELETE", f".*{stuck['id']}.*", HTTPStatus.UNAUTHORIZED)
    with pytest.raises(dotrain.errors.SweepIncomplete, match="refused DELETE") as caught:
        dotrain.sweep()
    done = caught.value.frame.set_index("cluster")
    assert done.outcome["overdue"] == "done"
    assert done.outcome["stuck"].startswith("failed: ")
    assert names(sandbox) == {"stuck", "young", "unlimited", "unsure", "theirs"}
    # What has no end and what cannot be known is there with its reason.
    assert done.ends["young"].tzinfo is not None
    assert "no span" in done.why["unsure"]
    labelled.fail(sandbox)
    assert needed_scopes(sandbox.requests(before)) <= documented_scopes()
    said = CliRunner().invoke(cli.main, ["sweep", "--format", "csv"])
    assert (said.exit_code, "stuck,down" in said.output) == (0, True)
    assert "stuck" not in names(sandbox)


def test_a_cluster_that_is_extended_meanwhile_lives_on(sandbox: Sandbox) -> None:
    gone = operations.down(target.current(), "young", only_if_over=True)
    assert gone.empty
    assert "young" in names(sandbox)


def test_training_nodes_go_once_and_the_cluster_stays(sandbox: Sandbox) -> None:
    cluster = labelled.bare(sandbox, "idler", "dotrain-idle:1s")
    for _ in range(2):
        sweeping._pause(target.current(), cluster)
    (now,) = [one for one in sandbox.objects("clusters") if one["name"] == "idler"]
    states = {pool["name"]: pool["nodes"][0]["status"]["state"] for pool in now["node_pools"]}
    assert states.pop("system") != "deleting"
    assert set(states.values()) <= {"deleting"}
    assert rows(dry_run=True)[("idler", "keep")] == ""


@pytest.fixture
def many(sandbox: Sandbox) -> None:
    """So many clusters, of which two are too old, on an account that enforces its limits."""
    sandbox.call("POST", "/__sandbox__/reset")
    made = labelled.bare(sandbox, "many-0", "dotrain-max-age:12h")
    target.stop_sandbox()
    # One request for each would be most of what a minute takes.
    store = Store(target.sandbox_directory() / "sandbox.db")
    first = store.get("cluster", made["id"])
    assert first is not None
    with store.transaction():
        for number in range(MANY):
            age = "1s" if number < 2 else "12h"
            label = ["dotrain", f"dotrain:many-{number}", f"dotrain-max-age:{age}"]
            copy = {**first, "name": f"many-{number}", "tags": label}
            copy["created"] -= 3600
            store.put("cluster", {**copy, "id": f"{made['id'][:-4]}{number:04}"})
        store.delete("cluster", made["id"])
    store.close()
    target.start_sandbox()
    sandbox.call("POST", "/__sandbox__/settings", rate_limit=True, delay=0.05)


def test_many_clusters_cost_a_page_and_a_limited_account_is_never_overrun(
    sandbox: Sandbox, many: None
) -> None:
    before = sandbox.last_request()
    assert len(rows(dry_run=True)) == MANY
    assert len(sandbox.requests(before)) == 1
    done = rows()
    asked = sandbox.requests(before)
    assert done["many-0", "down"] == done["many-1", "down"] == "done"
    assert len(names(sandbox)) == MANY - 2
    assert {one["status"] for one in asked} <= {HTTPStatus.OK, HTTPStatus.NO_CONTENT, 404}
    # Two teardowns, and not a request for any of the others.
    assert len(asked) < 80
