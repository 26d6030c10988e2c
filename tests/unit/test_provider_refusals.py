"""What the official provider says of a failed call is said in one sentence, with what to do."""

from __future__ import annotations

import pytest

from dotrain.engine import refusals

URL = "https://api.digitalocean.com/v2"
ASKED = 'POST https://api.digitalocean.com/v2/vpcs: 500 (request "r-1") oops'
ANSWERED = "DigitalOcean answered POST /v2"
DECODED = "json: cannot unmarshal number into Go struct field VPC.vpc.name of type string"

# As godo 1.207 and Pulumi's bridge put it.
SAID = [
    (
        f"vpc: Error creating VPC: {ASKED}: provider=digitalocean@4.84.1",
        f"vpc: {ANSWERED}/vpcs with 500 (request r-1): oops",
        "support",
    ),
    (
        f"vpc: 1 error occurred: * Error creating VPC: {ASKED}; giving up after 5 attempt(s)",
        f"vpc: {ANSWERED}/vpcs with 500 (request r-1): oops",
        "support",
    ),
    (
        f'cluster: POST {URL}/kubernetes/clusters: 422 (request "r") over your droplet limit',
        f"cluster: {ANSWERED}/kubernetes/clusters with 422 (request r): over your droplet limit",
        "higher limit",
    ),
    (
        f"firewall: POST {URL}/firewalls: 422 bad name",
        f"firewall: {ANSWERED}/firewalls with 422: bad name",
        "Change",
    ),
    (f"tag: POST {URL}/tags: 401 no", f"tag: {ANSWERED}/tags with 401: no", "TOKEN"),
    (f"tag: POST {URL}/tags: 403 no", f"tag: {ANSWERED}/tags with 403: no", "scope"),
    (
        f"tag: GET {URL}/tags/a?b=c: 404",
        "tag: DigitalOcean answered GET /v2/tags/a?b=c with 404",
        "own up()",
    ),
    (
        f'database: Error: Get "{URL}/databases/d": EOF',
        "database: DigitalOcean did not answer GET /v2/databases/d: EOF",
        "network",
    ),
    (
        "pool-a: Error creating pool: unexpected EOF",
        "pool-a: DigitalOcean's answer about /v2/kubernetes/clusters/…/node_pools cannot be read",
        "status.digitalocean.com",
    ),
    (
        f"vpc: {DECODED}",
        f"vpc: DigitalOcean's answer about /v2/vpcs cannot be read: {DECODED}",
        "status.digitalocean.com",
    ),
    (
        "vpc: resource 'v-1' does not exist",
        "vpc: DigitalOcean answered GET /v2/vpcs/v-1 with 404, though its list has it",
        "wait a minute",
    ),
    (
        "vpc: Error creating: Timeout waiting",
        "vpc: what DigitalOcean answers to GET /v2/vpcs/… never was that it is ready: Error",
        "wait on",
    ),
    ("cluster: no capacity in this region", "cluster: no capacity in this region", ""),
]


@pytest.mark.parametrize(("said", "sentence", "hint"), SAID)
def test_a_failure_says_where_and_what_and_which_and_what_to_do(
    said: str, sentence: str, hint: str
) -> None:
    (found,) = refusals.read([said])
    assert found.sentence.startswith(sentence)
    assert hint in found.fix
    assert bool(found.fix) == ("no capacity" not in said)


def test_what_the_provider_says_twice_is_said_once() -> None:
    once = f'vpc: Error creating VPC: POST {URL}/vpcs: 500 (request "r") no'
    twice = f"{once}: provider=digitalocean@4.84.1"
    assert len(refusals.read([once, twice])) == 1
