"""Captions of COCO, Flickr30K and NoCaps: one sentence a picture, scored over the whole set (CIDEr, BLEU, ROUGE-L, METEOR).

    pictures: COCO [{image}], others {"images": [{id, file_name or image}]}; references: {"annotations": [{image_id, caption}]}
    COCO_VAL.tsv {index, image, answer: list of captions [, question]}                                      VLMEvalKit
        --> Sample: picture, prompt; reference: its captions --> caption --> caption_metrics over all of them

CIDEr weighs words by how rare they are in the set, so a sample's own score is its ROUGE-L; only the sums over a whole split compare.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from internvl.eval.kinds import protocols, summary
from internvl.eval.kinds.layout import in_front
from internvl.eval.metrics.captions import caption_metrics
from internvl.eval.metrics.captions.rouge import rouge_l
from internvl.eval.metrics.captions.tokenize import ptb_tokenize
from internvl.eval.readers import Row, TsvPictures, find_file, picture_at, read_json_list, read_tsv
from internvl.eval.readers.files import at_evalkit, at_repository
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Decoding, Protocol, Task
from internvl.messages import Image

PROMPT = "Provide a one-sentence caption for the provided image."

INTERNVL_G = "internvl-g"
INTERNVL_G_PROMPT = "English caption:"

EVALKIT_PROMPT = (
    'Please describe this image in general. Directly provide the description, do not include prefix like "This image depicts". '
)

NAMES = ("CIDEr", "Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "ROUGE_L", "METEOR", "METEOR_matchers")

_METEOR = "METEOR knows equal words and stems only, no synonyms and paraphrases: not comparable with the published one"

_REPOSITORY: Mapping[str, Protocol] = {
    protocols.INTERNVL: Protocol(max_tiles=6, decoding=Decoding(max_new_tokens=30, min_new_tokens=8), note=_METEOR),
    INTERNVL_G: Protocol(
        max_tiles=1,
        dynamic=False,
        decoding=Decoding(max_new_tokens=30, min_new_tokens=8, num_beams=5),
        note=f"the prompt and the beams of InternVL-G, which sees 224 px; {_METEOR}",
    ),
}


class Captions(Task):
    """One of the sets. Its files are read as they are published for the original repository."""

    variants: ClassVar[Mapping[str, Protocol]] = _REPOSITORY
    metric = "CIDEr"
    folders: ClassVar[tuple[str, ...]]

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """The pictures of a split. Raises BenchmarkFileError."""
        prompt = INTERNVL_G_PROMPT if variant == INTERNVL_G else PROMPT
        path = find_file(root, self.files[split])
        captions = references(self.reference_file(path))
        for row, key, name in self.pictures(path):
            if key not in captions:
                raise row.error(f"picture {key} has no caption among the references in {self.reference_file(path)}")
            picture = picture_at(name, root, path, row.number, folders=self.folders)
            yield _sample(row, key, picture, prompt, captions[key], evalkit=False)

    def pictures(self, path: Path) -> Iterator[tuple[Row, str, str]]:
        """Row, picture id, file name of each picture."""
        for number, record in read_json_list(path, under="images", key="id"):
            row = Row(path, number, record)
            yield row, row.key("id"), row.text("file_name" if "file_name" in record else "image")

    def reference_file(self, path: Path) -> Path:
        """Where the captions stand."""
        return path

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        """{"score": ROUGE-L of this caption, "prediction"}."""
        caption = summary.last(answers)
        if not caption.strip():
            return {"score": 0.0, "prediction": ""}
        words = _plain_words if sample.extra["evalkit"] else _ptb_words
        return {"score": rouge_l(words(caption), [words(text) for text in sample.reference]), "prediction": caption}

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{"CIDEr", "Bleu_1" ... "ROUGE_L", "METEOR": as fractions, "METEOR_matchers", "mean_length": words}.

        VLMEvalKit takes words as they are and has no METEOR. METEOR without synonyms and paraphrases is not the published one.
        """
        said = [summary.last(row.answers) for row in rows]
        if not any(caption.strip() for caption in said):
            return {self.metric: 0.0, "mean_length": 0.0}
        evalkit = bool(rows[0].extra["evalkit"])
        gold: dict[Hashable, Sequence[str]] = {row.id: row.reference for row in rows}
        captions: dict[Hashable, str | Sequence[str]] = {row.id: caption for row, caption in zip(rows, said, strict=True)}
        table = caption_metrics(gold, captions, tokenize=not evalkit)
        kept = {name: table[name] for name in NAMES if not (evalkit and name.startswith("METEOR"))}
        return {**kept, "mean_length": sum(len(caption.split()) for caption in said) / len(rows)}

    def submission(self, rows: Sequence[Scored]) -> list[dict[str, Any]]:
        """The result file of COCO's caption tools."""
        return [{"image_id": row.extra["image_id"], "caption": summary.last(row.answers)} for row in rows]


