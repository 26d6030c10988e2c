"""Schemathesis asks the sandbox all that DigitalOcean's document has, and what it has not.

All its checks hold, but for what EXCEPTIONS lists. No answer is a server error, each has the shape
that the document describes, and each error is in DigitalOcean's words.
"""

import collections
import copy
import os
import random
import uuid

import pytest
from hypothesis.internal.conjecture import providers

from dotrain.sandbox import account, catalog, routes
from dotrain.sandbox.core import Sandbox
from dotrain.sandbox.server import application
from dotrain.sandbox.store import Store

from . import coverage, openapi
from .conftest import BALANCER, DATABASE, FIREWALL
from .exceptions import EXCEPTIONS, excepted
from .goods import POOL, TOKEN, make_all, with_more

pytestmark = [pytest.mark.long(50), openapi.needs_document]

WHOLE = {"name": "w", "description": "", "purpose": "x", "environment": "Staging"}
# A request for each operation whose fields the document describes more widely than they are.
EXAMPLES = {
    "POST /v2/databases": {**DATABASE, "name": "another"},
    "PUT /v2/databases/{database_cluster_uuid}/firewall": {
        "rules": [{"type": "ip_addr", "value": "192.0.2.1"}]
    },
    "PUT /v2/databases/{database_cluster_uuid}/maintenance": {"day": "any", "hour": "04:00"},
    "PUT /v2/databases/{database_cluster_uuid}/migrate": {"region": "ams3"},
    "PUT /v2/databases/{database_cluster_uuid}/resize": {"size": "db-s-2vcpu-4gb", "num_nodes": 1},
    "PUT /v2/databases/{database_cluster_uuid}/upgrade": {"version": "17"},
    "POST /v2/firewalls": {**FIREWALL, "name": "another"},
    "PUT /v2/firewalls/{firewall_id}": FIREWALL,
    "POST /v2/firewalls/{firewall_id}/rules": {"inbound_rules": FIREWALL["inbound_rules"]},
    "DELETE /v2/firewalls/{firewall_id}/rules": {"inbound_rules": FIREWALL["inbound_rules"]},
    "POST /v2/kubernetes/clusters": {
        "name": "another",
        "region": "nyc3",
        "version": "1.34.1-do.0",
        "node_pools": [POOL],
    },
    "POST /v2/kubernetes/clusters/{cluster_id}/node_pools": {**POOL, "name": "three"},
    "PUT /v2/kubernetes/clusters/{cluster_id}/node_pools/{node_pool_id}": {
        "name": "two",
        "count": 1,
    },
    "POST /v2/load_balancers": {**BALANCER, "name": "another"},
    "PUT /v2/load_balancers/{lb_id}": BALANCER,
    "POST /v2/projects": WHOLE,
    "PUT /v2/projects/default": {**WHOLE, "is_default": True},
    "PUT /v2/projects/{project_id}": {**WHOLE, "is_default": False},
    "POST /v2/tags": {"name": "another"},
    "POST /v2/volumes": {"name": "another", "region": "nyc3", "size_gigabytes": 1},
    "POST /v2/vpcs": {"name": "another", "region": "ams3"},
}
SEED = int(os.environ.get("DOTRAIN_ASKED_SEED", "1"))
_ONE_IN = 4


class Asked:
    """A sandbox with one of each thing, and what Schemathesis finds when it asks."""

    def __init__(self, store):
        self._store = store
        self._sandbox = Sandbox(store, "id", TOKEN, 0)
        self.ids = with_more(self._sandbox, make_all(self._sandbox))
        self._changes = store.changes
        self._app = application(self._sandbox)
        store._db.execute("CREATE TEMP TABLE kept AS SELECT * FROM objects")

    def restore(self):
        """Have what there was at first."""
        if self._store.changes != self._changes:
            self._store._db.execute("DELETE FROM objects")
            self._store._db.execute("INSERT INTO objects SELECT * FROM kept")
            self._changes = self._store.changes

    async def restored(self, scope, receive, send):
        """Answer each request as if it were the first."""
        self.restore()
        await self._app(scope, receive, send)

    def run(self, app, paths, **config):
        """Return the failures of each check, as (check, operation, words)."""
        import schemathesis
        from schemathesis.config import SchemathesisConfig
        from schemathesis.engine import events, from_schema

        common = {
            "seed": 1,
            "workers": 1,
            "continue-on-failure": True,
            "headers": {
                "Authorization": f"Bearer {TOKEN}",
                "Host": "127.0.0.1",
                "User-Agent": "schemathesis",
            },
        }
        document = {**openapi.read(), "paths": paths}
        settings = SchemathesisConfig.from_dict({**common, **config})
        schema = schemathesis.openapi.from_dict(document, config=settings)
        schema.app = app
        schema.config.base_url = "http://127.0.0.1"
        found = collections.Counter()
        for event in from_schema(schema).execute():
            assert not isinstance(event, (events.NonFatalError, events.FatalError)), event
            if isinstance(event, events.ScenarioFinished):
                found.update(_failures(event.recorder))
        return found

    def proven(self):
        """Return which operations were carried out."""
        return coverage.seen(self._sandbox.journal.after(0))


