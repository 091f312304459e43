"""A folder of pictures as vectors on disk, so that a sentence finds its pictures without encoding any of them again.

    pictures below a folder --new or changed ones--> Dual.encode_images -> Parts: INDEX/part-*.safetensors
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
from torch import Tensor

from internvl.engine.dual import Dual
from internvl.engine.dual_identity import weights_identity
from internvl.engine.index_parts import PART, Parts
from internvl.engine.nearest import Nearest
from internvl.engine.picture_files import Entry, check_folder, list_pictures
from internvl.errors import ConfigError, MediaError
from internvl.messages import Image

ABOUT, SKIPPED = "index.json", "skipped.jsonl"
FORMAT = 2
DEAD_SHARE = 0.25  # of rows whose pictures are gone or changed; from then on files are written anew without them
Told: TypeAlias = Callable[[int, int], None]
"""Called with (done, to do), pictures or rows."""


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
    """The vectors of the pictures below `pictures`, kept in `folder`; both may move together when one lies in the other.

    Raises ConfigError when the folder was made by another model or for other pictures, CheckpointError for a damaged file.
    """

    def __init__(self, folder: Path, pictures: Path, dual: Dual) -> None:
        check_folder(pictures)  # before the index is made, which may lie inside
        self.folder, self.pictures, self.dual = folder, pictures.resolve(), dual
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._claim()
        except OSError as error:
            raise ConfigError(f"the index can't be kept in {folder}: {error.strerror}; give another folder for it") from error
        self._parts = Parts(folder, width=dual.model.config.embed_dim)
        self._live = {entry.path: row for row, entry in enumerate(self._parts.rows)}  # of a picture encoded twice, the later row counts
        self._nearest: Nearest | None = None
        self._by_row: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._live)

    def update(self, *, progress: Told | None = None) -> Update:
        """Encode what is new or changed, forget what is gone."""
        listing = list_pictures(self.pictures, self.folder)
        gone = [path for path in self._live if path not in listing.files]
        for path in gone:
            del self._live[path]
        fresh = [entry for path, entry in listing.files.items() if not self._knows(path, entry)]
        skipped = list(listing.unusable)
        for start in range(0, len(fresh), PART):
            skipped += self._add(fresh[start : start + PART], _counting_from(start, len(fresh), progress))
        if gone or fresh:
            self._nearest = None
            self._tidy()
        lines = (json.dumps({"path": path, "reason": why}, ensure_ascii=False) + "\n" for path, why in skipped)
        _write(self.folder / SKIPPED, "".join(lines))
        return Update(len(fresh) - (len(skipped) - len(listing.unusable)), len(gone), tuple(skipped))

    def prepare(self, *, progress: Told | None = None) -> None:
        """What the first search would do before it answers: join the rows, and read or build the graph where there is one."""
        if self._nearest is None:
            self._nearest = Nearest(self._parts.vectors, self.folder, progress=progress)
            self._by_row = {row: path for path, row in self._live.items()}

    def search(self, query: str | Image, *, top: int = 10) -> list[Found]:
        """The pictures most like a sentence or another picture, best first, as they were at the last update."""
        if top < 1:
            raise ConfigError(f"at least one picture must be asked for, not {top}")
        vector = (self.dual.encode_texts([query]) if isinstance(query, str) else self.dual.encode_images([query]))[0]
        return self.nearest(vector, top=top)

    def nearest(self, vector: Tensor, *, top: int = 10) -> list[Found]:
        """The same for a vector [E] of length 1."""
        self.prepare()
        hits = self._nearest.search(vector, top, alive=self._by_row.__contains__) if self._nearest is not None else []
        return [Found(self.pictures / self._by_row[row], score) for row, score in hits]

    def _knows(self, path: str, entry: Entry) -> bool:
        return path in self._live and self._parts.rows[self._live[path]] == entry

    def _tidy(self) -> None:
        """Write the rows anew without the dead ones, when these have become many."""
        dead = len(self._parts.rows) - len(self._live)
        if dead > max(PART, DEAD_SHARE * len(self._parts.rows)):
            self._parts.rewrite(sorted(self._live.values()))
            self._live = {entry.path: row for row, entry in enumerate(self._parts.rows)}

    def _add(self, entries: Sequence[Entry], told: Callable[[int], None]) -> list[tuple[str, str]]:
        """Encode a part's pictures and store them; what was skipped."""
        kept: list[Entry] = []
        vectors: list[Tensor] = []
        skipped: list[tuple[str, str]] = []
        for start in range(0, len(entries), self.dual.batch):
            for entry, made in self._encoded(entries[start : start + self.dual.batch]):
                if isinstance(made, str):
                    skipped.append((entry.path, made))
                    self._live.pop(entry.path, None)  # what it showed before is no longer there
                else:
                    kept.append(entry)
                    vectors.append(made)
            told(min(len(entries), start + self.dual.batch))
        if kept:
            first = len(self._parts.rows)
            self._parts.add(kept, torch.stack(vectors))
            self._live.update({entry.path: first + place for place, entry in enumerate(kept)})
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

    def _claim(self) -> None:
        """index.json says whose vectors these are. The model's name is for people; its weights are what counts."""
        place = os.path.relpath(self.pictures, self.folder.resolve()) if self._is_inside() else str(self.pictures)
        about = {"format": FORMAT, "weights": weights_identity(self.dual.model), "mode": self.dual.mode, "pictures": place}
        path = self.folder / ABOUT
        if not path.exists():
            _write(path, json.dumps({**about, "model": self.dual.name}, indent=2, ensure_ascii=False) + "\n")
            return
        try:
            found: Any = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise ConfigError(f"{path} is no JSON; delete {self.folder} to begin again") from error
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise ConfigError(f"{self.folder} was made by another version of this package; delete it to begin again")
        if changed := [name for name in about if found.get(name) != about[name]]:
            was, now = (
                {name: facts.get(name) for name in ("model", *changed)} for facts in (found, {**about, "model": self.dual.name})
            )
            raise ConfigError(f"{self.folder} is the index of {was!r:.300}, not of {now!r:.300}; give another folder for the index")

    def _is_inside(self) -> bool:
        """Whether the index lies among its pictures: then both can be moved, and the way from one to the other stays."""
        return self.folder.resolve().is_relative_to(self.pictures)


def _counting_from(start: int, total: int, progress: Told | None) -> Callable[[int], None]:
    def told(done: int) -> None:
        if progress is not None:
            progress(start + done, total)

    return told


def _write(path: Path, text: str) -> None:
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(text, encoding="utf-8", errors="backslashreplace")
    os.replace(unfinished, path)
