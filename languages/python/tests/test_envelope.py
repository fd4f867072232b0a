"""What no vector can hold: texts that are no Unicode, hashes that are too deep."""

import io
import json
import pickle

import pytest
from example.v1.fetch_file_pb2 import FetchFile

import taskledger_worker as wire
from taskledger_worker import Code, TaskError


def test_a_hash_that_is_nested_five_thousand_deep_is_invalid():
    text = '{"taskList":"l","id":"i","data":{"@type":"x/example.v1.FetchFile","filename":' + "[" * 5000 + "]" * 5000 + "}}"
    with pytest.raises(TaskError) as error:
        wire.from_hash(text, wire.Types(FetchFile))
    assert error.value.code is Code.INVALID_HASH


def test_a_header_of_unknown_fields_that_is_not_ascii_stays_a_header():
    header = {"taskledger-unknown-fields": "żółć"}
    hash = {"taskList": "l", "id": "i", "data": {"@type": "x/example.v1.FetchFile"}, "headers": header}
    assert wire.from_hash(json.dumps(hash), wire.Types(FetchFile)).headers == header


@pytest.mark.parametrize(
    "key", [{"task_list": ""}, {"task_list": "l", "id": "\0"}, {"task_list": "a" * 513}, {"task_list": "\ud800"}]
)
def test_a_task_with_a_key_that_nobody_could_read_is_not_built(key):
    with pytest.raises(TaskError) as error:
        wire.new_envelope(key.pop("task_list"), FetchFile(), **key)
    assert error.value.code is Code.INVALID_KEY


def test_memory_is_taken_as_bytes_come_and_not_as_a_length_announces_them():
    class Stream(io.BytesIO):
        largest = 0

        def read(self, size=-1):
            self.largest = max(self.largest, size)
            return super().read(size)

    stream = Stream(b"\x80\x80\x40abc")
    with pytest.raises(TaskError) as error:
        list(wire.read_frames(stream))
    assert error.value.code is Code.TRUNCATED
    assert stream.largest <= 65536


def test_what_a_stream_raises_passes_through():
    class Broken:
        def read(self, size):
            raise OSError("reset")

    with pytest.raises(OSError, match="reset"):
        list(wire.read_frames(Broken()))


def test_a_clock_that_threads_share_gives_no_version_twice():
    import threading

    clock = wire.VersionClock()
    versions: list[list[int]] = [[] for _ in range(8)]
    threads = [threading.Thread(target=lambda each=each: each.extend(clock.next() for _ in range(5000))) for each in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({version for some in versions for version in some}) == 40_000


@pytest.mark.parametrize("limit", [0, 1_000_001])
def test_a_clock_limit_over_a_second_is_refused(limit):
    with pytest.raises(TaskError) as error:
        wire.VersionClock(limit=limit)
    assert error.value.code is Code.INVALID_ARGUMENT


def test_an_error_comes_whole_from_another_process():
    error = TaskError(Code.TIMEOUT, "no answer", "unknown")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.code, copy.outcome, str(copy)) == (TaskError, Code.TIMEOUT, "unknown", "TIMEOUT: no answer")
