/** "tklg": marks an SQLite file as a ledger, for this package and for `file`(1). */
export const APPLICATION_ID = 0x746b6c67;

/** Grows with each change of the tables that older versions of this package can't work with. */
export const LAYOUT = 1;

/**
 * The tables, as docs/protocol.md describes them.
 *
 * `saved_at` is a task's version, and its place in its list. `saved_time` is when the task was saved; it is set only if the
 * clock had been set back, so that the version lies far ahead of that time. `latest` is the highest version that the file
 * ever gave; versions up to `ahead_until` may lie ahead of the time at which they were given.
 */
export const SCHEMA: string = `
CREATE TABLE tasks (
  list TEXT NOT NULL,
  saved_at INTEGER NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  saved_time INTEGER,
  body BLOB NOT NULL,
  PRIMARY KEY (list, saved_at)
) WITHOUT ROWID, STRICT;
CREATE UNIQUE INDEX tasks_by_id ON tasks (list, id);

CREATE TABLE claims (
  list TEXT NOT NULL,
  id TEXT NOT NULL,
  saved_at INTEGER NOT NULL,
  owner TEXT,
  token INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  PRIMARY KEY (list, id)
) WITHOUT ROWID, STRICT;
CREATE TRIGGER forget_claim AFTER DELETE ON tasks BEGIN
  DELETE FROM claims WHERE list = old.list AND id = old.id;
END;

CREATE TABLE ledger (latest INTEGER NOT NULL, ahead_until INTEGER NOT NULL) STRICT;
INSERT INTO ledger VALUES (0, 0);

CREATE VIEW open_tasks AS
  SELECT list, id, type, datetime(coalesce(saved_time, saved_at) / 1000000, 'unixepoch') AS saved, length(body) AS bytes
  FROM tasks ORDER BY list, saved_at;

PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${LAYOUT};
`;
