"""Managed databases: made, shown, resized, moved, upgraded."""

from __future__ import annotations

import re
import secrets
import uuid

from dotrain.sandbox import catalog, database_rules, projects, tags, vpcs
from dotrain.sandbox.answers import NOTHING, Answer, Call, Doc, invalid, not_found
from dotrain.sandbox.lifecycle import database_state, stamp
from dotrain.sandbox.validate import Fields

KIND = "database"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_NAME_ADVICE = "must have 3 to 63 lower case letters, digits and dashes."
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOUR = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?")
_MOST_NODES = 3
_MIB_A_CPU = 10240
_MOST_STORAGE = 100_000_000


def _connection(database: Doc, *, private: bool) -> Doc:
    _, port, scheme = catalog.ENGINES[database["engine"]]
    prefix = "private-" if private else ""
    host = f"{prefix}{database['name']}-do-user-1-0.db.ondigitalocean.com"
    password = database["password"]
    return {
        "protocol": scheme,
        "uri": f"{scheme}://doadmin:{password}@{host}:{port}/defaultdb?sslmode=require",
        "database": "defaultdb",
        "host": host,
        "port": port,
        "user": "doadmin",
        "password": password,
        "ssl": True,
    }


def view(call: Call, database: Doc) -> Doc:
    """Return a database as the API shows it."""
    kept = (
        "id",
        "name",
        "engine",
        "version",
        "size",
        "region",
        "num_nodes",
        "private_network_uuid",
        "project_id",
        "maintenance_window",
        "tags",
        "storage_size_mib",
    )
    change = (database["change"], database["changed"])
    return {
        **{key: database[key] for key in kept},
        "semantic_version": database["version"],
        "status": database_state(database["created"], *change, call.now, call.delay),
        "connection": _connection(database, private=False),
        "private_connection": _connection(database, private=True),
        "users": [{"name": "doadmin", "role": "primary", "password": database["password"]}],
        "db_names": ["defaultdb"],
        # As the recorded answers have it, and not an empty list, which the document describes.
        "rules": database["rules"] or None,
        "created_at": stamp(database["created"]),
    }


def _existing(call: Call) -> Doc:
    database = call.store.get(KIND, call.params["database_id"])
    if database is None:
        raise not_found("cluster not found")
    return database


def _size(fields: Fields) -> str:
    size = fields.text("size")
    if size not in catalog.DATABASE_SIZES:
        raise invalid(f"size: {size!r} is not a valid database size.")
    return size


def _nodes(fields: Fields, engine: str) -> int:
    least = 3 if engine == "kafka" else 1
    return fields.whole("num_nodes", least, catalog.MOST_DATABASE_NODES.get(engine, _MOST_NODES))


def _storage(fields: Fields, size: str) -> int:
    found = re.search(r"([0-9]+)vcpu", size)
    default = _MIB_A_CPU * int(found[1]) if found else _MIB_A_CPU
    return fields.whole("storage_size_mib", 1, _MOST_STORAGE, default)


def _version(fields: Fields, engine: str, default: str) -> str:
    known = catalog.ENGINES[engine][0]
    version = fields.text("version", "") or default
    if version not in known:
        raise invalid(f"version: {engine} has no version {version!r}; it has {', '.join(known)}.")
    return version


def _create(call: Call) -> Answer:
    fields = Fields(call.body)
    name = fields.match("name", _NAME, _NAME_ADVICE)
    engine = fields.choice("engine", tuple(catalog.ENGINES))
    size = _size(fields)
    region = fields.text("region")
    catalog.check_region(region)
    if any(other["name"] == name for other in call.store.all(KIND)):
        raise invalid(f"a database cluster named {name!r} already exists")
    key = str(uuid.uuid4())
    database: Doc = {
        "id": key,
        "name": name,
        "engine": engine,
        "version": _version(fields, engine, catalog.ENGINES[engine][0][0]),
        "size": size,
        "region": region,
        "num_nodes": _nodes(fields, engine),
        "private_network_uuid": vpcs.resolve(call, fields.text("private_network_uuid", ""), region)[
            "id"
        ],
        "project_id": projects.resolve(call, fields.text("project_id", "")),
        "maintenance_window": {"day": "monday", "hour": "00:00:00", "pending": False},
        "tags": fields.tags(),
        "storage_size_mib": _storage(fields, size),
        "password": f"sandbox_{secrets.token_hex(12)}",
        "rules": database_rules.read(call, key, [], fields),
        "created": call.now,
        "change": "online",
        "changed": None,
    }
    tags.ensure(call.store, database["tags"])
    call.store.put(KIND, database)
    projects.assign(call, database["project_id"], f"do:dbaas:{key}")
    return Answer(201, {"database": view(call, database)})


