"""Projects: what each resource belongs to; by default, the default project."""

from __future__ import annotations

import re
import uuid

from dotrain.sandbox import droplets
from dotrain.sandbox.answers import NOTHING, Answer, ApiError, Call, Doc, conflict, not_found, paged
from dotrain.sandbox.answers import invalid as refuse
from dotrain.sandbox.lifecycle import stamp
from dotrain.sandbox.validate import Fields

KIND = "project"
_ASSIGNED = "assignment"
_OWNER = "00000000-0000-4000-8000-000000000001"
_ENVIRONMENTS = ("Development", "Staging", "Production")
_MOST_NAME = 175
_MOST_TEXT = 255
_URN = re.compile(r"do:([a-z]+):(.+)")
# The noun in an URN, the kind of document, and the path that links to it.
_NOUNS = {
    "kubernetes": ("cluster", "kubernetes/clusters"),
    "dbaas": ("database", "databases"),
    "loadbalancer": ("load_balancer", "load_balancers"),
    "volume": ("volume", "volumes"),
}


def default(call: Call) -> Doc:
    """Return the default project, made when it is first needed."""
    for project in call.store.all(KIND):
        if project["is_default"]:
            return project
    return _make(call, {"name": "first-project", "is_default": True})


def resolve(call: Call, key: str) -> str:
    """Return the id of the project that a new resource is to be in."""
    if not key:
        return str(default(call)["id"])
    if call.store.get(KIND, key) is None:
        raise refuse(f"project_id: project {key!r} does not exist.")
    return key


def assign(call: Call, project_id: str, urn: str) -> None:
    """Put a resource into a project, out of any other."""
    call.store.put(_ASSIGNED, {"id": urn, "project_id": project_id, "at": call.now})


def _make(call: Call, values: Doc) -> Doc:
    project = {
        "id": str(uuid.uuid4()),
        "description": "",
        "purpose": "Just trying out DigitalOcean",
        "environment": "Development",
        "is_default": False,
        "created": call.now,
        "updated": call.now,
        **values,
    }
    call.store.put(KIND, project)
    return project


def view(project: Doc) -> Doc:
    """Return a project as the API shows it."""
    shown = {key: value for key, value in project.items() if key not in ("created", "updated")}
    return {
        **shown,
        "owner_uuid": _OWNER,
        "owner_id": 1,
        "created_at": stamp(project["created"]),
        "updated_at": stamp(project["updated"]),
    }


def _exists(call: Call, urn: str) -> bool:
    found = _URN.fullmatch(urn)
    if not found:
        return False
    if found[1] == "droplet":
        return found[2] in map(str, droplets.identifiers(call.store))
    return found[1] in _NOUNS and call.store.get(_NOUNS[found[1]][0], found[2]) is not None


def _everything(call: Call) -> list[tuple[str, float]]:
    return [
        (f"do:{noun}:{doc['id']}", doc["created"])
        for noun, (kind, _) in _NOUNS.items()
        for doc in call.store.all(kind)
    ]


def _resource(call: Call, urn: str, moment: float, status: str) -> Doc:
    noun, _, key = urn.removeprefix("do:").partition(":")
    path = "droplets" if noun == "droplet" else _NOUNS[noun][1]
    root = call.url.partition("/v2/")[0]
    return {
        "urn": urn,
        "assigned_at": stamp(moment),
        "links": {"self": f"{root}/v2/{path}/{key}"},
        "status": status,
    }


def _resources(call: Call, project: Doc) -> list[Doc]:
    assigned = {doc["id"]: doc for doc in call.store.all(_ASSIGNED) if _exists(call, doc["id"])}
    mine = [(urn, doc["at"]) for urn, doc in assigned.items() if doc["project_id"] == project["id"]]
    if project["is_default"]:
        mine += [found for found in _everything(call) if found[0] not in assigned]
    return [_resource(call, urn, moment, "ok") for urn, moment in mine]


def _existing(call: Call) -> Doc:
    key = call.params.get("project_id")
    project = call.store.get(KIND, key) if key else default(call)
    if project is None:
        raise not_found("The project you requested could not be found.")
    return project


def _values(call: Call, project_id: str = "") -> Doc:
    fields, values = Fields(call.body), {}
    for key, most in (("name", _MOST_NAME), ("description", _MOST_TEXT), ("purpose", _MOST_TEXT)):
        if fields.has(key):
            values[key] = fields.text(key, None if key == "name" else "")
            if len(values[key]) > most:
                raise refuse(f"{key} must have at most {most} characters.")
    if fields.text("environment", ""):
        values["environment"] = fields.choice("environment", _ENVIRONMENTS)
    taken = {other["name"] for other in call.store.all(KIND) if other["id"] != project_id}
    if values.get("name") in taken:
        raise conflict("name is already in use")
    return values


def _create(call: Call) -> Answer:
    default(call)
    fields = Fields(call.body)
    fields.text("name")
    fields.text("purpose")
    return Answer(201, {"project": view(_make(call, _values(call)))})


def _list(call: Call) -> Answer:
    default(call)
    return paged(call, "projects", [view(project) for project in call.store.all(KIND)])


def _get(call: Call) -> Answer:
    return Answer(200, {"project": view(_existing(call))})


def _replace(call: Call) -> Answer:
    for key in ("name", "purpose", "environment"):
        Fields(call.body).text(key)
    return _update(call)


def _update(call: Call) -> Answer:
    project = _existing(call)
    values = _values(call, project["id"])
    if Fields(call.body).flag("is_default", default=False) and not project["is_default"]:
        call.store.put(KIND, {**default(call), "is_default": False})
        values["is_default"] = True
    project = {**project, **values, "updated": call.now}
    call.store.put(KIND, project)
    return Answer(200, {"project": view(project)})


def _delete(call: Call) -> Answer:
    project = _existing(call)
    if project["is_default"]:
        raise ApiError(403, "forbidden", "The default project cannot be deleted.")
    if _resources(call, project):
        raise ApiError(
            412, "precondition_failed", "cannot delete a project with resources. move them first"
        )
    call.store.delete(KIND, project["id"])
    return NOTHING


def _list_resources(call: Call) -> Answer:
    return paged(call, "resources", _resources(call, _existing(call)))


def _assign_resources(call: Call) -> Answer:
    project, shown = _existing(call), []
    for urn in Fields(call.body).texts("resources"):
        if not _exists(call, urn):
            raise refuse(f"resources: {urn!r} does not exist or cannot be in a project.")
        assign(call, project["id"], urn)
        shown.append(_resource(call, urn, call.now, "assigned"))
    return Answer(200, {"resources": shown, "meta": {"total": len(shown)}})


ROUTES = [
    ("POST", "/v2/projects", _create),
    ("GET", "/v2/projects", _list),
    *(
        (method, path + suffix, handler)
        # "default" is no id, so its routes come first.
        for path in ("/v2/projects/default", "/v2/projects/{project_id}")
        for method, suffix, handler in (
            ("GET", "", _get),
            ("PUT", "", _replace),
            ("PATCH", "", _update),
            ("DELETE", "", _delete),
            ("GET", "/resources", _list_resources),
            ("POST", "/resources", _assign_resources),
        )
    ),
]
