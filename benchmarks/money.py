"""Measure what it takes to know the money: prices, a cluster's cost, the bill of many clusters.

The account has 200 clusters of dotrain's, each with a load balancer and a
volume. Beside dotrain stands the stock way: the same numbers by a request for
each cluster and for what belongs to it (`GET /v2/kubernetes/clusters/{id}` and
its `destroy_with_associated_resources`, then each load balancer and volume), as
scripts on DigitalOcean's API do. It lists the clusters with pages of 20, the
API's default. Both ask the same sandbox, call by call in the same run.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable
from typing import Any

import httpx
from measure import Meter, Target, print_targets, workplace

SIZES, COST, BILL = "sizes()", "cost()", "bill()"
ROUNDS = {SIZES: 9, COST: 9, BILL: 3}


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=200)
    number = parser.parse_args().clusters
    with workplace() as (_, notes, sandbox):
        import dotrain

        dotrain.use_sandbox()
        client = httpx.Client(
            base_url=sandbox["url"], headers={"Authorization": f"Bearer {sandbox['token']}"}
        )
        fill(client, number)
        meter = Meter(notes, sandbox)
        by_hand = Stock(client)
        ours = by_dotrain()
        stock = {SIZES: by_hand.sizes, COST: by_hand.cost, BILL: by_hand.bill}
        # Both say the same, or there is nothing to compare.
        assert abs((dotrain.bill().hourly or 0) - by_hand.bill()) < 1e-6
        for name, rounds in ROUNDS.items():
            for _ in range(rounds):
                meter.measure(name, ours[name])
                meter.measure(f"stock {name}", stock[name])
        show(meter, number)


def by_dotrain() -> dict[str, Callable[[], object]]:
    """Return dotrain's own calls."""
    import dotrain
    from dotrain import billing, target

    return {
        SIZES: dotrain.sizes,
        COST: lambda: billing.cost(target.current(), "bench0"),
        BILL: dotrain.bill,
    }


class Stock:
    """The same by hand: one request for each object, pages as they come."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str) -> dict[str, Any]:
        """Return the answer to a request."""
        answer: dict[str, Any] = self._client.get(path).raise_for_status().json()
        return answer

    def pages(self, path: str, key: str) -> list[dict[str, Any]]:
        """Return a list, page after page."""
        found: list[dict[str, Any]] = []
        for page in itertools.count(1):
            answer = self.get(f"{path}?page={page}")
            found += answer[key]
            if "next" not in answer.get("links", {}).get("pages", {}):
                break
        return found

    def sizes(self) -> dict[str, float]:
        """Return the price of each size that nodes can have."""
        of_nodes = {one["slug"] for one in self.get("/v2/kubernetes/options")["options"]["sizes"]}
        listed = self.pages("/v2/sizes", "sizes")
        return {one["slug"]: one["price_hourly"] for one in listed if one["slug"] in of_nodes}

    def of_cluster(self, identity: str, prices: dict[str, float]) -> float:
        """Return what a cluster costs an hour."""
        path = f"/v2/kubernetes/clusters/{identity}"
        pools = self.get(path)["kubernetes_cluster"]["node_pools"]
        beside = self.get(f"{path}/destroy_with_associated_resources")
        balancers = [
            self.get(f"/v2/load_balancers/{one['id']}")["load_balancer"]
            for one in beside["load_balancers"]
        ]
        volumes = [self.get(f"/v2/volumes/{one['id']}")["volume"] for one in beside["volumes"]]
        return (
            sum(prices[pool["size"]] * pool["count"] for pool in pools)
            + sum(12 / 672 * one["size_unit"] for one in balancers)
            + sum(0.1 / 672 * one["size_gigabytes"] for one in volumes)
        )

    def clusters(self) -> list[dict[str, Any]]:
        """Return all clusters."""
        return self.pages("/v2/kubernetes/clusters", "kubernetes_clusters")

    def cost(self) -> float:
        """Return what one cluster costs an hour."""
        (identity,) = (one["id"] for one in self.clusters() if one["name"] == "bench0")
        return self.of_cluster(identity, self.sizes())

    def bill(self) -> float:
        """Return what all clusters cost an hour."""
        prices = self.sizes()
        ours = [one["id"] for one in self.clusters() if "dotrain" in one["tags"]]
        self.get("/v2/customers/my/balance")
        return sum(self.of_cluster(identity, prices) for identity in ours)


def fill(client: httpx.Client, number: int) -> None:
    """Make so many clusters, each with what Kubernetes makes beside it."""
    rule = {"entry_protocol": "tcp", "entry_port": 80, "target_protocol": "tcp", "target_port": 80}

    def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = client.post(path, json=body).raise_for_status().json()
        return answer

    for count in range(number):
        name = f"bench{count}"
        block = f"172.{16 + count // 256}.{count % 256}.0/24"
        network = {"name": f"dotrain-{name}", "region": "nyc3", "ip_range": block}
        vpc = post("/v2/vpcs", network)["vpc"]
        pools = [
            {"name": "system", "size": "s-1vcpu-2gb", "count": 1},
            {"name": "train-s-4vcpu-8gb", "size": "s-4vcpu-8gb", "count": 4},
        ]
        made = post(
            "/v2/kubernetes/clusters",
            {
                "name": name,
                "region": "nyc3",
                "version": "1.34.1-do.0",
                "vpc_uuid": vpc["id"],
                "tags": ["dotrain", f"dotrain:{name}"],
                "node_pools": pools,
            },
        )["kubernetes_cluster"]
        tags = [f"k8s:{made['id']}"]
        where = {"region": "nyc3", "tags": tags}
        balancer = {"name": f"lb-{name}", "vpc_uuid": vpc["id"], "forwarding_rules": [rule]}
        post("/v2/load_balancers", {**where, **balancer})
        post("/v2/volumes", {**where, "name": f"disk-{name}", "size_gigabytes": 50})


def show(meter: Meter, number: int) -> None:
    """Print what was measured, and whether it is within bounds."""
    print(f"| {number} clusters | n | dotrain: s | CLI | API | stock: s | CLI | API | ratio |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, rounds in ROUNDS.items():
        ours, stock = meter.rows[name], meter.rows[f"stock {name}"]
        print(f"| {name} | {rounds} | {ours} | {stock} | {ours.median / stock.median:.2f} |")
    pages = -(-number // 200)
    print()
    print_targets(
        [
            Target("`sizes()`: requests", max(meter.rows[SIZES].requests), 2),
            Target("`cost()`: requests", max(meter.rows[COST].requests), 2 + 4 * pages),
            Target("`bill()`: requests", max(meter.rows[BILL].requests), 3 + 5 * pages),
            Target(
                "`bill()`: dotrain / stock",
                meter.rows[BILL].median / meter.rows[f"stock {BILL}"].median,
                0.5,
            ),
        ]
    )


if __name__ == "__main__":
    main()
