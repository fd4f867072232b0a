"""A reader of tasks without a protobuf library, written from docs/protocol.md and the .proto files alone.

    python3 blind.py [MANIFEST]     goes through the cases of test/vectors/manifest.json that need no task type's schema

It reads envelopes, streams of frames and compact batches, makes what is saved of an envelope and what a reader makes of a
stored row, and places ids in shards. It does not read JSON hashes, nor the fields of data: for these one needs the schemas.
Reading an envelope takes a third of it, batches another; the rest is the checks that compare it with the vectors.
"""

import base64
import json
import sys
import uuid
import zlib
from collections import Counter
from itertools import accumulate
from pathlib import Path

LIMIT, MAX_TIME, MICROS = 1024 * 1024, 253_402_300_799, 1_000_000


class Refused(Exception):
    @property
    def code(self):
        return self.args[0]


def varint(data, at):
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 2**64 - 1, at
    raise IndexError("a varint of more than ten bytes")


def fields(data, at=0, group=None):
    """(number, wire type, value, raw bytes) of each field. Raises IndexError for what is no message."""
    while at < len(data):
        start = at
        tag, at = varint(data, at)
        number, kind, value = tag >> 3, tag & 7, None
        if not 1 <= number < 2**29:
            raise IndexError("a field number that there is none of")
        if kind == 0:
            value, at = varint(data, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at : at + size], at + size
        elif kind == 3:
            *_, (_, _, at, _) = fields(data, at, number)
        elif kind == 4 and number == group:
            yield number, kind, at, b""
            return
        else:
            raise IndexError("a wire type that there is none of, or an end without a beginning")
        if at > len(data):
            raise IndexError("it ends too early")
        yield number, kind, value, data[start:at]
    if group is not None:
        raise IndexError("a group without an end")


def signed(value, bits=64):
    value &= 2**bits - 1
    return value - 2**bits if value >= 2 ** (bits - 1) else value


def envelope(data, limit=LIMIT):
    if len(data) > limit:
        raise Refused("TOO_LARGE")
    task = {"taskList": "", "id": "", "typeUrl": None, "data": b"", "attempt": 0, "headers": {}, "unknown": []}
    times = {4: None, 15: None}
    try:
        for number, kind, value, raw in fields(data):
            if (number, kind) in ((1, 2), (2, 2)):
                task["taskList" if number == 1 else "id"] = value.decode()
            elif (number, kind) == (3, 2):
                task["typeUrl"] = task["typeUrl"] or ""
                for inner, inner_kind, part, _ in fields(value):
                    if (inner, inner_kind) == (1, 2):
                        task["typeUrl"] = part.decode()
                    elif (inner, inner_kind) == (2, 2):
                        task["data"] = part
            elif number in times and kind == 2:
                seconds, nanos = times[number] or (0, 0)
                for inner, inner_kind, part, _ in fields(value):
                    seconds = signed(part) if (inner, inner_kind) == (1, 0) else seconds
                    nanos = signed(part, 32) if (inner, inner_kind) == (2, 0) else nanos
                times[number] = (seconds, nanos)
            elif (number, kind) == (6, 0):
                task["attempt"] = value & 2**32 - 1
            elif (number, kind) == (7, 2):
                entry = {1: b"", 2: b""} | {inner: part for inner, _, part, _ in fields(value)}
                task["headers"][entry[1].decode()] = entry[2].decode()
            else:
                task["unknown"].append(raw)
    except (IndexError, UnicodeDecodeError) as error:
        raise Refused("INVALID_ENVELOPE") from error
    return task | checked(task, times[4], times[15])


