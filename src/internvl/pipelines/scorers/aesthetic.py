"""The column `aesthetic`: how well a picture is made, 0 (spoilt) to 1 (flawless).

    picture -> overview 128 x 128, and four details of 96 x 96 as they are -> their statistics -> grade

Technical quality only: sharpness, noise, compression, light, contrast, colour, enlargement, crop. Not taste: a dull subject, well
taken, is graded high. See docs/models/internvl-aesthetic.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PIL.Image
import torch

from internvl.media.image import MAX_PIXELS
from internvl.pipelines.scorers.aesthetic_network import AestheticNetwork, statistics
from internvl.pipelines.scorers.picture_score import PictureScore, Score
from internvl.pipelines.scorers.weights import digest, load_into, weights_file

KIND = "aesthetic"


@dataclass(frozen=True)
class AestheticScore(PictureScore):
    """Adds `aesthetic`. weights: a file of recipes/scorers instead of the shipped one."""

    weights: Path | None = None
    max_pixels: int = MAX_PIXELS

    @property
    def name(self) -> str:
        """See `PictureScore`."""
        return KIND

    def settings(self) -> dict[str, Any]:
        """See `PictureScore`."""
        return {"weights": digest(weights_file(KIND, self.weights)), "max_pixels": self.max_pixels}

    def score(self) -> Score:
        """See `PictureScore`."""
        network = load_into(AestheticNetwork(), weights_file(KIND, self.weights), KIND)

        def grade(picture: PIL.Image.Image) -> float:
            return float(torch.sigmoid(network(statistics(picture)[None])))

        return grade
