"""The fields of a form that are there once: what each is called, and what it is for."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import fields as fields_of
from typing import Any

from dotrain.address import Address
from dotrain.spec import ENGINES
from dotrain.widgets.form.offered import Offered
from dotrain.widgets.form.values import Values
from dotrain.widgets.kit import parts
from dotrain.widgets.kit.fields import Field

LIMITS = (
    "The longest life counts from its creation on, the longest idle while nothing works on it, the "
    "budget is US dollars in all. Empty for none; dotrain sweep acts on them, as docs/time.md says."
)
_ME = "Me: this machine"
# Wide enough for a label and a span of time, so that three stand beside each other.
_SHORT = "20em"
NEWEST = ""
"""What stands for None in a list to choose from: ipywidgets takes None for nothing chosen."""


def make() -> dict[str, Field]:
    """Return the fields by the names that `Values` has for them, in the order of reading."""
    text, checkbox, dropdown = parts.text, parts.checkbox, parts.dropdown
    return {
        "name": Field("Name", text("bert"), hint="Lower-case letters, digits and hyphens."),
        "region": Field("Region", dropdown()),
        "version": Field("Kubernetes", dropdown()),
        "me": Field(_ME, checkbox()),
        "open_to_world": Field("Let everybody in (open_to_world)", checkbox()),
        "engine": Field("Database", dropdown()),
        "database_size": Field("Database size", dropdown()),
        "database_nodes": Field("Database nodes", dropdown()),
        "database_version": Field("Database version", dropdown()),
        "max_age": Field("Longest life", text("12h", width=_SHORT)),
        "idle": Field("Longest idle", text("1h", width=_SHORT)),
        "budget": Field("Budget", text("$50", width=_SHORT)),
        "egress": Field(
            "Nodes may reach",
            text("web"),
            hint="web, open, locked, or rules such as tcp 443 to 203.0.113.0/24, with commas "
            "between them.",
        ),
        "ha": Field(
            "Highly available control plane (ha)",
            checkbox(),
            hint="DigitalOcean charges for it. From Kubernetes 1.36 on there is no other.",
        ),
        "auto_upgrade": Field(
            "Patch upgrades by themselves (auto_upgrade)",
            checkbox(),
            hint="In the maintenance window. They restart nodes, and what trains on them.",
        ),
        "reaper": Field(
            "A job in the cluster that ends what is idle or too old (reaper)",
            checkbox(),
            hint="It needs a token of its own in DOTRAIN_REAPER_TOKEN: docs/time.md says what it "
            "can do.",
        ),
        "drain": Field("Move what runs on nodes before they go (drain)", checkbox()),
        "drain_timeout": Field("Drain timeout", text("10m")),
        "force": Field("This machine may lose its access (force)", checkbox()),
        "replace": Field(
            "Replace",
            text(),
            hint="The cluster's name, when what stands above may be destroyed.",
        ),
    }


@dataclass(frozen=True)
class There:
    """What a cluster that exists is, and cannot be changed.

    Parameters
    ----------
    version : str
        Its Kubernetes version.
    database : bool
        Whether it has a database.
    """

    version: str
    database: bool


def offer(
    fields: dict[str, Field], values: Values, offered: Offered | None, there: There | None
) -> None:
    """Offer in the lists what there is to choose.

    Parameters
    ----------
    fields : dict of str to Field
        The fields.
    values : Values
        What is chosen.
    offered : Offered or None
        What DigitalOcean offers; None until it is known, then only what is chosen.
    there : There or None
        The cluster that exists; None for a new one.
    """
    known = offered or Offered()
    engine = values.engine
    layouts = known.layouts(engine)
    sizes = [size for nodes, some in layouts if nodes == values.database_nodes for size in some]
    versions = (known.databases.get(engine) or {}).get("versions") or ()
    # A database goes with its cluster only.
    none = [] if there and there.database else [("none", "")]
    chosen = typed(values)
    as_it_is = [(f"{there.version} (as it is)", chosen["version"])] if there else []
    choices: dict[str, list[tuple[str, Any]]] = {
        "region": _regions(known, values),
        "version": as_it_is or _versions(known),
        "engine": [*none, *((one, one) for one in ENGINES)],
        "database_size": [(size, size) for size in sizes],
        "database_nodes": [(str(nodes), nodes) for nodes, _ in layouts],
        "database_version": [("newest", NEWEST), *((one, one) for one in versions)],
    }
    for name, options in choices.items():
        parts.offer(fields[name].control, options, chosen[name])
    fields["version"].control.disabled = there is not None
    for name in ("database_size", "database_nodes", "database_version"):
        fields[name].widget.layout.display = None if engine else "none"


def typed(values: Values) -> dict[str, Any]:
    """Return what stands in each control for `values`."""
    return {
        one.name: NEWEST if value is None else value
        for one in fields_of(values)
        if one.name not in ("pools", "sources")
        for value in [getattr(values, one.name)]
    }


def meant(controls: dict[str, Any]) -> dict[str, Any]:
    """Return the values for which these stand in the controls."""
    newest = {name for name in ("version", "database_version") if controls[name] == NEWEST}
    return controls | dict.fromkeys(newest)


def _regions(known: Offered, values: Values) -> list[tuple[str, Any]]:
    """Return the regions, each with the chosen sizes that it does not have."""
    chosen = dict.fromkeys(pool.size for pool in values.pools)
    offers = [known.by_slug[size] for size in chosen if size in known.by_slug]
    options = []
    for region in known.options["regions"]:
        slug = region["slug"]
        missing = [one.slug for one in offers if slug not in one.regions]
        mark = f", without {', '.join(missing)}" if missing else ""
        options.append((f"{slug} ({region.get('name') or slug}){mark}", slug))
    return options


def _versions(known: Offered) -> list[tuple[str, Any]]:
    slugs = known.versions
    numbers = [slug.partition("-")[0] for slug in slugs]
    newest = f"newest ({numbers[0]})" if slugs else "newest"
    return [(newest, NEWEST), *zip(numbers, slugs, strict=True)]


def about_me(found: Address | None, lost: str) -> tuple[str, str]:
    """Return what this machine is called, with its address, and what to say of that."""
    if found is not None:
        said = "By ssh, to the Kubernetes API and to the database."
        return f"{_ME}, {' and '.join(found.cidrs)}", f"{said} {found.note}".strip()
    if lost:
        return _ME, "It is not known. Retry, or untick this and add the address that is to enter."
    return _ME, "Your address is being looked up …"
