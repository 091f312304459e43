"""RefCOCO, RefCOCO+ (Yu et al. 2016) and RefCOCOg (Mao et al. 2016): a phrase and the box of what it means.

Four forms are read: refs(unc).json, a list of refs with sentences, which also needs COCO's instances.json for boxes and sizes
(refs(unc).p is a pickle and refused); finetune_refcoco_train.json of MDETR, COCO's form with a caption a picture; JSONL with
image, sent, bbox (corners), width, height; Parquet with sentences, bbox (corners) and raw_image_info. Only `split` train is taken
of refs and Parquet. Uncertain: the columns of the Parquet form.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from internvl.pipelines.convert.boxes import from_corners, from_sides
from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.coco import CocoPicture, coco_pictures
from internvl.pipelines.convert.forms.coco_names import named_paths
from internvl.pipelines.convert.forms.referring import ASKS, referring_samples
from internvl.pipelines.convert.reading import file_rows, json_items, json_value, refuse_pickle
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Refused
from internvl.pipelines.errors import PipelineError

COMMAND = "python -c \"import json, pickle; json.dump(pickle.load(open('{path}', 'rb')), open('{stem}.json', 'w'))\""


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("refs"):
        refuse_pickle(path, COMMAND)
        if path.suffix == ".jsonl":
            yield from by_row(file_rows(path), lambda row: _corner_samples(row, inputs))
        elif path.suffix == ".parquet":
            yield from by_row(file_rows(path), lambda row: _parquet_samples(row, inputs))
        elif json_value(path, "images.item.caption") is not None:
            yield from _mdetr_samples(path, inputs)
        else:
            yield from _refs_samples(path, inputs)


def _corner_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    image, size = inputs.pictures.find(named_paths(row.text("image"))[::-1]), _known(row.size())
    yield from referring_samples(row.place, image, row.text("sent"), from_corners(row.fields.get("bbox")), size, inputs)


def _parquet_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    if row.optional_text("split") not in ("", "train"):
        return
    info = row.json("raw_image_info")
    image, size = inputs.pictures.find(named_paths(info.text("file_name"))), _known(info.size())
    for sentence in row.each("sentences"):
        yield from referring_samples(row.place, image, sentence.text("sent"), from_corners(row.fields.get("bbox")), size, inputs)


def _mdetr_samples(path: Path, inputs: Inputs) -> Iterator[Outcome]:
    boxes = {
        row.key("image_id"): from_sides(row.fields.get("bbox")) for row in json_items(path, "annotations.item") if isinstance(row, Row)
    }

    def make(row: Row) -> Iterator[Outcome]:
        box = boxes.get(row.key("id"))
        if box is None:
            raise Refused(f"no box: the annotations have none for picture {row.key('id')}")
        image = inputs.pictures.find(named_paths(row.text("file_name")))
        yield from referring_samples(row.place, image, row.text("caption"), box, _known(row.size()), inputs)

    yield from by_row(json_items(path, "images.item"), make)


def _refs_samples(path: Path, inputs: Inputs) -> Iterator[Outcome]:
    if not inputs.files.get("instances"):
        raise PipelineError(f"{path} holds refs without boxes: give COCO's instances.json as the second --annotations")
    instances = inputs.one("instances")
    pictures = {found.id: found for found in coco_pictures(instances) if isinstance(found, CocoPicture)}
    boxes = {row.key("id"): row.fields.get("bbox") for row in json_items(instances, "annotations.item") if isinstance(row, Row)}

    def make(row: Row) -> Iterator[Outcome]:
        if row.optional_text("split") not in ("", "train"):
            return
        picture = pictures.get(row.whole("image_id"))
        if picture is None or row.key("ann_id") not in boxes:
            raise Refused(f"no box: the instances have no picture {row.key('image_id')} or no annotation {row.key('ann_id')}")
        image, box = inputs.pictures.find(named_paths(picture.file_name)), from_sides(boxes[row.key("ann_id")])
        for sentence in row.each("sentences"):
            yield from referring_samples(row.place, image, sentence.text("sent"), box, picture.size, inputs)

    yield from by_row(json_items(path), make)


def _known(size: tuple[int, int] | None) -> tuple[int, int]:
    if size is None:
        raise Refused("picture size: width and height are missing")
    return size


def _converter(name: str, title: str) -> Converter:
    return Converter(
        name=name,
        title=title,
        task="grounding",
        languages=("en",),
        samples=_samples,
        files=("refs", "instances"),
        optional=("instances",),
        asks=ASKS,
        pictures="train2014/COCO_train2014_*.jpg",
        checked="JSONL: this package's evaluation; the others: not checked",
        about=__doc__,
    )


CONVERTERS = (_converter("refcoco", "RefCOCO"), _converter("refcoco_plus", "RefCOCO+"), _converter("refcocog", "RefCOCOg"))