def checked(task, created_at, saved_at):
    keys = [task[name].encode() for name in ("taskList", "id")]
    good = all(1 <= len(key) <= 512 and b"\0" not in key for key in keys)
    kind = (task["typeUrl"] or "").rpartition("/")[2]
    version = saved_at and saved_at[0] * MICROS + saved_at[1] // 1000
    good &= kind != "" and all(0 <= time[1] <= 999_999_999 for time in (created_at, saved_at) if time)
    good &= created_at is None or -62_135_596_800 <= created_at[0] <= MAX_TIME
    good &= saved_at is None or (saved_at[1] % 1000 == 0 and 1 <= version < (MAX_TIME + 1) * MICROS)
    if not good:
        raise Refused("INVALID_ENVELOPE")
    return {"type": kind, "createdAt": created_at and [str(created_at[0]), created_at[1]], "version": version and str(version)}


def frames(stream, limit=LIMIT):
    at = 0
    while at < len(stream):
        size = 0
        for shift in range(0, 36, 7):
            if shift == 35:
                raise Refused("INVALID_BATCH")
            if at == len(stream):
                raise Refused("TRUNCATED")
            size |= (stream[at] & 0x7F) << shift
            at += 1
            if stream[at - 1] < 0x80:
                break
        if size > limit:
            raise Refused("TOO_LARGE")
        if at + size > len(stream):
            raise Refused("TRUNCATED")
        yield stream[at : at + size]
        at += size


def packed(kind, value):
    """The numbers of a repeated field, in one part or alone."""
    at, end = 0, len(value) if kind == 2 else 0
    if kind == 0:
        yield value
    while at < end:
        number, at = varint(value, at)
        yield number


def batch(data, limit=LIMIT):
    if len(data) > limit + 4096:
        raise Refused("TOO_LARGE")
    groups, order = [], []
    try:
        for number, kind, value, _ in fields(data):
            if (number, kind) == (16, 2):
                groups.append(group(value))
            elif number == 17 and kind in (0, 2):
                order += packed(kind, value)
            else:
                raise Refused("INVALID_BATCH")
    except (IndexError, UnicodeDecodeError) as error:
        raise Refused("INVALID_BATCH") from error
    sizes = Counter({i: len(each[4]) for i, each in enumerate(groups)})
    longest = sum(max(1, *(len(columns[i]) for i in (2, 4, 5, 6, 7))) for columns in groups)
    if max(longest, len(order)) > 10_000:
        raise Refused("TOO_LARGE")
    is_plain = len(groups) <= 1 and not order
    if not all(map(fits, groups)) or not (is_plain or Counter(order) == sizes):
        raise Refused("INVALID_BATCH")
    readers = [tasks(each) for each in groups]
    return [next(readers[i]) for i in (order or [0] * sizes.total())]


def group(data):
    columns = {1: b"", 2: [], 3: b"", 4: [], 5: [], 6: [], 7: []}
    for number, kind, value, _ in fields(data):
        if number in (5, 6) and kind in (0, 2):
            columns[number] += [each >> 1 ^ -(each & 1) for each in packed(kind, value)]
        elif number in columns and kind == 2:
            columns[number] = value if number == 3 else columns[number] + (value if number == 1 else [value])
        else:
            raise Refused("INVALID_BATCH")
    list(fields(columns[1]))
    columns[2] = [id.decode() for id in columns[2]]
    return columns


def size_again(data):
    """How many bytes an envelope has when it is encoded again: of each field and header the last counts."""
    last = {}
    for number, kind, value, raw in fields(data):
        header = next((part for inner, _, part, _ in fields(value) if inner == 1), b"") if number == 7 else None
        last[(number, header) if number in (1, 2, 3, 4, 6, 7, 15) else (number, len(last))] = len(raw)
    return sum(last.values())


def fits(columns):
    count = len(columns[4])
    ids = len(columns[2]) == count and not columns[3] if columns[2] else len(columns[3]) == 16 * count
    shared = {number for number, *_ in fields(columns[1])}
    sums = [total for i in (5, 6) for total in accumulate(columns[i])]
    small = size_again(columns[1]) <= 1024 and (not columns[7] or shared <= {1, 3})
    in_range = all(-(2**63) <= total < 2**63 for total in sums)
    return count > 0 and ids and small and in_range and all(len(columns[i]) in (0, count) for i in (5, 6, 7))


