"""RefCOCO, RefCOCO+ and RefCOCOg: the box of what a phrase refers to; right where its IoU with the gold is at least 0.5.

    data/refcoco/refcoco_val.jsonl {image, sent, bbox [x1, y1, x2, y2], width, height}
        --> Sample: picture, phrase --> `[[x1, y1, x2, y2]]` in thousandths --> hit --> precision at 1

The original repository's prompt has the marks of grounding around the phrase, the model card's has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from internvl.eval.kinds import protocols, summary
from internvl.eval.metrics.grounding import refcoco_iou50
from internvl.eval.readers import Row, find_file, picture_at, read_jsonl
from internvl.eval.readers.files import at_repository
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Decoding, Protocol, Task
from internvl.messages import Image, Message, Ref, user

CARD = "card"

PROMPT = "Please provide the bounding box coordinate of the region this sentence describes: "
CARD_PROMPT = "Please provide the bounding box coordinates of the region this sentence describes: {}"


class Referring(Task):
    """One of the three sets."""

    variants: ClassVar[Mapping[str, Protocol]] = {
        **protocols.internvl(6, 100),
        CARD: Protocol(max_tiles=6, decoding=Decoding(max_new_tokens=100), note="the model card's wording, without marks"),
    }
    metric = "precision"

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """The phrases of a split. Raises BenchmarkFileError."""
        path = find_file(root, self.files[split])
        for number, record in read_jsonl(path, ("image", "sent", "bbox", "width", "height")):
            row = Row(path, number, record)
            width, height = _side(row, "width"), _side(row, "height")
            phrase = row.text("sent")
            yield Sample(
                id=f"{split}-{number}",
                messages=(question(picture_at(row.text("image"), root, path, number), phrase, variant),),
                reference=_box(row),
                extra={"phrase": phrase, "image": record["image"], "width": width, "height": height},
                row=number,
            )

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        """{"score": 1 for IoU >= 0.5, "iou", "prediction": the box in pixels}; no box is an empty box."""
        size = {"height": sample.extra["height"], "width": sample.extra["width"]}
        hit, iou, box = refcoco_iou50(summary.last(answers), sample.reference, **size)
        return {"score": float(bool(hit)), "iou": iou, "prediction": box}

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{"precision": share of hits, "iou": mean overlap}."""
        return {self.metric: summary.mean(summary.points(rows)) or 0.0, "iou": summary.mean(summary.points(rows, "iou")) or 0.0}


def question(picture: Image, phrase: str, variant: str) -> Message:
    """The picture, and the phrase with its marks ("internvl") or without them ("card")."""
    if variant == CARD:
        return user(picture, "\n" + CARD_PROMPT.replace("{}", phrase))
    return user(picture, "\n" + PROMPT, Ref(phrase))


def _box(row: Row) -> list[float]:
    box = row.fields["bbox"]
    if not isinstance(box, list) or len(box) != 4 or not all(_is_number(value) for value in box):
        raise row.error(f"'bbox' is [x1, y1, x2, y2] in pixels, not {str(box)[:80]}")
    if not (box[0] < box[2] and box[1] < box[3]):
        raise row.error(f"'bbox' is [x1, y1, x2, y2] with x1 < x2 and y1 < y2, not {box}")
    return [float(value) for value in box]


def _side(row: Row, name: str) -> float:
    value = row.fields[name]
    if not _is_number(value) or value <= 0:
        raise row.error(f"{name!r} is a number of pixels, not {str(value)[:40]!r}")
    return float(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _files(stem: str, splits: Sequence[str]) -> dict[str, tuple[str, ...]]:
    return {split: at_repository(f"refcoco/{stem}_{split}.jsonl") for split in splits}


class RefCOCO(Referring):
    """RefCOCO (Yu et al., 2016): people in testA, other things in testB."""

    name = "refcoco"
    title = "RefCOCO"
    splits = ("val", "testA", "testB")
    files: ClassVar[Mapping[str, tuple[str, ...]]] = _files("refcoco", splits)
    published: ClassVar[Mapping[str, str]] = {split: f"RefCOCO {split}" for split in ("val", "testA", "testB")}


class RefCOCOPlus(Referring):
    """RefCOCO+: the same pictures, phrases without words for places."""

    name = "refcoco_plus"
    title = "RefCOCO+"
    splits = ("val", "testA", "testB")
    files: ClassVar[Mapping[str, tuple[str, ...]]] = _files("refcoco+", splits)
    published: ClassVar[Mapping[str, str]] = {split: f"RefCOCO+ {split}" for split in ("val", "testA", "testB")}


class RefCOCOg(Referring):
    """RefCOCOg: longer phrases (Mao et al., 2016; the split by pictures)."""

    name = "refcocog"
    title = "RefCOCOg"
    splits = ("val", "test")
    files: ClassVar[Mapping[str, tuple[str, ...]]] = _files("refcocog", splits)
    published: ClassVar[Mapping[str, str]] = {split: f"RefCOCOg {split}" for split in ("val", "test")}


TASKS = {task.name: task for task in (RefCOCO, RefCOCOPlus, RefCOCOg)}
