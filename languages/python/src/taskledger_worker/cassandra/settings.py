"""What all clients of a keyspace agree on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ..clock import SECOND
from ..errors import Code, TaskError
from .session import RetryingSession

_TABLES: Final = {
    "tasks": {"task_list", "shard", "id", "body"},
    "open_tasks": {"task_list", "shard", "saved_at", "id", "size"},
    "sweeps": {"task_list", "shard", "swept_to", "ranges"},
    "claims": {"task_list", "id", "saved_at", "owner", "fencing_token", "attempt", "ends_at"},
    "lists": {"bucket", "task_list", "noted_at"},
    "settings": {"name", "value"},
}
_NAMES: Final = ("layout", "shards", "data_center", "grace_period")
_MAX_SHARDS: Final = 65_536
_MAX_GRACE_PERIOD_MS: Final = 2**31 - 1
_CLOCK_LIMITS_IN_A_GRACE_PERIOD: Final = 20
# As long as hints are kept by default, in seconds: a deletion must outlive the writes that are under way to a replica.
_LEAST_GC_GRACE: Final = 3 * 3600


@dataclass(frozen=True)
class Settings:
    shards: int
    has_several_data_centers: bool
    grace_period: int
    """In microseconds."""


def read_settings(session: RetryingSession, keyspace: str, data_center: str, clock_limit: int) -> Settings:
    """Checks the tables and reads the settings. Raises SCHEMA_MISMATCH, which says what is not as it must be."""
    if not re.fullmatch(r"\w{1,48}", keyspace, re.ASCII):
        raise TaskError(Code.INVALID_ARGUMENT, "keyspace must be 1 to 48 letters, digits and underscores")
    problems = _problems_of_tables(session, keyspace)
    if problems:
        raise _mismatch(keyspace, problems)
    return read_values(session, keyspace, data_center, clock_limit)


def read_values(session: RetryingSession, keyspace: str, data_center: str, clock_limit: int) -> Settings:
    """Reads the settings alone. Raises SCHEMA_MISMATCH."""
    # By their names: if a replica does not answer, Cassandra asks another for a row, but not for a whole table.
    names = ", ".join(f"'{name}'" for name in _NAMES)
    rows = session.query(f'SELECT name, value FROM "{keyspace}".settings WHERE name IN ({names})')
    found = {str(name): str(value) for name, value in rows}
    problems = _problems_of_settings(found, data_center, clock_limit)
    if problems:
        raise _mismatch(keyspace, problems)
    return Settings(int(found["shards"]), found["data_center"] == "*", int(found["grace_period"]) * 1000)


def _problems_of_tables(session: RetryingSession, keyspace: str) -> list[str]:
    columns = session.query("SELECT table_name, column_name FROM system_schema.columns WHERE keyspace_name = %s", keyspace)
    if not columns:
        return ["there is no such keyspace, or it has no tables: CassandraAdapter.createSchema makes them"]
    problems = [
        f"table {table} lacks {', '.join(sorted(missing))}"
        for table, wanted in _TABLES.items()
        if (missing := wanted - {column for name, column in columns if name == table})
    ]
    options = session.query(
        "SELECT table_name, read_repair, default_time_to_live, gc_grace_seconds FROM system_schema.tables "
        "WHERE keyspace_name = %s",
        keyspace,
    )
    for table, read_repair, time_to_live, gc_grace in options:
        if table not in _TABLES:
            continue
        if read_repair != "BLOCKING":
            problems.append(f"table {table}: read_repair is {read_repair}, and must be BLOCKING")
        if time_to_live != 0:
            problems.append(f"table {table}: default_time_to_live is {time_to_live}, and must be 0: tasks would expire")
        if gc_grace < _LEAST_GC_GRACE:
            problems.append(f"table {table}: gc_grace_seconds is {gc_grace}, and must be at least {_LEAST_GC_GRACE}")
    return problems


def _problems_of_settings(found: dict[str, str], data_center: str, clock_limit: int) -> list[str]:
    problems = []
    if found.get("layout") != "1":
        problems.append(f"setting layout is {found.get('layout')!r}, and must be '1'")
    shards = _whole_number(found.get("shards"))
    if not 1 <= shards <= _MAX_SHARDS or shards & (shards - 1):
        problems.append(f"setting shards is {found.get('shards')!r}, which is no power of two up to {_MAX_SHARDS}")
    if found.get("data_center") not in ("*", data_center):
        problems.append(f"its clients must be in data centre {found.get('data_center')!r}; this one is in {data_center!r}")
    grace_period = _whole_number(found.get("grace_period"))
    least = _CLOCK_LIMITS_IN_A_GRACE_PERIOD * clock_limit * 1000 // SECOND
    if not max(1, least) <= grace_period <= _MAX_GRACE_PERIOD_MS:
        problems.append(f"setting grace_period is {found.get('grace_period')!r}, and must be milliseconds, at least {least}")
    return problems


def _whole_number(text: str | None) -> int:
    """-1 for what is none."""
    return int(text) if text is not None and re.fullmatch("[1-9][0-9]{0,9}", text) else -1


def _mismatch(keyspace: str, problems: list[str]) -> TaskError:
    return TaskError(Code.SCHEMA_MISMATCH, f'keyspace "{keyspace}": {"; ".join(problems)}')