def _failures(recorder):
    for key, checks in recorder.checks.items():
        operation = recorder.cases[key].value.operation.label
        response = recorder.interactions[key].response
        for check in checks:
            if check.failure_info:
                failure = check.failure_info.failure
                sent = check.failure_info.code_sample
                said = response.content.decode() if response else ""
                yield check.name, operation, f"{failure.message}\n{sent}\n{said}"


def unforeseen(found):
    """Return the failures that are no exceptions, one of each check and operation."""
    return {failure[:2]: failure[2] for failure in found if excepted(*failure) is None}


def offered(*, examples=True):
    """Return the document's paths as far as the sandbox has them."""
    found = {}
    for _, template, operations in openapi.paths():
        for method, operation in operations.items():
            if any(
                known == method.upper() and pattern.fullmatch(template)
                for known, pattern, _ in routes._TABLE
            ):
                found.setdefault(template, {})[method] = operation
                example = EXAMPLES.get(f"{method.upper()} {template}")
                if example and examples:
                    found[template][method] = copy.deepcopy(operation)
                    content = found[template][method]["requestBody"]["content"]
                    content["application/json"]["example"] = example
    return found


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("asked") / "sandbox.db")
    numbers = random.Random(SEED)
    with pytest.MonkeyPatch.context() as patch:
        # The same requests are generated each time, so that what fails once fails again: from the
        # same ids, and not from what stands in the modules that other tests have imported.
        patch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=numbers.getrandbits(128), version=4))
        patch.setattr(providers, "_get_local_constants", providers.Constants)
        providers.CONSTANTS_CACHE.cache.clear()
        yield Asked(store)
    providers.CONSTANTS_CACHE.cache.clear()
    store.close()


def phases(*names):
    return {
        name: {"enabled": name in names} for name in ("examples", "coverage", "fuzzing", "stateful")
    }


def every(asked, examples, *, sample):
    """Ask each operation, on an account with one of each thing; a sample of them in every way."""
    paths = offered()
    names = [f"{one.upper()} {path}" for path, found in paths.items() for one in found]
    spared = random.Random(SEED).sample(names, len(names) * (_ONE_IN - 1) // _ONE_IN)
    return asked.run(
        asked.restored,
        paths,
        phases=phases("examples", "coverage", "fuzzing"),
        generation={"deterministic": True, "max-examples": examples, "no-shrink": True},
        parameters={f"path.{name}": value for name, value in asked.ids.items()},
        operations=[
            {"include-name": name, "phases": {"coverage": {"enabled": not sample}}}
            for name in spared
        ],
    )


def sequences(asked, examples):
    """Ask one thing after the other, each with what the ones before were answered."""
    asked.restore()
    return asked.run(
        asked._app,
        offered(),
        phases=phases("stateful"),
        generation={"deterministic": True, "max-examples": examples, "no-shrink": True},
    )


def test_each_operation_is_as_the_document_has_it(asked):
    assert unforeseen(every(asked, examples=2, sample=True)) == {}
    coverage.whole("schemathesis", asked.proven())


def test_operations_one_after_the_other_are_as_the_document_has_them(asked):
    assert unforeseen(sequences(asked, examples=4)) == {}


@pytest.mark.slow
def test_each_operation_is_asked_at_length(asked):
    found = every(asked, examples=30, sample=False) + sequences(asked, examples=100)
    assert unforeseen(found) == {}
    # None is listed that is none; other numbers of examples are other requests.
    found += every(asked, examples=2, sample=True) + sequences(asked, examples=4)
    assert {excepted(*failure) for failure in found} == set(range(len(EXCEPTIONS)))


@pytest.mark.parametrize(
    ("check", "path", "place"),
    [
        ("response_schema_conformance", "/v2/account", (account, "_ACCOUNT")),
        ("not_a_server_error", "/v2/sizes", (catalog, "sizes")),
    ],
)
def test_a_wrong_answer_is_found(asked, monkeypatch, check, path, place):
    monkeypatch.setattr(*place, None)
    few = {"deterministic": True, "max-examples": 1, "no-shrink": True}
    paths = {path: offered()[path]}
    found = asked.run(asked.restored, paths, phases=phases("fuzzing"), generation=few)
    assert check in {failure[0] for failure in found}


def test_what_the_document_does_not_have_is_listed():
    documented = {
        coverage.operation(method.upper(), template)
        for template, operations in offered(examples=False).items()
        for method in operations
    }
    missing = {name for _, name, _ in coverage.operations()} - documented
    assert missing == set(coverage.UNDOCUMENTED)
