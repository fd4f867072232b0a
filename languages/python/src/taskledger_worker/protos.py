"""Where the protocol's .proto files are: `protoc -I "$(python -m taskledger_worker.protos)" …`."""

from pathlib import Path

from taskledger.v1 import options_pb2


def folder() -> Path:
    """The folder in which protoc finds `taskledger/v1/options.proto`."""
    return Path(options_pb2.__file__).parents[2]


if __name__ == "__main__":
    print(folder())
