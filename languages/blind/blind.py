"""A reader of tasks without a protobuf library, written from docs/protocol.md and the .proto files alone.

It reads envelopes, streams of frames and compact batches, makes what is saved of an envelope and what a reader makes of a
stored row, and places ids in shards. It does not read JSON hashes, nor the fields of data: for these one needs the schemas.
"""

import uuid
import zlib
from collections import Counter
from itertools import accumulate

LIMIT, NO_LIMIT, MICROS = 1024 * 1024, 2**31, 1_000_000
DAMAGED = b"type.googleapis.com/taskledger.v1.DamagedTask"
VARINT, BYTES = 0, 2  # wire types


class Refused(Exception):
    """Its argument is the code."""


def check(is_good, code):
    if not is_good:
        raise Refused(code)


# Protobuf


def varint(data, at, longest=10):
    value = 0
    for i in range(longest):
        byte = data[at + i]
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return value & 2**64 - 1, at + i + 1
    raise ValueError("it goes on")


def fields(data, at=0, group=None):
    """(number, wire type, value, raw bytes) of each field. Raises LookupError or ValueError for what is no message."""
    while at < len(data):
        start = at
        tag, at = varint(data, at)
        number, kind, value = tag >> 3, tag & 7, None
        if not 1 <= number < 2**29:
            raise ValueError("a field number that there is none of")
        if kind == VARINT:
            value, at = varint(data, at)
        elif kind == BYTES:
            size, at = varint(data, at)
            value, at = data[at : at + size], at + size
        elif kind == 3:
            *_, (_, _, at, _) = fields(data, at, number)
        elif kind == 4 and number == group:
            yield number, kind, at, b""
            return
        else:
            at += {1: 8, 5: 4}[kind]
        if at > len(data):
            raise IndexError("it ends too early")
        yield number, kind, value, data[start:at]
    if group is not None:
        raise IndexError("a group without an end")


def last(parts, number, default):
    """Of a field the value that counts: bytes or a number, as the default is."""
    values = [value for each, _, value, _ in parts if each == number and isinstance(value, type(default))]
    return values[-1] if values else default


def signed(value, bits=64):
    value &= 2**bits - 1
    return value - 2**bits if value >= 2 ** (bits - 1) else value


def varint_of(value):
    value &= 2**64 - 1
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + varint_of(value >> 7)


def part(number, data):
    return varint_of(number << 3 | BYTES) + varint_of(len(data)) + data


def timestamp(number, micros):
    seconds, rest = divmod(micros, MICROS)
    return part(number, b"\x08" + varint_of(seconds) + b"\x10" + varint_of(rest * 1000))


# Envelopes


def envelope(data, limit=LIMIT):
    check(len(data) <= limit, "TOO_LARGE")
    texts, messages, headers, attempt, unknown = {1: "", 2: ""}, {}, {}, 0, []
    try:
        for number, kind, value, raw in fields(data):
            match number, kind:
                case 1 | 2, 2:
                    texts[number] = value.decode()
                case 3 | 4 | 15, 2:
                    messages[number] = messages.get(number, []) + list(fields(value))
                case 6, 0:
                    attempt = value & 2**32 - 1
                case 7, 2:
                    entry = list(fields(value))
                    headers[last(entry, 1, b"").decode()] = last(entry, 2, b"").decode()
                case _:
                    unknown.append(raw)
        url = last(messages.get(3, []), 1, b"").decode()
    except (LookupError, ValueError) as error:
        raise Refused("INVALID_ENVELOPE") from error
    type, created_at, saved_at = url.rpartition("/")[2], time(messages.get(4)), time(messages.get(15))
    version = saved_at and saved_at[0] * MICROS + saved_at[1] // 1000
    has_keys = all(1 <= len(text.encode()) <= 512 and "\0" not in text for text in texts.values())
    is_version = version is None or version >= 1 and saved_at[1] % 1000 == 0
    check(has_keys and type and is_version, "INVALID_ENVELOPE")
    return {
        "taskList": texts[1],
        "id": texts[2],
        "typeUrl": url,
        "type": type,
        "data": last(messages[3], 2, b""),
        "createdAt": created_at and [str(created_at[0]), created_at[1]],
        "version": version and str(version),
        "attempt": attempt,
        "headers": headers,
        "unknown": unknown,
    }


def time(parts):
    if parts is None:
        return None
    seconds, nanos = signed(last(parts, 1, 0)), signed(last(parts, 2, 0), 32)
    check(-62_135_596_800 <= seconds <= 253_402_300_799 and 0 <= nanos <= 999_999_999, "INVALID_ENVELOPE")
    return seconds, nanos


def unversioned(data):
    return b"".join(raw for number, kind, _, raw in fields(data) if (number, kind) != (15, BYTES))


