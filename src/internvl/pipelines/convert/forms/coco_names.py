"""Where pictures of COCO lie below a root: the folders of 2014 and of 2017, or one folder for all.

image id or file name -> ["train2014/COCO_train2014_000000000009.jpg", "train2017/000000000009.jpg", ...], the likeliest first
"""

from __future__ import annotations

from pathlib import PurePosixPath


def coco_paths(image_id: int, split: str = "train2014") -> list[str]:
    """Paths of a picture by its number. split: the one it is most likely of, such as train2014 or val2017."""
    splits = dict.fromkeys([split, "train2014", "val2014", "train2017", "val2017"])
    names = [f"{each}/{_name(image_id, each)}" for each in splits]
    return names + [_name(image_id, each) for each in splits]


def named_paths(file_name: str) -> list[str]:
    """Paths of a picture by its `file_name`, with the folder that the name tells, or in one of the folders of 2017."""
    parts = PurePosixPath(file_name).name.split("_")
    folders = [parts[1]] if parts[0] == "COCO" and len(parts) > 2 else ["train2017", "val2017"]
    return [*(f"{folder}/{file_name}" for folder in folders), file_name]


def _name(image_id: int, split: str) -> str:
    return f"COCO_{split}_{image_id:012d}.jpg" if split.endswith("2014") else f"{image_id:012d}.jpg"
