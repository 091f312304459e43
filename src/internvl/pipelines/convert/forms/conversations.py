"""Files that hold conversations already, as LLaVA's and ShareGPT's do: they are checked, put in the released form, and placed.

[{"id", "image", "conversations": [{"from", "value"}]}] --draft_of--> speakers human and gpt --> Sample
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from internvl.data.formats import draft_of
from internvl.data.record import RecordError
from internvl.pipelines.convert.converter import Inputs
from internvl.pipelines.convert.reading import file_rows
from internvl.pipelines.convert.rows import Row, by_row
from internvl.pipelines.convert.sample import Outcome, Refused, Sample, Turn

_SPEAKERS = {"user": "human", "assistant": "gpt", "system": "system"}


def conversation_samples(inputs: Inputs, *, path_of: Callable[[str], list[str]] | None = None) -> Iterator[Outcome]:
    """A sample for each conversation. path_of: `image` -> where the picture may lie below the root; None for text alone."""
    for path in inputs.all("annotations", ".json"):
        yield from by_row(file_rows(path), lambda row: iter([conversation_sample(row, inputs, path_of)]))


def conversation_sample(row: Row, inputs: Inputs, path_of: Callable[[str], list[str]] | None) -> Sample:
    """The sample of one row. Raises Refused for what is no conversation."""
    turns = conversation_turns(row)
    named = row.fields.get("image")
    image = None
    if path_of is not None and named not in (None, "", []):
        image = inputs.pictures.find(path_of(row.text("image")))
    return Sample(place=row.place, turns=turns, image=image, id=row.key("id") if row.fields.get("id") is not None else None)


def conversation_turns(row: Row) -> tuple[Turn, ...]:
    """The turns of a row in the released spelling of the speakers."""
    try:
        draft = draft_of(row.fields)
    except RecordError as error:
        raise Refused(f"no conversation: {error.reason}") from error
    return tuple(Turn(_SPEAKERS[each.role], each.text.strip()) for each in draft.utterances)


def as_named(name: str) -> list[str]:
    """A picture's path as the file writes it."""
    return [name]
