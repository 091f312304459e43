"""Wikipedia articles as they are published in Parquet, cleaned of markup.

Reads rows of {id, url, title, text}, in any language. The question asks about the title, and the first paragraph answers; shorter than
40 characters it is refused, as those of lists and of pages that tell namesakes apart are. Uncertain: how the family asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.phrasing import EXPLAIN
from internvl.pipelines.convert.reading import file_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Refused, Sample, asked

FEWEST_CHARACTERS = 40


def _samples(inputs: Inputs) -> Iterator[Outcome]:
    for path in inputs.all("annotations", ".parquet"):
        yield from by_row(file_rows(path), lambda row: _article(row, inputs))


def _article(row: Row, inputs: Inputs) -> Iterator[Outcome]:
    opening = row.text("text").strip().partition("\n")[0].strip()
    if len(opening) < FEWEST_CHARACTERS:
        raise Refused(f"short article: its first paragraph has {len(opening)} characters, {FEWEST_CHARACTERS} are expected")
    question = inputs.question(EXPLAIN, row.place).replace("{}", row.text("title"))
    yield Sample(place=row.place, turns=asked(question, opening), id=row.key("id"))


CONVERTERS = (
    Converter(
        name="wikipedia",
        title="Wikipedia",
        task="knowledge",
        languages=("en", "zh"),
        samples=_samples,
        takes=("language", "prompts"),
        about=__doc__,
    ),
)
