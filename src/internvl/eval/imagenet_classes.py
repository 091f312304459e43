"""ImageNet and its variants on disk, and which class a folder is: its place in the order of WordNet ids.

{"n01440764": 0, ...} | {"0": ["n01440764", "tench"], ...} | the folders of imagenet-1k/val, sorted --> {"n01440764": 0, ...}
validation, A, R, V2, Sketch --pictures_of--> Picture [label 0...999]
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from internvl.eval.embedding_task import Picture
from internvl.eval.errors import BenchmarkFileError
from internvl.eval.image_folders import class_folders, first_folder, pictures_by_class, pictures_by_list
from internvl.eval.readers import find_file, read_json

TABLES = (
    "imagenet_classes.json",
    "imagenet-1k/imagenet_classes.json",
    "meta_data/imagenet_classes.json",
    "imagenet_class_index.json",
    "imagenet-1k/imagenet_class_index.json",
)
VALIDATION = ("imagenet-1k/val", "imagenet/val")
FOLDERS: dict[str, tuple[str, ...]] = {
    "imagenet": VALIDATION,
    "imagenet_a": ("imagenet-a",),
    "imagenet_r": ("imagenet-r",),
    "imagenet_sketch": ("imagenet-sketch", "sketch"),
    "imagenet_v2": (
        "imagenetv2/ImageNetV2-matched-frequency",
        "imagenetv2/imagenetv2-matched-frequency-format-val",
        "imagenetv2-matched-frequency-format-val",
    ),
}
LISTS = ("imagenet-1k/val.txt", "imagenet-1k/meta/val.txt", "imagenet-1k/meta_data/val.txt", "imagenet/val.txt", "meta_data/val.txt")


def class_indices(root: Path, classes: int) -> dict[str, int]:
    """WordNet id -> index 0...classes-1. Raises BenchmarkFileError when neither a table nor all the folders are there."""
    for name in TABLES:
        if (root / name).exists():
            return _table(root / name, classes)
    for name in VALIDATION:
        if (root / name).is_dir():
            folders = [path.name for path in (root / name).iterdir() if path.is_dir()]
            if len(folders) == classes:
                return {folder: index for index, folder in enumerate(sorted(folders))}
    raise BenchmarkFileError(
        f"which class a folder is can't be told: below {root} there is none of {', '.join(TABLES)}, "
        f"and no {VALIDATION[0]} with its {classes} folders"
    )


def pictures_of(root: Path, name: str, classes: int) -> list[Picture]:
    """The pictures of a row of `FOLDERS`, labelled with indices 0...classes-1. Raises BenchmarkFileError.

    ImageNet itself may also lie in one folder with a list, `val.txt`; V2's folders are named by the index.
    """
    folder = first_folder(root, FOLDERS[name])
    if name == "imagenet" and not any(path.is_dir() for path in folder.iterdir()):
        return pictures_by_list(find_file(root, LISTS), folder, classes)
    numbered = name == "imagenet_v2"
    indices = {str(index): index for index in range(classes)} if numbered else class_indices(root, classes)
    return pictures_by_class(folder, known(folder, indices))


def known(folder: Path, indices: dict[str, int]) -> dict[str, int]:
    """The class of each folder in a folder. Raises BenchmarkFileError for a folder that is no class."""
    names = class_folders(folder)
    strange = [name for name in names if name not in indices]
    if strange:
        raise BenchmarkFileError(f"{folder / strange[0]} is no class of ImageNet, and {len(strange) - 1} more folders are none")
    return {name: indices[name] for name in names}


def _table(path: Path, classes: int) -> dict[str, int]:
    values = read_json(path)
    pairs = list(_pairs(values)) if isinstance(values, dict) else []
    if sorted(index for _, index in pairs) != list(range(classes)) or len({name for name, _ in pairs}) != classes:
        raise BenchmarkFileError(f"{path}: a table of {classes} WordNet ids and the indices 0...{classes - 1} is expected")
    return dict(pairs)


def _pairs(values: dict[str, Any]) -> Iterable[tuple[str, int]]:
    for key, value in values.items():
        if type(value) is int:
            yield key, value
        elif isinstance(value, list) and value and isinstance(value[0], str) and key.isascii() and key.isdigit():
            yield value[0], int(key[:9])
