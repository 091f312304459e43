"""A folder that appears when it is whole: until then its files are in `TARGET.partial` beside it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from internvl.errors import CheckpointError


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A folder to write into, renamed to `target` when the block ends well and removed when it does not.

    What a killed attempt left behind is replaced. Raises CheckpointError when `target` holds files already.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise CheckpointError(f"{target} is not an empty folder; give a new one")
    partial = target.with_name(target.name + ".partial")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    try:
        yield partial
        if target.exists():
            target.rmdir()
        partial.replace(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
