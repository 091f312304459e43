"""Fill a feature store: hash, skip what is stored, open and encode the rest in batches, add to the store every few seconds.

    pictures or sentences -> keys -> those missing, own shard -> Embedder batch by batch -> FeatureStore -> StoredFeatures

A clip becomes one vector: those of its stills, each of unit length, averaged and made of unit length again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import PIL.Image
import torch
from torch import Tensor

from internvl.errors import MediaError
from internvl.eval.embedder import Embedder, check_mode
from internvl.eval.embedding_task import Picture
from internvl.eval.errors import BenchmarkFileError, EvalError
from internvl.eval.feature_store import FeatureStore, Key, StoredFeatures, content_key
from internvl.eval.plan import shard_range
from internvl.eval.progress import Progress, ProgressCallback
from internvl.eval.similarity import unit
from internvl.media.image import open_image
from internvl.media.video import read_frames
from internvl.messages import Image, Video

CHUNK_ROWS = 2048
FLUSH_S = 60.0
READERS = 4

A = TypeVar("A")
B = TypeVar("B")


class Incomplete(EvalError):
    """Own rows are stored, those of other processes are not yet: `stored` of `total`."""

    def __init__(self, stored: int, total: int) -> None:
        super().__init__(f"{stored} of {total} rows are encoded; the processes of the other shards make the rest")
        self.stored = stored
        self.total = total


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """An embedder with its stores of pictures and sentences; `shard` (i, n) encodes the i-th of n contiguous parts."""

    embedder: Embedder
    pictures: FeatureStore
    texts: FeatureStore
    shard: tuple[int, int] = (0, 1)
    title: str = ""
    progress: ProgressCallback | None = None

    def __call__(self, pictures: Sequence[Picture], texts: Sequence[str], *, mode: str) -> tuple[StoredFeatures, StoredFeatures]:
        """Vectors of all of them. Raises Incomplete when other shards still lack some, BenchmarkFileError with a picture's row."""
        check_mode(mode)
        picture_keys = list(ahead(lambda picture: picture_key(picture, mode), pictures))
        own = [pictures[index] for index in _missing(picture_keys, self.pictures, self.shard)]
        loaded = _batches(ahead(lambda picture: _loaded(picture, mode), own), self._size)
        self._fill(self.pictures, loaded, _picture_encoder(self.embedder, mode), len(own), "pictures")
        text_keys = [content_key(text.encode("utf-8", "surrogatepass"), "text") for text in texts]
        rest = [(text_keys[index], texts[index]) for index in _missing(text_keys, self.texts, self.shard)]
        self._fill(self.texts, _batches(iter(rest), self._size), self.embedder.encode_texts, len(rest), "sentences")
        self._check_complete([(self.pictures, picture_keys), (self.texts, text_keys)])
        return StoredFeatures(self.pictures, picture_keys), StoredFeatures(self.texts, text_keys)

    @property
    def _size(self) -> int:
        return max(1, self.embedder.batch_size)

    def _fill(
        self, store: FeatureStore, batches: Iterator[list[tuple[Key, A]]], encode: Callable[[list[A]], Tensor], total: int, what: str
    ) -> None:
        pending, done = _Pending(store), 0
        try:
            for batch in batches:
                with torch.inference_mode():
                    made = encode([item for _, item in batch])
                if made.ndim != 2 or len(made) != len(batch):
                    raise EvalError(f"{self.embedder.name}: {len(batch)} {what} gave vectors {list(made.shape)}, not [{len(batch)}, D]")
                pending.add([key for key, _ in batch], made)
                done += len(batch)
                if self.progress is not None:
                    self.progress(Progress(title=f"{self.title}: {what}", done=done, total=total))
        finally:  # what was encoded before a damaged file stays
            pending.flush()

    def _check_complete(self, needed: Sequence[tuple[FeatureStore, Sequence[Key]]]) -> None:
        for store, _ in needed:
            store.refresh()
        total = sum(len(keys) for _, keys in needed)
        stored = sum(key in store for store, keys in needed for key in keys)
        if stored < total:
            raise Incomplete(stored, total)


class _Pending:
    """Vectors that are not on disk yet; they go there when they are many, or old."""

    def __init__(self, store: FeatureStore) -> None:
        self._store = store
        self._keys: list[Key] = []
        self._vectors: list[Tensor] = []
        self._since = time.monotonic()

    def add(self, keys: Sequence[Key], vectors: Tensor) -> None:
        self._keys += keys
        self._vectors.append(vectors.float().cpu())
        if len(self._keys) >= CHUNK_ROWS or time.monotonic() - self._since > FLUSH_S:
            self.flush()

    def flush(self) -> None:
        if self._keys:
            self._store.add(self._keys, torch.cat(self._vectors))
        self._keys, self._vectors, self._since = [], [], time.monotonic()


def picture_key(picture: Picture, mode: str) -> Key:
    """The key of a picture or clip by its file's bytes. BenchmarkFileError when it is absent."""
    try:
        content = picture.path.read_bytes()
    except OSError as error:
        raise BenchmarkFileError(f"row {picture.row} ({picture.id}): {picture.path} can't be read: {error.strerror}") from error
    return content_key(content, f"picture {mode} {picture.frames}")


def _missing(keys: Sequence[Key], store: FeatureStore, shard: tuple[int, int]) -> list[int]:
    """Positions in this process's part whose key is not stored; of equal contents the first."""
    found: dict[Key, int] = {}
    for position in shard_range(len(keys), shard):
        if keys[position] not in store:
            found.setdefault(keys[position], position)
    return list(found.values())


def _loaded(picture: Picture, mode: str) -> tuple[Key, list[Image]]:
    return picture_key(picture, mode), [Image(still) for still in open_stills(picture)]


def open_stills(picture: Picture) -> list[PIL.Image.Image]:
    """The picture, or the stills of a clip, decoded; EXIF turns are left out, as the original evaluation does.

    Raises BenchmarkFileError with the row of a file that can't be used.
    """
    try:
        if picture.frames is None:
            return [open_image(picture.path, exif=False)]
        return list(read_frames(Video(picture.path, frames=picture.frames)).images)
    except MediaError as error:
        raise BenchmarkFileError(f"row {picture.row} ({picture.id}): {error}") from error


def _picture_encoder(embedder: Embedder, mode: str) -> Callable[[list[list[Image]]], Tensor]:
    def encode(groups: list[list[Image]]) -> Tensor:
        stills = [image for group in groups for image in group]
        vectors = embedder.encode_images(stills, mode)
        if vectors.ndim != 2 or len(vectors) != len(stills):
            raise EvalError(f"{embedder.name}: {len(stills)} pictures gave vectors {list(vectors.shape)}, not [{len(stills)}, D]")
        if len(stills) == len(groups):
            return vectors
        parts = unit(vectors).split([len(group) for group in groups])
        return unit(torch.stack([part.mean(dim=0) for part in parts]))

    return encode


def _batches(items: Iterator[A], size: int) -> Iterator[list[A]]:
    batch: list[A] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def ahead(read: Callable[[A], B], items: Sequence[A]) -> Iterator[B]:
    """Results in order, with a bounded number of items read ahead by other threads."""
    waiting: deque[Future[B]] = deque()
    with ThreadPoolExecutor(READERS) as readers:
        for item in items:
            waiting.append(readers.submit(read, item))
            if len(waiting) > 8 * READERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