def _list(call: Call) -> Answer:
    tag = call.query.get("tag_name")
    found = [doc for doc in call.store.all(KIND) if not tag or tag in doc["tags"]]
    # This list knows no pages.
    return Answer(200, {"databases": [view(call, doc) for doc in found]})


def _get(call: Call) -> Answer:
    return Answer(200, {"database": view(call, _existing(call))})


def _delete(call: Call) -> Answer:
    call.store.delete(KIND, _existing(call)["id"])
    return NOTHING


def _resize(call: Call) -> Answer:
    database, fields = _existing(call), Fields(call.body)
    size = _size(fields)
    database.update(
        size=size,
        num_nodes=_nodes(fields, database["engine"]),
        storage_size_mib=_storage(fields, size),
        change="resizing",
        changed=call.now,
    )
    call.store.put(KIND, database)
    return Answer(202)


def _migrate(call: Call) -> Answer:
    database, region = _existing(call), Fields(call.body).text("region")
    catalog.check_region(region)
    network = vpcs.resolve(call, Fields(call.body).text("private_network_uuid", ""), region)
    database.update(
        region=region, private_network_uuid=network["id"], change="migrating", changed=call.now
    )
    call.store.put(KIND, database)
    return Answer(202)


def _maintenance(call: Call) -> Answer:
    database, fields = _existing(call), Fields(call.body)
    day = fields.choice("day", _DAYS)
    hour = fields.match("hour", _HOUR, "must be a time such as 04:00.")
    database["maintenance_window"] = {"day": day, "hour": hour, "pending": False}
    call.store.put(KIND, database)
    return NOTHING


def _upgrade(call: Call) -> Answer:
    database = _existing(call)
    known = catalog.ENGINES[database["engine"]][0]
    version = _version(Fields(call.body), database["engine"], known[0])
    if known.index(version) >= known.index(database["version"]):
        raise invalid(f"version: {database['version']} cannot be upgraded to {version}.")
    call.store.put(KIND, {**database, "version": version})
    return NOTHING


def _get_rules(call: Call) -> Answer:
    return Answer(200, {"rules": _existing(call)["rules"]})


def _put_rules(call: Call) -> Answer:
    database = _existing(call)
    fields = Fields(call.body)
    database["rules"] = database_rules.read(call, database["id"], database["rules"], fields)
    call.store.put(KIND, database)
    return NOTHING


def _authority(call: Call) -> Answer:
    _existing(call)
    return Answer(200, {"ca": {"certificate": "c2FuZGJveA=="}})


def _options(_: Call) -> Answer:
    return Answer(200, catalog.database_options())


_DATABASE = "/v2/databases/{database_id}"
ROUTES = [
    ("GET", "/v2/databases/options", _options),
    ("POST", "/v2/databases", _create),
    ("GET", "/v2/databases", _list),
    ("GET", _DATABASE, _get),
    ("DELETE", _DATABASE, _delete),
    ("PUT", _DATABASE + "/resize", _resize),
    ("PUT", _DATABASE + "/migrate", _migrate),
    ("PUT", _DATABASE + "/maintenance", _maintenance),
    ("PUT", _DATABASE + "/upgrade", _upgrade),
    ("GET", _DATABASE + "/firewall", _get_rules),
    ("PUT", _DATABASE + "/firewall", _put_rules),
    ("GET", _DATABASE + "/ca", _authority),
]
