"""What the files of Visual Genome share: the list of pictures with their sizes and folders.

image_data.json [{image_id, url, width, height}] --> image_id: ("VG_100K_2/1.jpg", size)

The folder is the last but one part of the address.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import NamedTuple

from internvl.pipelines.convert.boxes import Box
from internvl.pipelines.convert.converter import Inputs
from internvl.pipelines.convert.reading import json_items
from internvl.pipelines.convert.rows import Row
from internvl.pipelines.convert.sample import Refused

FILES = ("annotations", "image_data")


class VgPicture(NamedTuple):
    """Where a picture lies, and its size in pixels."""

    image: str
    size: tuple[int, int]


def vg_pictures(inputs: Inputs) -> dict[str, VgPicture]:
    """The pictures by id. Raises Refused's parent for a list that is none."""
    found: dict[str, VgPicture] = {}
    path: Path = inputs.one("image_data")
    for row in json_items(path):
        if isinstance(row, Row):
            size = row.size()
            if size is not None:
                found[row.key("image_id")] = VgPicture(_image(row, inputs), size)
    return found


def picture_of(row: Row, name: str, pictures: dict[str, VgPicture]) -> VgPicture:
    """The picture whose id stands in a field. Raises Refused."""
    picture = pictures.get(row.key(name))
    if picture is None:
        raise Refused(f"unknown picture: image_data has no picture {row.key(name)}")
    return picture


def box_of(row: Row, width: str = "w", height: str = "h") -> Box:
    """The box of an object or region."""
    x, y = row.number("x"), row.number("y")
    return Box(x, y, x + row.number(width), y + row.number(height))


def name_of(row: Row) -> str:
    """An object's name: the first of `names`, or `name`."""
    return row.texts("names")[0] if row.fields.get("names") else row.text("name")


def _image(row: Row, inputs: Inputs) -> str:
    parts = PurePosixPath(row.optional_text("url")).parts
    named = "/".join(parts[-2:]) if len(parts) > 2 else f"VG_100K/{row.key('image_id')}.jpg"
    base = PurePosixPath(named).name
    return inputs.pictures.find([named, f"VG_100K/{base}", f"VG_100K_2/{base}", base])
