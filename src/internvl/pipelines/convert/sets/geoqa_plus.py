"""GeoQA+ (Cao and Xiao 2022): train.pk is a pickle and refused; JSON of the same entries is read.

Reads [{id, subject, choices, label}], problems in Chinese with four choices. Pictures: ID.png below the root. The command in the
refusal writes both out of the pickle. Uncertain: whether every released file has an id; entries without one take their place in
the list.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.forms.choices import chosen
from internvl.pipelines.convert.phrasing import choice, letter
from internvl.pipelines.convert.reading import json_items, refuse_pickle
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Sample, asked

COMMAND = (
    "python -c \"import json, pickle, PIL.Image, numpy; rows = pickle.load(open('{path}', 'rb')); "
    "[PIL.Image.fromarray(numpy.uint8(r.pop('image'))).save(str(r.setdefault('id', n)) + '.png') for n, r in enumerate(rows)]; "
    "json.dump([{{k: r[k] for k in ('id', 'subject', 'choices', 'label')}} for r in rows], open('{stem}.json', 'w'), default=str)\""
)


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".json"):
        refuse_pickle(path, COMMAND)
        yield from by_row(json_items(path), lambda row: _row_samples(row, inputs))


def _row_samples(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    options = row.texts("choices")
    turns = asked(choice(row.text("subject"), options, "zh"), letter(chosen(row, "label", options)))
    number = row.key("id") if "id" in row.fields else str(row.place.row - 1)
    yield Sample(place=row.place, turns=turns, image=inputs.pictures.find([f"{number}.png", f"images/{number}.png"]), id=number)


CONVERTERS = (
    Converter(
        name="geoqa_plus",
        title="GeoQA+",
        task="mathematics",
        languages=("zh",),
        samples=_samples,
        pictures="ID.png",
        takes=(),
        about=__doc__,
    ),
)
