"""Toys for the tests of vector benchmarks: coloured pictures in the published files, models that see colour."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import PIL.Image
import torch
from torch import Tensor, nn

from internvl.eval.embedder import FakeEmbedder
from internvl.messages import Image

COLOURS = {
    "red": (230, 20, 20),
    "lime": (20, 230, 20),
    "blue": (20, 20, 230),
    "yellow": (230, 230, 20),
    "cyan": (20, 230, 230),
    "magenta": (230, 20, 230),
}
CHINESE = {"红": "red", "绿": "lime", "蓝": "blue", "黄": "yellow", "青": "cyan", "紫": "magenta"}
NAMES = tuple(COLOURS)
IDS = tuple(f"n0000000{index}" for index in range(len(NAMES)))
TEMPLATES = ("a photo of {c}.", "the {c} thing", "{c}")


def embedder(**options: Any) -> FakeEmbedder:
    """An embedder that knows the colours in English and Chinese."""
    return FakeEmbedder(COLOURS | {word: COLOURS[name] for word, name in CHINESE.items()}, **options)


def paint(path: Path, name: str, *, shade: int = 0, size: tuple[int, int] = (14, 10)) -> Path:
    """A picture of one colour; `shade` makes its bytes differ from another's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = tuple(min(255, channel + shade) for channel in COLOURS[name])
    PIL.Image.new("RGB", size, colour).save(path, format="PNG" if path.suffix == ".png" else "JPEG", quality=95)
    return path


def write_json(path: Path, value: Any) -> Path:
    """A JSON file, its folder made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    return path


def write_prompts(root: Path) -> None:
    """Class names and templates in English and Chinese."""
    for prefix, names in (("en", list(NAMES)), ("cn", list(CHINESE))):
        write_json(root / f"{prefix}_classnames.json", {"imagenet1k": names, "flowers": ["rose"]})
        write_json(root / f"{prefix}_zeroshot_classification_templates.json", {"imagenet1k": list(TEMPLATES)})


def write_imagenet(root: Path, *, each: int = 2, part: str = "val", shade: int = 0) -> list[Path]:
    """imagenet-1k/PART/<id>/ILSVRC2012_val_*.JPEG, the classes one after another."""
    write_prompts(root)
    return [
        paint(
            root / "imagenet-1k" / part / wordnet_id / f"ILSVRC2012_val_{index * each + number + 1:08d}.JPEG",
            name,
            shade=shade + 2 * number,
        )
        for index, (wordnet_id, name) in enumerate(zip(IDS, NAMES, strict=True))
        for number in range(each)
    ]


class Stops(FakeEmbedder):
    """Encodes `pictures` pictures and then raises what a Ctrl-C raises."""

    def __init__(self, pictures: int, **options: Any) -> None:
        super().__init__(embedder().words, **options)
        self.left = pictures

    def encode_images(self, images: Sequence[Image], mode: str) -> Tensor:
        if self.left <= 0:
            raise KeyboardInterrupt
        self.left -= len(images)
        return super().encode_images(images, mode)


class ColourEncoder:
    """A FeatureExtractor whose tokens are the mean colours of patches, deeper layers a little larger. It has one parameter to train."""

    name = "colours"
    batch_size = 4
    patch_size = 4
    num_layers = 4
    width = 4

    def __init__(self, image_size: int = 8) -> None:
        self.image_size = image_size
        self.scale = nn.Linear(3, self.width)
        with torch.no_grad():
            self.scale.weight.copy_(torch.eye(4)[:, :3])
            self.scale.bias.fill_(0.1)
        self.seen = 0

    @property
    def module(self) -> nn.Module:
        return self.scale

    def describe(self) -> dict[str, Any]:
        return {"model": "colours", "image_size": self.image_size}

    def tokens(self, pixels: Tensor, layers: Sequence[int]) -> list[Tensor]:
        self.seen += len(pixels)
        cells = nn.functional.avg_pool2d(pixels, self.patch_size).flatten(2).transpose(1, 2)
        hidden = self.scale(torch.cat([cells.mean(dim=1, keepdim=True), cells], dim=1))
        return [hidden * (1 + 0.1 * layer) for layer in layers]

    def set_trained(self, trained: bool, *, drop_path: float) -> None:
        self.scale.requires_grad_(trained)
        self.drop_path = drop_path

    def parameter_depths(self) -> Iterator[tuple[nn.Parameter, int]]:
        for parameter in self.scale.parameters():
            yield parameter, 1
