"""What a benchmark of vectors is: classification, retrieval or a probe of a frozen encoder. The loop is `embedding_runner`.

    files -> pictures and sentences -> Work.encode (stored features) -> scores and one Scored row a picture or query -> Outcome

A task holds no loop over the model and keeps no state: encoding, storing, resuming and sharding are the runner's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from internvl.eval.errors import EvalError
from internvl.eval.progress import Progress, ProgressCallback
from internvl.eval.sample import Scored

if TYPE_CHECKING:
    from torch import Tensor

    from internvl.eval.feature_extractor import FeatureExtractor


@dataclass(frozen=True, kw_only=True)
class EmbeddingProtocol:
    """A named way to run a benchmark of vectors.

    language: of class names, templates or captions, by the name of their files. mode: how pictures are shown to the encoder.
    frames: stills of a clip. augment: whether a probe learns from random parts of pictures or from their middle.
    note: a sentence for the reader of a result.
    """

    language: str = "en"
    mode: str = "crop"
    frames: int | None = None
    augment: bool = True
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture or a clip to be encoded.

    id: unique in its set. row: where it stands in its file or listing, from 1. label: index of its class, or of all that are right.
    frames: for a clip, how many stills are encoded and averaged.
    """

    id: str
    row: int
    path: Path
    label: int | tuple[int, ...] = ()
    frames: int | None = None


class Features(Protocol):
    """Stored vectors in the order asked for, read a block at a time so that memory stays bounded."""

    width: int

    def __len__(self) -> int: ...

    def block(self, start: int, stop: int) -> Tensor:
        """float32[stop - start, width], as the encoder gave them, not normalised."""
        ...


class Encode(Protocol):
    """The vectors of pictures and of sentences, from the store or newly made. A picture's error names its row."""

    def __call__(self, pictures: Sequence[Picture], texts: Sequence[str], *, mode: str) -> tuple[Features, Features]: ...


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a task is asked to evaluate, and with what.

    folder: where the task may keep what it learns (heads) for this model. extractor: set for tasks that need feature maps.
    """

    root: Path
    split: str
    variant: str
    limit: int | None
    folder: Path
    encode: Encode
    extractor: FeatureExtractor | None = None
    title: str = ""
    progress: ProgressCallback | None = None

    def report(self, done: int, total: int, what: str) -> None:
        """Tell the caller how far it is."""
        if self.progress is not None:
            self.progress(Progress(title=f"{self.title}: {what}", done=done, total=total))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The numbers of a run and one row for each picture or query, in order; total: how many there are without a limit."""

    scores: Mapping[str, Any]
    rows: Sequence[Scored]
    total: int


class EmbeddingTask(ABC):
    """One benchmark of vectors. Class constants are those of `internvl.eval.task.Task`.

    published: split -> row of the published table; "split/variant" where variants have rows of their own.
    needs: "embedder" (pictures and sentences to one space), or "features" (tokens of an encoder's layers).
    """

    name: str
    title: str
    splits: ClassVar[tuple[str, ...]]
    files: Mapping[str, tuple[str, ...]]
    variants: Mapping[str, EmbeddingProtocol]
    metric: ClassVar[str]
    scale: ClassVar[float] = 100.0
    published: Mapping[str, str]
    needs: ClassVar[Literal["embedder", "features"]] = "embedder"
    shardable: ClassVar[bool] = True

    @abstractmethod
    def evaluate(self, work: Work) -> Outcome:
        """Read the files, have them encoded, score. Raises BenchmarkFileError with the file and row at fault."""

    def hashed_files(self, split: str, variant: str) -> Sequence[str]:
        """The paths below the data root whose contents a result depends on; those that exist go into its recipe."""
        del variant
        return self.files[split]

    def published_row(self, split: str, variant: str) -> str | None:
        """The row of the published table that a run of this split and variant stands beside."""
        own = self.published.get(f"{split}/{variant}")
        return own if own is not None or variant != next(iter(self.variants)) else self.published.get(split)


def first(items: Sequence[Any], limit: int | None) -> Sequence[Any]:
    """The first `limit` of them, all when it is None. EvalError for a limit below 1."""
    if limit is not None and limit < 1:
        raise EvalError(f"a limit is at least 1, not {limit}")
    return items if limit is None else items[:limit]
