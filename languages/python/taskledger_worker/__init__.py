"""A worker for Taskledger's tasks; see docs/protocol.md."""
