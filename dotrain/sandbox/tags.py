"""Tags: names that select Droplets, and what carries them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dotrain.sandbox import droplets
from dotrain.sandbox.answers import NOTHING, Answer, Call, Doc, invalid, not_found, paged
from dotrain.sandbox.validate import Fields, check_tag

if TYPE_CHECKING:
    from dotrain.sandbox.store import Store

KIND = "tag"
# What a tag counts, and the kind of document that carries it.
_CARRIERS = {"volumes": "volume", "volume_snapshots": "snapshot", "databases": "database"}
_PATHS = {"droplet": "droplets", "volume": "volumes", "volume_snapshot": "snapshots"}
_KINDS = {"volume": "volume", "volume_snapshot": "snapshot", "database": "database"}


def own(cluster_id: str) -> list[str]:
    """Return the tags that DigitalOcean itself puts on a cluster."""
    return ["k8s", f"k8s:{cluster_id}"]


def ensure(store: Store, names: list[str]) -> None:
    """Make tags that do not exist, as resources do that carry them.

    The tags of Kubernetes itself are no documents: they exist while a cluster does.
    """
    for name in names:
        if not name.startswith("k8s:") and name != "k8s" and store.get(KIND, name) is None:
            store.put(KIND, {"id": name})


def names(store: Store) -> list[str]:
    """Return the names of all tags."""
    found = [doc["id"] for doc in store.all(KIND)]
    for cluster in store.all("cluster"):
        found += [*own(cluster["id"]), "k8s:worker"]
    return list(dict.fromkeys(found))


def check_exist(store: Store, wanted: list[str], where: str) -> None:
    """Refuse tags that nobody has made."""
    known = set(names(store))
    for name in wanted:
        if name not in known:
            raise invalid(f"{where}: tag {name!r} does not exist.")


def _carriers(store: Store) -> dict[str, dict[str, list[str]]]:
    """Return of each kind what carries each tag: read once, however many tags there are."""
    carriers = {"droplets": droplets.tagged(store), "images": {}}
    for what, kind in _CARRIERS.items():
        tagged = carriers.setdefault(what, {})
        for doc in store.all(kind):
            for tag in doc["tags"]:
                tagged.setdefault(tag, []).append(doc["id"])
    return carriers


def _view(call: Call, name: str, carriers: dict[str, dict[str, list[str]]] | None = None) -> Doc:
    known = _carriers(call.store) if carriers is None else carriers
    carried = {
        what: [f"{what}/{key}" for key in tagged.get(name, ())] for what, tagged in known.items()
    }
    root = call.url.partition("/v2/")[0]
    resources: Doc = {"count": sum(map(len, carried.values()))}
    for what, paths in carried.items():
        resources[what] = {"count": len(paths)}
        if paths:
            resources[what]["last_tagged_uri"] = f"{root}/v2/{paths[-1]}"
            resources["last_tagged_uri"] = f"{root}/v2/{paths[-1]}"
    return {"name": name, "resources": resources}


def _existing(call: Call) -> str:
    name = call.params["tag"]
    if name not in names(call.store):
        raise not_found("The tag you requested could not be found.")
    return name


def _create(call: Call) -> Answer:
    name = Fields(call.body).text("name")
    check_tag(name, "name")
    if call.store.get(KIND, name) is None:
        call.store.put(KIND, {"id": name})
    return Answer(201, {"tag": _view(call, name)})


def _list(call: Call) -> Answer:
    carriers = _carriers(call.store)
    return paged(call, "tags", [_view(call, name, carriers) for name in names(call.store)])


def _get(call: Call) -> Answer:
    return Answer(200, {"tag": _view(call, _existing(call))})


def _delete(call: Call) -> Answer:
    name = _existing(call)
    call.store.delete(KIND, name)
    for kind in ("firewall", *_CARRIERS.values()):
        for doc in call.store.all(kind):
            if name in doc["tags"]:
                doc["tags"].remove(name)
                call.store.put(kind, doc)
    return NOTHING


def _tag_resources(call: Call) -> Answer:
    return _retag(call, add=True)


def _untag_resources(call: Call) -> Answer:
    return _retag(call, add=False)


def _retag(call: Call, *, add: bool) -> Answer:
    name = _existing(call)
    for item in Fields(call.body).objects("resources"):
        kind = item.choice("resource_type", (*_PATHS, "database"))
        key = item.text("resource_id")
        if kind == "droplet":
            droplets.retag(call.store, key, name, add=add)
            continue
        doc = call.store.get(_KINDS[kind], key)
        if doc is None:
            raise not_found(f"The {kind} {key!r} could not be found.")
        rest = [tag for tag in doc["tags"] if tag != name]
        call.store.put(_KINDS[kind], {**doc, "tags": [*rest, name] if add else rest})
    return NOTHING


ROUTES = [
    ("POST", "/v2/tags", _create),
    ("GET", "/v2/tags", _list),
    ("GET", "/v2/tags/{tag}", _get),
    ("DELETE", "/v2/tags/{tag}", _delete),
    ("POST", "/v2/tags/{tag}/resources", _tag_resources),
    ("DELETE", "/v2/tags/{tag}/resources", _untag_resources),
]
