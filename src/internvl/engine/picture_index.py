"""A folder of pictures as vectors on disk, so that a sentence finds its pictures without encoding any of them again.

    pictures below a folder --new or changed ones--> Dual.encode_images -> INDEX/part-*.safetensors (float16 [n,E], paths, sizes, times)
    sentence or picture -> vector [E] -> nearest live rows -> Found, best first

Each part is written whole or not at all, after every `PART` pictures: whoever is interrupted goes on from there. What can't be opened
is in INDEX/skipped.jsonl with its reason, and is tried again next time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from internvl.engine.dual import Dual
from internvl.engine.nearest import Nearest
from internvl.errors import CheckpointError, ConfigError, MediaError
from internvl.messages import Image

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".avif"))
ABOUT, SKIPPED, PATTERN = "index.json", "skipped.jsonl", "part-*.safetensors"
FORMAT = 1
PART = 1024
Told: TypeAlias = Callable[[int, int], None]
"""Called with (pictures done, pictures to do)."""


@dataclass(frozen=True)
class Entry:
    """A picture as it was when it was encoded: path below the folder, size in bytes, time of change."""

    path: str
    size: int
    changed_ns: int


@dataclass(frozen=True)
class Found:
    """A picture and its cosine similarity to what was searched."""

    path: Path
    similarity: float


@dataclass(frozen=True)
class Update:
    """What an update did: pictures encoded, dropped because they are gone, and skipped, each with its reason."""

    added: int
    removed: int
    skipped: tuple[tuple[str, str], ...]


class PictureIndex:
    """The vectors of the pictures below `pictures`, kept in `folder`.

    Raises ConfigError when the folder was made by another model or for other pictures, CheckpointError for a damaged part.
    """

    def __init__(self, folder: Path, pictures: Path, dual: Dual) -> None:
        self.folder, self.pictures, self.dual = folder, pictures.resolve(), dual
        folder.mkdir(parents=True, exist_ok=True)
        self._claim()
        self._rows: list[Entry] = []
        self._live: dict[str, int] = {}
        self._vectors = [self._read(part) for part in sorted(folder.glob(PATTERN))]
        self._nearest: Nearest | None = None
        self._by_row: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._live)

    def update(self, *, progress: Told | None = None) -> Update:
        """Encode what is new or changed, forget what is gone."""
        self._nearest = None
        present = dict(_listed(self.pictures, self.folder))
        gone = [path for path in self._live if path not in present]
        for path in gone:
            del self._live[path]
        fresh = [entry for path, entry in present.items() if path not in self._live or self._rows[self._live[path]] != entry]
        skipped: list[tuple[str, str]] = []
        for start in range(0, len(fresh), PART):
            skipped += self._add(fresh[start : start + PART], _counting_from(start, len(fresh), progress))
        _write(
            self.folder / SKIPPED,
            "".join(json.dumps({"path": path, "reason": why}, ensure_ascii=False) + "\n" for path, why in skipped),
        )
        return Update(len(fresh) - len(skipped), len(gone), tuple(skipped))

    def search(self, query: str | Image, *, top: int = 10) -> list[Found]:
        """The pictures most like a sentence or another picture, best first."""
        if top < 1:
            raise ConfigError(f"at least one picture must be asked for, not {top}")
        vector = (self.dual.encode_texts([query]) if isinstance(query, str) else self.dual.encode_images([query]))[0]
        if self._nearest is None:
            nothing = torch.empty(0, len(vector), dtype=torch.float16)
            self._nearest = Nearest(torch.cat([nothing, *self._vectors]), self.folder)
            self._by_row = {row: path for path, row in self._live.items()}
        hits = self._nearest.search(vector, top, alive=self._by_row.__contains__)
        return [Found(self.pictures / self._by_row[row], score) for row, score in hits]

    def _add(self, entries: Sequence[Entry], told: Callable[[int], None]) -> list[tuple[str, str]]:
        """Encode a part's pictures and store them; what was skipped."""
        kept: list[Entry] = []
        vectors: list[Tensor] = []
        skipped: list[tuple[str, str]] = []
        for start in range(0, len(entries), self.dual.batch):
            for entry, made in self._encoded(entries[start : start + self.dual.batch]):
                if isinstance(made, str):
                    skipped.append((entry.path, made))
                else:
                    kept.append(entry)
                    vectors.append(made)
            told(min(len(entries), start + self.dual.batch))
        if kept:
            self._store(kept, torch.stack(vectors).half())
        return skipped

    def _encoded(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Tensor | str]]:
        """Each picture's vector, or why it has none. One bad picture spoils a batch, so its pictures are then taken one by one."""
        try:
            yield from zip(entries, self._vectors_of(entries), strict=True)
        except MediaError as error:
            if len(entries) == 1:
                yield entries[0], str(error)
                return
            for entry in entries:
                yield from self._encoded([entry])

    def _vectors_of(self, entries: Sequence[Entry]) -> list[Tensor]:
        return list(self.dual.encode_images([Image(self.pictures / entry.path) for entry in entries]))

    def _store(self, entries: Sequence[Entry], vectors: Tensor) -> None:
        number = len(list(self.folder.glob(PATTERN)))
        path = self.folder / f"part-{number:06d}.safetensors"
        unfinished = path.with_suffix(".tmp")
        told = json.dumps([[entry.path, entry.size, entry.changed_ns] for entry in entries], ensure_ascii=False)
        save_file({"vectors": vectors.contiguous()}, unfinished, metadata={"pictures": told})
        os.replace(unfinished, path)
        self._take(entries)
        self._vectors.append(vectors)

    def _read(self, path: Path) -> Tensor:
        try:
            with safe_open(path, framework="pt") as file:
                vectors: Tensor = file.get_tensor("vectors")
                entries = [Entry(*each) for each in json.loads(file.metadata()["pictures"])]
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path} is damaged ({error}); delete it, and its pictures are encoded again") from error
        if len(vectors) != len(entries):
            raise CheckpointError(f"{path} holds {len(vectors)} vectors for {len(entries)} pictures; delete it")
        self._take(entries)
        return vectors

    def _take(self, entries: Sequence[Entry]) -> None:
        """Rows go behind those known; of a picture encoded twice, the later row counts."""
        for entry in entries:
            self._live[entry.path] = len(self._rows)
            self._rows.append(entry)

    def _claim(self) -> None:
        about = {"format": FORMAT, "model": self.dual.name, "mode": self.dual.mode, "pictures": str(self.pictures)}
        path = self.folder / ABOUT
        if not path.exists():
            _write(path, json.dumps(about, indent=2, ensure_ascii=False) + "\n")
            return
        try:
            found: Any = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise ConfigError(f"{path} is no JSON; delete {self.folder} to begin again") from error
        if found != about:
            raise ConfigError(f"{self.folder} is the index of {found!r:.300}, not of {about!r:.300}; give another folder for the index")


def _counting_from(start: int, total: int, progress: Told | None) -> Callable[[int], None]:
    def told(done: int) -> None:
        if progress is not None:
            progress(start + done, total)

    return told


def _listed(pictures: Path, index: Path) -> Iterator[tuple[str, Entry]]:
    if not pictures.is_dir():
        raise ConfigError(f"{pictures} is not a folder of pictures")
    own = index.resolve()
    for place, folders, files in os.walk(pictures):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and (Path(place) / name).resolve() != own)
        for name in sorted(files):
            file = Path(place) / name
            if file.suffix.lower() in SUFFIXES and file.is_file():
                found, relative = file.stat(), file.relative_to(pictures).as_posix()
                yield relative, Entry(relative, found.st_size, found.st_mtime_ns)


def _write(path: Path, text: str) -> None:
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)
