"""ADE20K's files: a picture and a map of class numbers of the same name.

images/training/ADE_train_00000001.jpg + annotations/training/ADE_train_00000001.png (0 = no class, 1...150) -> Scene
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from internvl.errors import MediaError
from internvl.eval.errors import BenchmarkFileError
from internvl.eval.image_folders import first_folder
from internvl.media.image import DECODER_ERRORS, open_image

ROOTS = ("ADEChallengeData2016", "ade/ADEChallengeData2016", "ade20k/ADEChallengeData2016")
CLASSES = 150
IGNORED = 255


@dataclass(frozen=True)
class Scene:
    """A picture, its label map, and its place in the listing, from 1."""

    id: str
    row: int
    image: Path
    labels: Path

    def error(self, message: str) -> BenchmarkFileError:
        """The error to raise about it."""
        return BenchmarkFileError(f"row {self.row} ({self.id}): {message}")


def read_scenes(root: Path, part: str) -> list[Scene]:
    """The scenes of a part ("training", "validation") in name order. BenchmarkFileError for a picture without a map, or no picture."""
    folder = first_folder(root, ROOTS)
    images, maps = folder / "images" / part, folder / "annotations" / part
    paths = sorted(images.glob("*.jpg")) if images.is_dir() else []
    if not paths:
        raise BenchmarkFileError(f"{images} holds no .jpg pictures")
    scenes = [Scene(path.stem, row, path, maps / f"{path.stem}.png") for row, path in enumerate(paths, start=1)]
    for scene in scenes:
        if not scene.labels.is_file():
            raise scene.error(f"{scene.labels} is absent")
    return scenes


def open_scene(scene: Scene, classes: int = CLASSES) -> tuple[PIL.Image.Image, NDArray[np.uint8]]:
    """The picture in RGB and its raw labels uint8[H,W]: 0 no class, 1...classes. BenchmarkFileError when either can't be used."""
    try:
        image = open_image(scene.image, exif=False)
    except MediaError as error:
        raise scene.error(str(error)) from error
    try:
        with PIL.Image.open(scene.labels, formats=["PNG"]) as file:
            labels = np.array(file)
    except DECODER_ERRORS as error:
        raise scene.error(f"{scene.labels} can't be read: {error}") from error
    if labels.dtype != np.uint8 or labels.shape != (image.height, image.width):
        raise scene.error(f"{scene.labels} is {labels.dtype} {list(labels.shape)}, uint8 {[image.height, image.width]} is expected")
    if int(labels.max(initial=0)) > classes:
        raise scene.error(f"{scene.labels} has the class {int(labels.max())}, 0...{classes} are expected")
    return image, labels


def reduced(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Raw labels in the numbering of training: 0...classes-1, 255 for no class."""
    return np.where(labels == 0, IGNORED, labels - 1).astype(np.uint8)
