"""Tasks in Cassandra, by the rules of docs/protocol.md. Needs cassandra-driver: `taskledger-worker[cassandra]`."""

try:
    import cassandra.cluster  # noqa: F401
except ImportError as error:
    from ..errors import Code, TaskError

    advice = 'pip install "taskledger-worker[cassandra]"'
    raise TaskError(Code.MISSING_DRIVER, f"cassandra-driver can't be imported ({error}): {advice}") from error

from .store import CassandraStore, shard_of

__all__ = ["CassandraStore", "shard_of"]
