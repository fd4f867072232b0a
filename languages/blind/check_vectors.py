"""Compares blind.py with the cases of test/vectors/manifest.json that need no task type's schema.

python3 check_vectors.py [MANIFEST]
"""

import base64
import json
import operator
import sys
from pathlib import Path

from blind import LIMIT, NO_LIMIT, Refused, batch, body, envelope, frames, shard, stored


def outcome(read, *arguments):
    try:
        return read(*arguments)
    except Refused as refused:
        return refused.args[0]


def fields_of(task):
    found = task | {"data": base64.b64encode(task["data"]).decode()}
    del found["unknown"]
    return found


def frames_of(stream):
    found = []
    return found, outcome(lambda: found.extend(frames(stream)))


bytes64 = base64.b64decode
# What is made of a case, and what should be.
CHECKS = {
    "envelopes": lambda case: (
        fields_of(envelope(bytes64(case["binary"]))) | {"isOpaque": case["fields"]["isOpaque"]},
        case["fields"],
    ),
    "refused": lambda case: (outcome(envelope, bytes64(case["binary"]), case.get("limit", LIMIT)), case["code"]),
    "streams": lambda case: (frames_of(bytes64(case["stream"])), ([bytes64(each) for each in case["frames"]], case["error"])),
    "batches": lambda case: (
        outcome(batch, bytes64(case["binary"])),
        case["code"] or [envelope(bytes64(each)) for each in case["envelopes"]],
    ),
    "saves": lambda case: (outcome(body, bytes64(case["binary"]), case["limit"]), case["code"] or bytes64(case["body"])),
    "stored": lambda case: (
        stored(case["taskList"], case["id"], int(case["version"]), bytes64(case["body"])),
        envelope(bytes64(case["envelope"]), NO_LIMIT),
    ),
    "placements": lambda case: ({count: shard(case["id"], int(count)) for count in case["shards"]}, case["shards"]),
}

if __name__ == "__main__":
    path = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "test/vectors/manifest.json"
    manifest = json.loads(Path(path).read_text())
    cases = [(kind, case) for kind in CHECKS for case in manifest[kind] if "text" not in case]
    failed = [f"{kind}: {case.get('name', case.get('id'))}" for kind, case in cases if operator.ne(*CHECKS[kind](case))]
    print(*failed, f"{len(cases) - len(failed)} passed, {len(failed)} failed", sep="\n")
    sys.exit(len(failed) > 0)
