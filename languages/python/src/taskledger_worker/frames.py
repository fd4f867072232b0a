"""Frames: messages in a stream, each behind its length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from taskledger.v1.envelope_pb2 import TaskEnvelope

from .batch import BATCH_OVERHEAD_BYTES, decode_batch, is_batch
from .envelope import MAX_TASK_BYTES, decode
from .errors import Code, TaskError

MAX_FRAME_BYTES: Final = MAX_TASK_BYTES + BATCH_OVERHEAD_BYTES
# Memory is taken as bytes come, not as a length announces them.
_AT_ONCE: Final = 64 * 1024


class ReadableStream(Protocol):
    """What frames are read from: a file, a pipe, or a socket's `makefile("rb")`."""

    def read(self, size: int, /) -> bytes | None: ...


class WritableStream(Protocol):
    def write(self, data: bytes, /) -> object: ...


class FrameReader:
    """Puts frames together from bytes that come in any pieces."""

    def __init__(self, limit: int = MAX_FRAME_BYTES) -> None:
        self._limit = limit
        self._length = self._shift = 0
        self._frame: bytearray | None = None

    @property
    def needs(self) -> int:
        """How many bytes may be read without reading past the frame."""
        return 1 if self._frame is None else self._length - len(self._frame)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The frames that these bytes complete. Raises TOO_LARGE, INVALID_BATCH."""
        view = memoryview(data)
        while len(view) > 0:
            if self._frame is None:
                self._feed_length(view[0])
                view = view[1:]
            else:
                some = view[: self.needs]
                self._frame += some
                view = view[len(some) :]
            if self._frame is not None and len(self._frame) == self._length:
                frame, self._frame = bytes(self._frame), None
                self._length = self._shift = 0
                yield frame

    def end(self) -> None:
        """Raises TRUNCATED if the stream ended inside of a frame."""
        if self._frame is not None or self._shift > 0:
            raise TaskError(Code.TRUNCATED, "the stream ends inside of a frame")

    def _feed_length(self, byte: int) -> None:
        self._length |= (byte & 0x7F) << self._shift
        self._shift += 7
        if byte >= 0x80:
            if self._shift == 35:
                raise TaskError(Code.INVALID_BATCH, "a length has more than five bytes")
        elif self._length > self._limit:
            raise TaskError(Code.TOO_LARGE, f"a frame has {self._length} bytes; the limit is {self._limit}")
        else:
            self._frame = bytearray()


def read_frames(stream: ReadableStream, limit: int = MAX_FRAME_BYTES) -> Iterator[bytes]:
    """The frames of a stream. Raises TOO_LARGE before it reads one over the limit, and TRUNCATED.

    What the stream's own `read` raises passes through. Raises INVALID_ARGUMENT for one that does not wait for its bytes:
    it would seem to be at its end.
    """
    reader = FrameReader(limit)
    while data := stream.read(min(reader.needs, _AT_ONCE)):
        yield from reader.feed(data)
    if data is None:
        raise TaskError(Code.INVALID_ARGUMENT, "the stream is in non-blocking mode, and has no bytes yet")
    reader.end()


def write_frame(stream: WritableStream, message: bytes) -> None:
    """Writes a message behind its length."""
    size = len(message)
    length = bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    stream.write(bytes(length) + message)


def tasks_of(frame: bytes, limit: int = MAX_TASK_BYTES) -> Iterable[TaskEnvelope]:
    """The tasks of a frame, an envelope or a batch. Raises what `decode` and `decode_batch` raise."""
    return decode_batch(frame, limit) if is_batch(frame) else [decode(frame, limit)]
