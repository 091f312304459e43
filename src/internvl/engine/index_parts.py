"""The rows of an index on disk: which picture, and its vector. Files are only ever added, until many rows are dead.

    Parts.add(entries, vectors) -> FOLDER/part-000012-<digest>.safetensors: vectors float16 [n,E]; paths, sizes, times
    Parts.vectors -> [N,E] of all files in order, joined once        Parts.rewrite(rows) -> new files of these rows alone

A file is written whole or not at all. Of a picture that stands in two rows the later one counts, so a rewriting that is killed between
writing new files and removing old ones has changed nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from internvl.engine.picture_files import Entry
from internvl.errors import CheckpointError

PATTERN = "part-*.safetensors"
PART = 1024
"""Rows of a file at most."""


class Parts:
    """Rows in memory and on disk. width: E, of the vectors. Raises CheckpointError for a damaged file, with what to do."""

    def __init__(self, folder: Path, *, width: int) -> None:
        self.folder, self.width = folder, width
        self.rows: list[Entry] = []
        self._blocks: list[Tensor] = []
        for path in sorted(folder.glob(PATTERN)):
            self._read(path)

    @property
    def vectors(self) -> Tensor:
        """float16 [N,E]."""
        if len(self._blocks) != 1:
            self._blocks = [torch.cat([torch.empty(0, self.width, dtype=torch.float16), *self._blocks])]
        return self._blocks[0]

    def add(self, entries: Sequence[Entry], vectors: Tensor) -> None:
        """Write rows, at most `PART`, behind those known."""
        half = vectors.half().contiguous()
        told = json.dumps([[entry.path, entry.size, entry.changed_ns] for entry in entries])  # ASCII: names may be no Unicode
        digest = hashlib.blake2b(half.numpy().tobytes() + told.encode(), digest_size=4).hexdigest()
        path = self.folder / f"part-{self._next_number():06d}-{digest}.safetensors"
        unfinished = path.with_suffix(f".{os.getpid()}.tmp")
        save_file({"vectors": half}, unfinished, metadata={"pictures": told})
        os.replace(unfinished, path)
        self._take(entries, half)

    def rewrite(self, rows: Sequence[int]) -> None:
        """Keep these rows and no others, in this order."""
        old = sorted(self.folder.glob(PATTERN))
        entries, vectors = [self.rows[row] for row in rows], self.vectors[list(rows)]
        self.rows, self._blocks = [], []
        for start in range(0, len(entries), PART):
            self.add(entries[start : start + PART], vectors[start : start + PART])
        for path in old:
            path.unlink(missing_ok=True)

    def _next_number(self) -> int:
        """Above all that are there: counting them would overwrite one after another was deleted."""
        return max((int(path.name.split("-")[1].partition(".")[0]) for path in self.folder.glob(PATTERN)), default=-1) + 1

    def _read(self, path: Path) -> None:
        try:
            with safe_open(path, framework="pt") as file:
                vectors: Tensor = file.get_tensor("vectors")
                entries = [_entry(each) for each in json.loads(file.metadata()["pictures"])]
            int(path.name.split("-")[1].partition(".")[0])
        except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
            raise CheckpointError(f"{path} is damaged ({error}); delete it, and its pictures are encoded again") from error
        if vectors.dtype != torch.float16 or tuple(vectors.shape) != (len(entries), self.width):
            raise CheckpointError(
                f"{path} holds {vectors.dtype} {list(vectors.shape)} for {len(entries)} pictures and vectors of {self.width}; "
                "delete it, and its pictures are encoded again"
            )
        if not bool(torch.isfinite(vectors).all()):
            raise CheckpointError(f"{path} holds numbers that are not finite; delete it, and its pictures are encoded again")
        self._take(entries, vectors)

    def _take(self, entries: Sequence[Entry], vectors: Tensor) -> None:
        self.rows += entries
        self._blocks.append(vectors)


def _entry(values: object) -> Entry:
    if not isinstance(values, list) or [type(value) for value in values] != [str, int, int]:
        raise ValueError(f"a path, a size and a time were expected, not {values!r:.80}")
    return Entry(*values)
