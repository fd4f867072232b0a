"""The memory that this process takes. tracemalloc sees no messages, since they are not Python's own objects."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable
from pathlib import Path

_MOST_EVER = Path("/proc/self/clear_refs")
# Only Linux tells the most that a process had in a time.
IS_TOLD = _MOST_EVER.exists()


def most_memory(act: Callable[[], object]) -> int:
    """How many bytes a function takes at most while it runs, beyond what was there before."""
    gc.collect()
    # glibc keeps what was released, and would take from there. Other libraries do not have it.
    getattr(ctypes.CDLL(None), "malloc_trim", int)(0)
    _MOST_EVER.write_text("5")
    before = _status("VmRSS")
    act()
    return max(0, _status("VmHWM") - before)


def _status(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return 1024 * int(found[1])
