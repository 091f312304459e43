"""Flickr30k (Young et al. 2014): results_20130124.token, or Karpathy's dataset_flickr30k.json.

Reads lines `1000092795.jpg#0<TAB>caption`, or {images: [{filename, split, sentences: [{raw}]}]}, of which only the split train is
taken.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.captions import caption_sample
from internvl.pipelines.convert.reading import json_items, table_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".token"):
        if path.suffix == ".json":
            yield from by_row(json_items(path, "images.item"), lambda row: _karpathy(row, inputs))
        else:
            yield from by_row(table_rows(path, "\t", ("name", "caption")), lambda row: _token(row, inputs))


def _token(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    yield caption_sample(row.place, _image(row.text("name").partition("#")[0], inputs), row.text("caption"), inputs)


def _karpathy(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    if row.optional_text("split") in ("", "train"):
        for sentence in row.each("sentences"):
            yield caption_sample(row.place, _image(row.text("filename"), inputs), sentence.text("raw"), inputs)


def _image(name: str, inputs: Inputs) -> str:
    return inputs.pictures.find([name, f"flickr30k-images/{name}"])


CONVERTERS = (
    Converter(
        name="flickr30k",
        title="Flickr30k",
        task="captioning",
        languages=("en",),
        samples=_samples,
        pictures="*.jpg or flickr30k-images/*.jpg",
        takes=("language", "prompts"),
        about=__doc__,
    ),
)