def tasks(columns):
    """To merge a message with the bytes of another is to read both, one after the other."""
    sums = {5: 0, 6: 0}
    for i, value in enumerate(columns[4]):
        id = columns[2][i] if columns[2] else str(uuid.UUID(bytes=columns[3][16 * i : 16 * i + 16]))
        parts = [columns[1], part(2, id.encode()), part(3, part(2, value))]
        for column, number in ((5, 4), (6, 15)):
            if columns[column]:
                sums[column] += columns[column][i]
                seconds, micros = divmod(sums[column], MICROS)
                parts.append(part(number, b"\x08" + number_bytes(seconds) + b"\x10" + number_bytes(micros * 1000)))
        yield envelope(b"".join(parts) + (columns[7][i] if columns[7] else b""), 2**31)


def number_bytes(value):
    value &= 2**64 - 1
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])


def part(number, data):
    return number_bytes(number << 3 | 2) + number_bytes(len(data)) + data


def body(data, limit):
    envelope(data, 2**31)
    kept = b"".join(raw for number, kind, _, raw in fields(data) if (number, kind) != (15, 2))
    if len(kept) + 15 > limit:
        raise Refused("TOO_LARGE")
    return kept


def shard(id, shards):
    return (zlib.crc32(id.encode()) * 0x9E3779B1 % 2**32 >> 16) % shards


def stored(case):
    key = {"taskList": case["taskList"], "id": case["id"]}
    try:
        found = envelope(bytes64(case["body"]), 2**31)
        if found | key == found:
            return found | {"version": case["version"]}
    except Refused:
        pass
    url = "type.googleapis.com/taskledger.v1.DamagedTask"
    data = part(1, bytes64(case["body"])) if case["body"] else b""
    rest = {"data": data, "attempt": 0, "headers": {}, "unknown": [], "createdAt": None}
    return key | rest | {"typeUrl": url, "type": url.rpartition("/")[2], "version": case["version"]}


bytes64 = base64.b64decode


def outcome(read):
    try:
        return read()
    except Refused as refused:
        return refused.code


def check_envelope(case):
    found = envelope(bytes64(case["binary"])) | {"isOpaque": case["fields"]["isOpaque"]}
    del found["unknown"]
    return found | {"data": base64.b64encode(found["data"]).decode()} == case["fields"]


def check_stream(case):
    found, error = [], None
    try:
        for frame in frames(bytes64(case["stream"])):
            found.append(frame)
    except Refused as refused:
        error = refused.code
    return found == list(map(bytes64, case["frames"])) and error == case["error"]


CHECKS = {
    "envelopes": check_envelope,
    "refused": lambda case: "text" in case or outcome(lambda: envelope(bytes64(case["binary"]), case.get("limit", LIMIT))) == case["code"],
    "streams": check_stream,
    "batches": lambda case: outcome(lambda: batch(bytes64(case["binary"])))
    == (case["code"] or [envelope(bytes64(each)) for each in case["envelopes"]]),
    "saves": lambda case: outcome(lambda: body(bytes64(case["binary"]), case["limit"])) == (case["code"] or bytes64(case["body"])),
    "stored": lambda case: stored(case) == envelope(bytes64(case["envelope"]), 2**31),
    "placements": lambda case: all(shard(case["id"], int(count)) == number for count, number in case["shards"].items()),
}

if __name__ == "__main__":
    path = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "test/vectors/manifest.json"
    manifest = json.loads(Path(path).read_text())
    cases = [(kind, case) for kind in CHECKS for case in manifest[kind]]
    failed = [f"{kind}: {case.get('name', case.get('id'))}" for kind, case in cases if not CHECKS[kind](case)]
    print(*failed, f"{len(cases) - len(failed)} passed, {len(failed)} failed", sep="\n")
    sys.exit(len(failed) > 0)
