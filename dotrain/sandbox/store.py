"""What exists: JSON documents by kind and id, in SQLite."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dotrain.sandbox.answers import Doc

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Store:
    """Documents in the order in which they were made.

    A document is a dictionary of JSON values with an ``id``. What changes does so
    inside `transaction`, which takes SQLite's write lock from its first moment, so
    that what was read in it is still true when it is written back.

    Attributes
    ----------
    changes : int
        How often a document was written or removed by this process: who has seen
        that many has nothing to look for.
    """

    def __init__(self, path: Path) -> None:
        # Made here first: SQLite would make it readable to others.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        # A transaction never leaves the thread it began in; a test may begin one in another.
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        self.changes = 0

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all that is written inside, or, when it raises, nothing of it."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def put(self, kind: str, doc: Doc) -> None:
        """Write a document, new or changed."""
        self.changes += 1
        self._db.execute(
            "INSERT INTO objects (kind, id, body) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (kind, doc["id"], json.dumps(doc)),
        )

    def get(self, kind: str, key: str) -> Doc | None:
        """Return a document, or None when there is none."""
        row = self._db.execute(
            "SELECT body FROM objects WHERE kind = ? AND id = ?", (kind, key)
        ).fetchone()
        return json.loads(row[0]) if row else None

    def all(self, kind: str) -> list[Doc]:
        """Return the documents of a kind, oldest first."""
        rows = self._db.execute("SELECT body FROM objects WHERE kind = ? ORDER BY n", (kind,))
        return [json.loads(row[0]) for row in rows]

    def delete(self, kind: str, key: str) -> None:
        """Remove a document, if there is one."""
        self.changes += 1
        self._db.execute("DELETE FROM objects WHERE kind = ? AND id = ?", (kind, key))

    def clear(self) -> None:
        """Remove every document; facts stay."""
        self.changes += 1
        self._db.execute("DELETE FROM objects")

    def fact(self, name: str) -> str | None:
        """Return what `set_fact` wrote under a name."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def set_fact(self, name: str, value: str) -> None:
        """Write a fact about the sandbox itself."""
        self._db.execute(
            "INSERT INTO facts VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def next_number(self, name: str, first: int) -> int:
        """Return a number that this name never had, counting up from `first`."""
        number = int(self.fact(name) or first)
        self.set_fact(name, str(number + 1))
        return number