def body(data, limit):
    envelope(data, NO_LIMIT)
    check(len(unversioned(data)) + 15 <= limit, "TOO_LARGE")
    return unversioned(data)


def stored(task_list, id, version, body):
    saved_at = timestamp(15, version)
    try:
        task = envelope(unversioned(body) + saved_at, NO_LIMIT)
        check((task["taskList"], task["id"]) == (task_list, id), "another's")
        return task
    except (Refused, LookupError, ValueError):
        data = part(1, DAMAGED) + part(2, part(1, body) if body else b"")
        return envelope(part(1, task_list.encode()) + part(2, id.encode()) + part(3, data) + saved_at, NO_LIMIT)


def shard(id, shards):
    return (zlib.crc32(id.encode()) * 0x9E3779B1 % 2**32 >> 16) % shards


# Frames and batches


def frames(stream, limit=LIMIT):
    at = 0
    while at < len(stream):
        try:
            size, at = varint(stream, at, longest=5)
        except (IndexError, ValueError) as error:
            raise Refused("TRUNCATED" if isinstance(error, IndexError) else "INVALID_BATCH") from error
        check(size <= limit, "TOO_LARGE")
        check(at + size <= len(stream), "TRUNCATED")
        yield stream[at : at + size]
        at += size


def batch(data, limit=LIMIT):
    check(len(data) <= limit + 4096, "TOO_LARGE")
    groups, order = [], []
    try:
        for number, kind, value, _ in fields(data):
            check((number, kind) == (16, BYTES) or number == 17 and kind in (VARINT, BYTES), "INVALID_BATCH")
            if number == 16:
                groups.append(group(value))
            else:
                order += numbers(kind, value)
    except (LookupError, ValueError) as error:
        raise Refused("INVALID_BATCH") from error
    longest = sum(max(1, *(len(columns[i]) for i in (2, 4, 5, 6, 7))) for columns in groups)
    check(max(longest, len(order)) <= 10_000, "TOO_LARGE")
    sizes = Counter({i: len(columns[4]) for i, columns in enumerate(groups)})
    is_plain = len(groups) <= 1 and not order
    check(all(map(is_whole, groups)) and (is_plain or Counter(order) == sizes), "INVALID_BATCH")
    readers = [tasks(columns) for columns in groups]
    return [next(readers[i]) for i in (order or [0] * sizes.total())]


def numbers(kind, value):
    """Of a repeated field: all in one part, or one alone."""
    found, at = [value] if kind == VARINT else [], 0
    while kind == BYTES and at < len(value):
        number, at = varint(value, at)
        found.append(number)
    return found


def group(data):
    columns = {1: b"", 2: [], 3: b"", 4: [], 5: [], 6: [], 7: []}
    for number, kind, value, _ in fields(data):
        is_times = number in (5, 6)
        check(number in columns and (kind == BYTES or kind == VARINT and is_times), "INVALID_BATCH")
        if is_times:
            columns[number] += [each >> 1 ^ -(each & 1) for each in numbers(kind, value)]
        elif number == 3:
            columns[number] = value
        else:
            columns[number] += value if number == 1 else [value]
    list(fields(columns[1]))
    columns[2] = [id.decode() for id in columns[2]]
    return columns


def is_whole(columns):
    """Whether its columns fit together."""
    count = len(columns[4])
    ids = len(columns[2]) == count and not columns[3] if columns[2] else len(columns[3]) == 16 * count
    sums = [total for i in (5, 6) for total in accumulate(columns[i])]
    small = size_again(columns[1]) <= 1024 and (not columns[7] or {number for number, *_ in fields(columns[1])} <= {1, 3})
    in_range = all(-(2**63) <= total < 2**63 for total in sums)
    return count > 0 and ids and small and in_range and all(len(columns[i]) in (0, count) for i in (5, 6, 7))


def size_again(data):
    """How many bytes an envelope has when it is encoded again: of each field and header the last counts."""
    found = {}
    for number, kind, value, raw in fields(data):
        header = last(list(fields(value)), 1, b"") if (number, kind) == (7, BYTES) else None
        found[(number, header) if number in (1, 2, 3, 4, 6, 7, 15) else (number, len(found))] = len(raw)
    return sum(found.values())


def tasks(columns):
    """To merge a message with the bytes of another is to read both, one after the other."""
    times = [(number, list(accumulate(columns[column]))) for column, number in ((5, 4), (6, 15)) if columns[column]]
    for i, value in enumerate(columns[4]):
        id = columns[2][i] if columns[2] else str(uuid.UUID(bytes=columns[3][16 * i : 16 * i + 16]))
        own = [part(2, id.encode()), part(3, part(2, value)), *(timestamp(number, column[i]) for number, column in times)]
        yield envelope(columns[1] + b"".join(own) + (columns[7][i] if columns[7] else b""), NO_LIMIT)
