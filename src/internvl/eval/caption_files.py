"""Pictures with their captions for retrieval, from the three published forms.

"1007129816.jpg,The man ..." a line (Flickr30K, -CN) | COCO caption JSON (COCO, COCO-CN) | a list of pictures and one of captions (XTD)
    -> Captioned: pictures, captions, owner (which picture a caption belongs to)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from internvl.eval.embedding_task import Picture
from internvl.eval.errors import BenchmarkFileError
from internvl.eval.image_folders import inside
from internvl.eval.readers import Row, read_json, read_json_list, text_lines

SPLIT_AT = ".jpg,"


@dataclass(frozen=True)
class Captioned:
    """Pictures, captions, and for each caption the index of its picture and the row it came from."""

    pictures: tuple[Picture, ...]
    captions: tuple[str, ...]
    owners: tuple[int, ...]
    rows: tuple[int, ...]

    @property
    def queries(self) -> int:
        """How many questions both directions ask."""
        return len(self.pictures) + len(self.captions)

    def first(self, limit: int | None) -> Captioned:
        """The first pictures with their captions."""
        if limit is None or limit >= len(self.pictures):
            return self
        kept = [place for place, owner in enumerate(self.owners) if owner < limit]
        captions = tuple(self.captions[place] for place in kept)
        owners, rows = (tuple(values[place] for place in kept) for values in (self.owners, self.rows))
        return Captioned(self.pictures[:limit], captions, owners, rows)


@dataclass(frozen=True)
class _Caption:
    """A caption, the name of its picture, and where it stands."""

    name: str
    text: str
    row: Row


def read_caption_lines(path: Path, folder: Path) -> Captioned:
    """Flickr30K's form: a header, then "name.jpg,caption" a line. Raises BenchmarkFileError with the line."""
    return _grouped(path, _lines(path), lambda caption: inside(folder, caption.name, caption.row))


def read_coco_captions(path: Path, folders: Sequence[Path]) -> Captioned:
    """COCO's caption JSON: images {id, file_name}, annotations {image_id, caption}. Raises BenchmarkFileError with the entry.

    folders: where pictures may lie; a file_name with a folder of its own is looked up there too.
    """
    names: dict[str, str] = {}
    for number, image in read_json_list(path, ("id", "file_name"), under="images", key="id"):
        row = Row(path, number, image)
        names[row.key("id")] = row.text("file_name")
    captions = []
    for number, note in read_json_list(path, ("image_id", "caption"), under="annotations"):
        row = Row(path, number, note)
        if (image_id := row.key("image_id")) not in names:
            raise row.error(f"its image_id {image_id:.40} is not among the images")
        captions.append(_Caption(names[image_id], row.text("caption"), row))
    return _grouped(path, captions, lambda caption: _found(caption, folders))


def read_caption_list(pictures: Path, captions: Path, folders: Sequence[Path]) -> Captioned:
    """XTD's form: the n-th line of one file is the caption of the picture named in the n-th line of the other."""
    names, texts = list(text_lines(pictures)), list(text_lines(captions))
    if len(names) != len(texts):
        raise BenchmarkFileError(f"{pictures} names {len(names)} pictures, {captions} has {len(texts)} captions; they must be as many")
    pairs = [_Caption(name, text, Row(captions, number, {})) for (_, name), (number, text) in zip(names, texts, strict=True)]
    return _grouped(captions, pairs, lambda caption: _found(caption, folders))


def read_caption_json(path: Path, folders: Sequence[Path]) -> Captioned:
    """What the CLIP benchmark makes of XTD: {"image_paths": [...], "annotations": [...]} of one length."""
    values = read_json(path)
    names, texts = (values.get(field) if isinstance(values, dict) else None for field in ("image_paths", "annotations"))
    if not isinstance(names, list) or not isinstance(texts, list) or len(names) != len(texts):
        raise BenchmarkFileError(f"{path}: the lists 'image_paths' and 'annotations' of one length are expected")
    rows = [Row(path, number, {"image": name, "text": text}) for number, (name, text) in enumerate(zip(names, texts, strict=True), 1)]
    return _grouped(path, [_Caption(row.text("image"), row.text("text"), row) for row in rows], lambda c: _found(c, folders))


def _lines(path: Path) -> Iterable[_Caption]:
    for number, line in text_lines(path):
        if number == 1:  # the header, which the original skips unread
            continue
        name, mark, text = line.partition(SPLIT_AT)
        row = Row(path, number, {})
        if not mark or not name or not text.strip() or SPLIT_AT in text:
            raise row.error(f"one picture, {SPLIT_AT!r} and its caption are expected, not {line[:80]!r}")
        yield _Caption(f"{name}.jpg", text, row)


def _grouped(path: Path, captions: Iterable[_Caption], locate: Callable[[_Caption], Path]) -> Captioned:
    """Captions by picture, pictures in the order of their first caption."""
    groups: dict[str, list[_Caption]] = {}
    for caption in captions:
        groups.setdefault(caption.name, []).append(caption)
    if not groups:
        raise BenchmarkFileError(f"{path} has no captions")
    pictures = tuple(Picture(id=name, row=group[0].row.number, path=locate(group[0])) for name, group in groups.items())
    flat = [(caption, owner) for owner, group in enumerate(groups.values()) for caption in group]
    texts, rows = tuple(caption.text for caption, _ in flat), tuple(caption.row.number for caption, _ in flat)
    return Captioned(pictures, texts, tuple(owner for _, owner in flat), rows)


def _found(caption: _Caption, folders: Sequence[Path]) -> Path:
    for folder in folders:
        if (folder / caption.name).is_file():
            return inside(folder, caption.name, caption.row)
    listed = ", ".join(str(folder) for folder in folders)
    raise caption.row.error(f"its picture {caption.name!r:.80} is in none of {listed}")
