"""How much the server may hold, from the memory that is free when it starts.

free bytes --half / bytes of a token--> tokens in caches        --quarter--> bodies and pixels of requests inside
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")
LEAST_INSIDE = 256 << 20


def cache_bytes(free: int | None) -> int | None:
    """What keys and values of all requests may take together; None where nobody knows."""
    return None if free is None else free // 2


def inside_bytes(free: int | None) -> int | None:
    """What bodies and pixels of all requests may take together; None where nobody knows."""
    return None if free is None else max(LEAST_INSIDE, free // 4)


def free_bytes() -> int | None:
    """Main memory that a process can still have: what the system has left, or what is left of the limit of its group."""
    known = [each for each in (_of_system(), _of_group()) if each is not None]
    return min(known, default=None)


def free_device_bytes() -> int:
    """Memory that the current CUDA device has left."""
    import torch

    return int(torch.cuda.mem_get_info()[0])


def _of_system() -> int | None:
    with suppress(OSError, ValueError, IndexError):
        for line in MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _of_group() -> int | None:
    """The group's limit less what it uses; a limit of "max" is none."""
    with suppress(OSError, ValueError):
        return max(0, int((CGROUP / "memory.max").read_text()) - int((CGROUP / "memory.current").read_text()))
    return None
