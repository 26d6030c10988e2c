"""Generated specs, sources and networks."""

from __future__ import annotations

import ipaddress

from hypothesis import strategies as st

from dotrain.grants import DEFAULT, Grant
from dotrain.pools import Pool
from dotrain.sources import ME
from dotrain.spec import ClusterSpec, Database, Resolved

_small = "abcdefghijklmnopqrstuvwxyz"
_digits = "0123456789"

names = st.builds(
    lambda first, rest: (first + rest).rstrip("-"),
    st.sampled_from(_small),
    st.text(f"{_small}{_digits}-", max_size=39),
    # A size in the place of a pool's name is a mistake.
).filter(lambda name: "vcpu" not in name)
slugs = st.text(f"{_small}{_digits}-", min_size=1, max_size=20)
versions = st.none() | st.sampled_from(["1", "1.34", "1.34.1-do.0", "17"])

v4_networks, v6_networks = (
    st.builds(
        # From the address as text: a small number alone would be IPv4.
        lambda address, prefix: ipaddress.ip_network(f"{address}/{prefix}", strict=False),
        st.ip_addresses(v=version),
        st.integers(1, longest),
    )
    for version, longest in ((4, 32), (6, 128))
)
networks = v4_networks | v6_networks
services = st.sampled_from(["ssh", "https", "jupyter", "tcp 8000-9000", "udp 53", "icmp"])
grants = st.builds(
    Grant,
    source=st.just(ME) | networks.map(str),
    to=st.just(DEFAULT) | st.lists(services, min_size=1, max_size=3, unique=True).map(tuple),
    expires=st.sampled_from(["", "2030-01-01T00:00:00Z"]),
)
sources = st.lists(grants, min_size=1, max_size=8).map(tuple)

scaling = st.just({}) | st.builds(
    lambda least, more, most: {"min": least, "count": least + more, "max": least + more + most},
    *(st.integers(0, 9), st.integers(1, 9), st.integers(0, 9)),
)
pools = st.lists(
    st.builds(
        lambda scaling, **rest: Pool(**{**rest, **scaling}),
        scaling,
        size=slugs,
        count=st.integers(1, 1000),
        name=names,
        labels=st.dictionaries(st.sampled_from(["team", "example.com/team"]), st.just("nlp")),
        taints=st.just(()) | st.just(("team=nlp:NoSchedule", "spot:NoExecute")),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda pool: pool.name,
).map(tuple)
databases = st.builds(
    Database,
    engine=st.sampled_from(["pg", "mysql", "valkey", "mongodb", "kafka", "opensearch"]),
    size=slugs,
    nodes=st.integers(1, 9),
    version=versions,
)
specs = st.builds(
    ClusterSpec,
    name=names,
    region=slugs,
    version=versions,
    pools=pools.filter(lambda some: all(pool.name != "system" for pool in some)),
    allow=sources,
    open_to_world=st.just(value=True),
    egress=st.sampled_from([("web",), ("open",), ("locked", "tcp 443 to 203.0.113.0/24")]),
    database=st.none() | databases,
    ha=st.booleans(),
    auto_upgrade=st.booleans(),
    max_age=st.none() | st.sampled_from(["12h", "1d1h30m"]),
    idle=st.none() | st.sampled_from(["1h", "45m"]),
    budget=st.none() | st.integers(1, 10**6),
    reaper=st.booleans(),
    paused=st.booleans(),
)
resolutions = st.builds(
    Resolved,
    version=slugs,
    me=st.dictionaries(names, st.lists(networks.map(str), max_size=2).map(tuple), max_size=2),
    database_version=versions,
)
