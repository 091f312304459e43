"""COCO's JSON: pictures, categories and annotations in three lists, read one after the other and never held as objects.

    images.item -> id: (file_name, size)      categories.item -> id: name
    annotations.item -> rows int64[A], pictures int64[A], categories int64[A], corners float64[A, 4] -> sorted by picture

A box costs 57 bytes, so that the 30 million boxes of Objects365 need 1.7 GB. Boxes keep the order of the file within their picture.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy

from internvl.pipelines.convert.boxes import Box, from_sides
from internvl.pipelines.convert.reading import json_items
from internvl.pipelines.convert.rows import Row
from internvl.pipelines.convert.sample import Place, Refusal, Refused


class CocoPicture(NamedTuple):
    """A picture of the list `images`."""

    id: int
    file_name: str
    size: tuple[int, int]
    place: Place


class CocoBox(NamedTuple):
    """An annotation: its element from 1, its category, its box in pixels."""

    row: int
    category: int
    box: Box


@dataclass(frozen=True)
class _Table:
    """All boxes of a file, sorted by picture."""

    pictures: Any
    rows: Any
    categories: Any
    corners: Any

    def of(self, picture: int) -> Iterator[CocoBox]:
        """The boxes of a picture, in the order of the file."""
        first, last = numpy.searchsorted(self.pictures, [picture, picture + 1])
        for index in range(int(first), int(last)):
            box = Box(*(float(side) for side in self.corners[index]))
            yield CocoBox(int(self.rows[index]), int(self.categories[index]), box)


def coco_pictures(path: Path) -> Iterator[CocoPicture | Refusal]:
    """The list `images`, in the order of the file."""
    for row in json_items(path, "images.item"):
        if isinstance(row, Refusal):
            yield row
            continue
        try:
            size = row.size()
            if size is None:
                raise Refused("picture size: width and height are missing")
            yield CocoPicture(row.whole("id"), row.text("file_name"), size, row.place)
        except Refused as error:
            yield Refusal(row.place, str(error))


def coco_categories(path: Path) -> dict[int, str]:
    """Category id -> name. Raises Refused's parent PipelineError for a list that is none."""
    rows = [row for row in json_items(path, "categories.item") if isinstance(row, Row)]
    return {row.whole("id"): row.text("name") for row in rows}


def coco_boxes(path: Path) -> Iterator[tuple[CocoPicture, list[CocoBox]] | Refusal]:
    """Each picture with its boxes, in the order of `images`; first what can't be used of the annotations, crowds included."""
    rows, pictures, categories, corners = array("q"), array("q"), array("q"), array("d")
    for row in json_items(path, "annotations.item"):
        if isinstance(row, Refusal):
            yield row
            continue
        try:
            if row.fields.get("iscrowd"):
                raise Refused("crowd: the box stands for an uncounted group")
            box, picture, category = from_sides(row.fields.get("bbox")), row.whole("image_id"), row.whole("category_id")
        except Refused as error:
            yield Refusal(row.place, str(error))
            continue
        rows.append(row.place.row)
        pictures.append(picture)
        categories.append(category)
        corners.extend(box)
    table = _sorted(rows, pictures, categories, corners)
    for found in coco_pictures(path):
        yield found if isinstance(found, Refusal) else (found, list(table.of(found.id)))


def _sorted(rows: array[int], pictures: array[int], categories: array[int], corners: array[float]) -> _Table:
    keys = numpy.asarray(pictures, numpy.int64)
    order = numpy.argsort(keys, kind="stable")
    sides = numpy.asarray(corners, numpy.float64).reshape(-1, 4)
    return _Table(keys[order], numpy.asarray(rows)[order], numpy.asarray(categories)[order], sides[order])
