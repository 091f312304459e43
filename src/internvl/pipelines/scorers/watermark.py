"""The column `watermark`: how likely a picture carries a watermark, 0 to 1.

    picture -> about 370 x 370 px of its own aspect -> evidence by place -> probability

What counts: marks laid over a picture, mostly half transparent (repeated or single text, logos, lines), and small credits in corners.
What does not: text in the scene, captions, subtitles, pages. See docs/models/internvl-watermark.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PIL.Image
import torch

from internvl.media.image import MAX_PIXELS
from internvl.pipelines.scorers.blocks import pixels_of
from internvl.pipelines.scorers.picture_score import PictureScore, Score
from internvl.pipelines.scorers.watermark_network import AREA, WatermarkNetwork, worked
from internvl.pipelines.scorers.weights import digest, load_into, weights_file

KIND = "watermark"


@dataclass(frozen=True)
class WatermarkScore(PictureScore):
    """Adds `watermark`. weights: a file of recipes/scorers instead of the shipped one. area: px looked at; more is slower and finer."""

    weights: Path | None = None
    area: int = AREA
    max_pixels: int = MAX_PIXELS

    @property
    def name(self) -> str:
        """See `PictureScore`."""
        return KIND

    def settings(self) -> dict[str, Any]:
        """See `PictureScore`."""
        return {"weights": digest(weights_file(KIND, self.weights)), "area": self.area, "max_pixels": self.max_pixels}

    def score(self) -> Score:
        """See `PictureScore`."""
        network = load_into(WatermarkNetwork(), weights_file(KIND, self.weights), KIND)

        def probability(picture: PIL.Image.Image) -> float:
            return float(torch.sigmoid(network(pixels_of(worked(picture, self.area)))))

        return probability
