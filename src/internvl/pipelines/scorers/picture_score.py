"""What all scorers of pictures share: open the picture once, ask, round; a picture that can't be opened is dropped with its reason.

    Item(image) --open_image--> RGB --score--> Item with the column, or Drop("unreadable picture: ...")

Pictures go through one at a time and on one thread, so that a score never depends on batch mates or on how many cores a worker has;
more cores are used by more workers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import PIL.Image
import torch

from internvl.errors import MediaError
from internvl.media.image import MAX_PIXELS, open_image
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.operator import ColumnType, Outcome, Resources, Work

# An RGB picture -> 0 to 1.
Score: TypeAlias = Callable[[PIL.Image.Image], float]
# The last digits of a sum of floats depend on the processor; four are the same on all.
DIGITS = 4


class PictureScore(ABC):
    """An operator that adds one column of 0 to 1, named as itself. Items without a picture pass with no value."""

    max_pixels: int

    @property
    @abstractmethod
    def name(self) -> str:
        """The operator's name and its column's."""

    @property
    def resources(self) -> Resources:
        """One core."""
        return Resources()

    def columns(self) -> Mapping[str, ColumnType]:
        """The one column."""
        return {self.name: "float"}

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """All that changes the score, with a hash of the weights."""

    @abstractmethod
    def score(self) -> Score:
        """Load the model. Raises PipelineError or MissingDependencyError where it can't be had."""

    def open(self) -> Work:
        """See `Operator`."""
        return _Work({self.name: self.score()}, self.max_pixels)


@dataclass(frozen=True)
class ScoreTogether:
    """Several scores of a picture that is decoded once: what decoding costs is then paid once and not for each."""

    scores: tuple[PictureScore, ...]
    name: str = "scores"

    def __post_init__(self) -> None:
        names = [score.name for score in self.scores]
        if not names or len(set(names)) < len(names):
            raise PipelineError(f"scores together are one or more different ones, not {names}")

    @property
    def resources(self) -> Resources:
        """One core."""
        return Resources()

    def columns(self) -> Mapping[str, ColumnType]:
        """The columns of all."""
        return {score.name: "float" for score in self.scores}

    def settings(self) -> dict[str, Any]:
        """The settings of each by its name."""
        return {score.name: score.settings() for score in self.scores}

    def open(self) -> Work:
        """See `Operator`. The smallest of the limits on pixels holds."""
        return _Work({score.name: score.score() for score in self.scores}, min(score.max_pixels for score in self.scores))


@dataclass(frozen=True)
class _Work:
    scores: Mapping[str, Score]
    max_pixels: int = MAX_PIXELS

    def __call__(self, items: Sequence[Item]) -> list[Outcome]:
        with one_thread(), torch.inference_mode():
            return [self._outcome(item) for item in items]

    def _outcome(self, item: Item) -> Outcome:
        if item.image is None:
            return item
        try:
            picture = open_image(item.image, max_pixels=self.max_pixels)
        except MediaError as error:
            return Drop(f"unreadable picture: {error}")
        return item.with_fields(**{name: round(score(picture), DIGITS) for name, score in self.scores.items()})


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: a sum split over threads differs in its last digits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
