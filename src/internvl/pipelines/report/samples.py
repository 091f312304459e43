"""Samples as they stand in the files: pictures as thumbnails, every turn as text.

Surveyed -> a few good rows, spread over the sample -> read again -> articles
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from internvl.data.record import Record, RecordError
from internvl.eval.report_markup import Markup, element, text_of
from internvl.eval.report_pictures import PictureStore
from internvl.messages import Image, Video
from internvl.pipelines.report.survey import Surveyed

MOST_PICTURES = 4
MOST_TURNS = 6
MOST_CHARACTERS = 600


def sample_cards(dataset: Surveyed, count: int, pictures: PictureStore) -> Iterator[Markup]:
    """Articles about `count` rows that training would read."""
    good = dataset.good
    shown = min(count, len(good))
    for row in (good[len(good) * place // shown].finding.row for place in range(shown)):
        try:
            yield _card(dataset.source.record(row), pictures)
        except RecordError as error:
            # It could be read a moment ago: the file was changed meanwhile.
            yield element("p", f"row {row + 1}: {error.reason}", class_="dim")


def _card(record: Record, pictures: PictureStore) -> Markup:
    media: list[Image | Video] = [*map(Image, record.images[:MOST_PICTURES]), *map(Video, record.videos[:1])]
    shown = [figure for medium in media for figure in _figures(medium, pictures)]
    left = len(record.images) + len(record.videos) - len(media)
    more = element("p", f"{left} more", class_="dim") if left else None
    turns = [
        element(
            "p", element("b", f"{each.role} "), element("bdi", text_of(each.text, most=MOST_CHARACTERS)), class_=f"turn {each.role}"
        )
        for each in record.utterances[:MOST_TURNS]
    ]
    rest = len(record.utterances) - MOST_TURNS
    behind = element("p", f"{rest} more turns", class_="dim") if rest > 0 else None
    head = element("h4", f"{Path(record.origin.file).name}:{record.origin.row}")
    return element("article", head, element("div", *shown, more, class_="pictures") if shown else None, *turns, behind, class_="card")


def _figures(medium: Image | Video, pictures: PictureStore) -> Sequence[Markup]:
    found = []
    for each in pictures.add(medium):
        if each.place is None:
            found.append(element("p", f"not shown: {each.reason}", class_="dim"))
            continue
        width, height = each.size
        found.append(
            element("img", src=pictures.urls[each.place], alt=f"{width} x {height} pixels", title=f"{width} x {height} pixels")
        )
    return found
