"""A file that is there whole or not at all, whenever the process is killed.

bytes -> .NAME.xxxxxxxx.part --flushed to the disk, renamed--> NAME
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PART = ".part"


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A stream whose bytes become `path` when the block ends well; otherwise nothing is left."""
    # Two machines of a cluster may write the same unit after a kill, and may have equal process ids.
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}{PART}")
    try:
        with draft.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def remove_parts(folder: Path) -> None:
    """Delete what killed processes left half-written in a folder."""
    for draft in folder.glob(f".*{PART}"):
        draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Without this a power cut may lose the new name of a file that is on the disk."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
