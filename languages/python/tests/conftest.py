import sqlite3
from contextlib import closing

import pytest

# As src/adapters/sqlite/schema.ts makes it; test/languages/sqlite.test.ts works on files of its own.
SCHEMA = """
CREATE TABLE tasks (list TEXT NOT NULL, saved_at INTEGER NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, saved_time INTEGER,
  body BLOB NOT NULL, PRIMARY KEY (list, saved_at)) WITHOUT ROWID, STRICT;
CREATE UNIQUE INDEX tasks_by_id ON tasks (list, id);
CREATE TABLE claims (list TEXT NOT NULL, id TEXT NOT NULL, saved_at INTEGER NOT NULL, owner TEXT, token INTEGER NOT NULL,
  attempt INTEGER NOT NULL, ends_at INTEGER NOT NULL, PRIMARY KEY (list, id)) WITHOUT ROWID, STRICT;
CREATE TRIGGER forget_claim AFTER DELETE ON tasks BEGIN
  DELETE FROM claims WHERE list = old.list AND id = old.id;
END;
CREATE TABLE ledger (latest INTEGER NOT NULL, ahead_until INTEGER NOT NULL) STRICT;
INSERT INTO ledger VALUES (0, 0);
PRAGMA application_id = 0x746b6c67;
PRAGMA user_version = 1;
"""


@pytest.fixture
def path(tmp_path):
    """An SQLite file with no tasks."""
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SCHEMA)
    return path


def run_sql(path, sql, *values):
    """Runs a statement as another program does; gives the first row of what it has to tell."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        return database.execute(sql, values).fetchone()
