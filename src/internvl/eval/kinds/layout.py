"""Where pictures stand in a question, as the original repository and VLMEvalKit's adapter for the family place them.

    pictures, text with `<image 1>` marks --> Message(parts)

One picture always stands in front on a line of its own. Several get a header, and the text cites them by number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from internvl.messages import Image, Message, Part, user

_MARK = re.compile(r"<image ([1-9])>")

HEAD_TILES = 64
"""Tiles that all pictures of a question share in today's VLMEvalKit, thumbnails not counted."""


def in_front(pictures: Sequence[Image], text: str) -> Message:
    """Pictures, a line end, the text; only the text where there is no picture."""
    return user(*pictures, f"\n{text}") if pictures else user(text)


def in_order_of_marks(pictures: Sequence[Image], text: str) -> tuple[Image, ...]:
    """The pictures as the text's marks name them, repeated where a mark is; all of them where there are no marks.

    Raises IndexError for a mark without a picture.
    """
    marks = [int(number) for number in _MARK.findall(text)]
    return tuple(pictures[number - 1] for number in marks) if marks else tuple(pictures)


def cited_2024(pictures: Sequence[Image], text: str) -> Message:
    """VLMEvalKit of August 2024: a header `<image-1>: ` picture, separated by blanks; marks in the text become `<image-1>`."""
    if len(pictures) < 2:
        return in_front(pictures, _at_marks_joined(text))
    header: list[Part] = []
    for number, picture in enumerate(pictures, start=1):
        header += [f"{' ' if number > 1 else ''}<image-{number}>: ", picture]
    return user(*header, "\n" + _with_citations(text, len(pictures), "<image-{}>"))


def cited_head(pictures: Sequence[Image], text: str) -> Message:
    """VLMEvalKit today: a header line `Image-1: ` picture for each; marks in the text become `<Image-1>`; 64 tiles are shared."""
    if len(pictures) < 2:
        return in_front(pictures, _at_marks_joined(text))
    header: list[Part] = []
    for number, picture in enumerate(pictures, start=1):
        header += [f"Image-{number}: ", picture, "\n"]
    cited = _with_citations(text, len(pictures), "<Image-{}>")
    every = "".join(f"<Image-{number}>" for number in range(1, len(pictures) + 1))
    return user(*header, cited.replace(every, ""))


def share_tiles(pictures: Sequence[Image], max_tiles: int) -> tuple[Image, ...]:
    """The pictures with their share of `HEAD_TILES` as limit, where that is less than `max_tiles`."""
    share = max(1, HEAD_TILES // max(1, len(pictures)))
    return tuple(replace(picture, max_tiles=share) if share < max_tiles else picture for picture in pictures)


def doubled(picture: Image) -> Image:
    """The picture at twice its width and height, bilinear: MMMU's first picture. Raises MediaError."""
    import PIL.Image

    from internvl.media.image import open_image

    image = open_image(picture.source)
    return replace(picture, source=image.resize((image.width * 2, image.height * 2), PIL.Image.Resampling.BILINEAR))


def _at_marks_joined(text: str) -> str:
    """VLMEvalKit cuts the text at its marks; with one picture the pieces are joined by line ends."""
    return _MARK.sub("\n", text)


def _with_citations(text: str, pictures: int, form: str) -> str:
    """Marks numbered in the order in which they stand; without any, all pictures are cited at the end."""
    number = 0

    def cite(_: re.Match[str]) -> str:
        nonlocal number
        number += 1
        return form.format(number)

    cited = _MARK.sub(cite, text)
    return cited if number else text + "".join(form.format(each) for each in range(1, pictures + 1))