def _ptb_words(text: str) -> list[str]:
    return ptb_tokenize(text).split()


def _plain_words(text: str) -> list[str]:
    return text.split()


def references(path: Path) -> dict[str, list[str]]:
    """Picture id -> captions, of COCO's caption format. Raises BenchmarkFileError."""
    found: dict[str, list[str]] = {}
    for number, record in read_json_list(path, ("image_id", "caption"), under="annotations"):
        row = Row(path, number, record)
        found.setdefault(row.key("image_id"), []).append(row.text("caption"))
    return found


def _sample(row: Row, key: str, picture: Image, prompt: str, captions: Sequence[str], *, evalkit: bool) -> Sample:
    image_id = int(key) if key.isascii() and key.isdecimal() and len(key) < 19 else key
    return Sample(
        id=key,
        messages=(in_front((picture,), prompt),),
        reference=list(captions),
        extra={"image_id": image_id, "evalkit": evalkit},
        row=row.number,
    )


class COCOCaption(Captions):
    """The Karpathy test split of COCO: 5,000 pictures with five captions."""

    name = "coco_caption"
    title = "COCO caption"
    splits = ("test",)
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "test": (*at_repository("coco/annotations/coco_karpathy_test.json"), *at_evalkit("COCO_VAL")),
    }
    variants: ClassVar[Mapping[str, Protocol]] = {**_REPOSITORY, **protocols.evalkit(6)}
    published: ClassVar[Mapping[str, str]] = {"test": "COCO caption"}
    folders = ("..",)

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """The pictures, from either file. Raises BenchmarkFileError."""
        if variant in _REPOSITORY:
            yield from super().samples(root, split, variant)
            return
        path = find_file(root, at_evalkit("COCO_VAL"))
        pictures = TsvPictures(path, root)
        for number, record in read_tsv(path, ("image", "answer")):
            row = Row(path, number, record)
            captions = row.texts("answer", literal=True)
            if not captions:
                raise row.error("'answer' must be a list of captions")
            prompt = row.optional_text("question") or EVALKIT_PROMPT
            yield _sample(row, record["index"], pictures.one(row), prompt, captions, evalkit=True)

    def pictures(self, path: Path) -> Iterator[tuple[Row, str, str]]:
        """The number at the end of a file's name is the picture's id."""
        for number, record in read_json_list(path, ("image",)):
            row = Row(path, number, record)
            name = row.text("image")
            digits = Path(name).stem.rpartition("_")[2]
            if not (digits.isascii() and digits.isdecimal() and len(digits) < 19):
                raise row.error(
                    f"the name of a picture ends in `_` and its number, as COCO_val2014_000000391895.jpg; not {name[:80]!r}"
                )
            yield row, str(int(digits)), name

    def reference_file(self, path: Path) -> Path:
        """Beside the list of pictures."""
        return path.with_name("coco_karpathy_test_gt.json")


class Flickr30KCaption(Captions):
    """The Karpathy test split of Flickr30K: 1,000 pictures with five captions."""

    name = "flickr30k_caption"
    title = "Flickr30K caption"
    splits = ("test",)
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {"test": at_repository("flickr30k/flickr30k_test_karpathy.json")}
    published: ClassVar[Mapping[str, str]] = {"test": "Flickr30K caption"}
    folders = ("Images",)


class NoCaps(Captions):
    """The validation split of NoCaps: 4,500 pictures with ten captions, of things that COCO does not name."""

    name = "nocaps"
    title = "NoCaps caption"
    splits = ("val",)
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {"val": at_repository("nocaps/nocaps_val_4500_captions.json")}
    published: ClassVar[Mapping[str, str]] = {"val": "NoCaps caption"}
    folders = ("images",)


TASKS = {task.name: task for task in (COCOCaption, Flickr30KCaption, NoCaps)}
