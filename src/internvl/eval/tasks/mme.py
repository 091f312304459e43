"""MME: two yes-or-no questions a picture, ten subtasks of perception and four of cognition (Fu et al. 2023).

eval/mme/Your_Results/<subtask>.txt (picture TAB question TAB gold) + pictures, or MME.tsv
    --> answers --> 100 x (share of right questions + share of pictures with both right) a subtask --> sum of at most 2800
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from internvl.eval.errors import BenchmarkFileError
from internvl.eval.kinds import prompts, protocols, summary
from internvl.eval.kinds.layout import in_front
from internvl.eval.kinds.yes_no import evalkit_score, yes_or_no
from internvl.eval.metrics.mme import COGNITION, PERCEPTION, mme_parse_pred, mme_post_processing
from internvl.eval.readers import Row, TsvPictures, find_file, picture_at, read_tsv, text_lines
from internvl.eval.readers.files import at_evalkit, at_repository
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Protocol, Task
from internvl.messages import Image

_COLUMNS = ("picture", "question", "gold")
_PICTURES = at_repository("mme/MME_Benchmark_release_version")


class MME(Task):
    """6 tiles, 20 new tokens in the original repository; the published number is perception + cognition."""

    name = "mme"
    title = "MME"
    splits = ("test",)
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "test": ("eval/mme/Your_Results", *at_repository("mme/Your_Results"), *at_evalkit("MME")),
    }
    variants: ClassVar[Mapping[str, Protocol]] = {**protocols.internvl(6, 20), **protocols.evalkit(6, protocols.NO_JUDGE)}
    metric = "sum"
    scale = 1.0
    published: ClassVar[Mapping[str, str]] = {"test": "MME sum"}

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """The questions, in the order of subtasks or of the file. Raises BenchmarkFileError."""
        path = find_file(root, self.files[split], prefer="" if variant == protocols.INTERNVL else ".tsv")
        rows = _from_folder(path, root) if path.is_dir() else _from_tsv(path, root)
        for row, name, subtask, key, picture in rows:
            yield Sample(
                id=name,
                messages=(in_front((picture,), prompts.short_internvl(row.text("question"))),),
                reference=yes_or_no(row, "gold" if path.is_dir() else "answer"),
                extra={"rule": variant, "category": subtask, "picture": key, "question": row.text("question")},
                row=row.number,
            )

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        """{"score": 0 or 1, "prediction": yes, no or other}; the first four characters decide in the original scorer."""
        if sample.extra["rule"] != protocols.INTERNVL:
            return evalkit_score(sample.reference, answers)
        prediction = mme_parse_pred(mme_post_processing(summary.last(answers)).lower())
        return {"score": float(prediction == sample.reference.lower()), "prediction": prediction}

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{sum, perception, cognition, subtask: {name: 0...200}}; subtasks without questions add nothing."""
        subtasks = {name: _subtask(members) for name, members in summary.by(rows, "category").items()}
        perception = sum(subtasks.get(name, 0.0) for name in PERCEPTION)
        cognition = sum(subtasks.get(name, 0.0) for name in COGNITION)
        return {"sum": perception + cognition, "perception": perception, "cognition": cognition, "subtask": subtasks}

    def submission(self, rows: Sequence[Scored]) -> dict[str, list[str]]:
        """{"<subtask>.txt": lines} for the benchmark's own scorer: picture, question, gold and cleaned answer between tabs."""
        files: dict[str, list[str]] = {}
        for row in rows:
            cells = (row.extra["picture"], row.extra["question"], row.reference, mme_post_processing(summary.last(row.answers)))
            files.setdefault(f"{row.extra['category']}.txt", []).append("\t".join(cells))
        return files


def _subtask(rows: Sequence[Scored]) -> float:
    """0 to 200: questions, and pictures whose questions are all right."""
    pictures = summary.by(rows, "picture").values()
    both = [float(min(summary.points(pair[:2]))) for pair in pictures]
    return 100 * ((summary.mean(summary.points(rows)) or 0.0) + (summary.mean(both) or 0.0))


_Found = tuple[Row, str, str, str, Image]


def _from_folder(path: Path, root: Path) -> Iterator[_Found]:
    """Row, id, subtask, picture's name and picture of the original repository's text files."""
    missing = [name for name in (*PERCEPTION, *COGNITION) if not (path / f"{name}.txt").is_file()]
    if missing:
        raise BenchmarkFileError(f"{path} lacks {', '.join(f'{name}.txt' for name in missing)}: the sum is over all fourteen subtasks")
    for subtask in (*PERCEPTION, *COGNITION):
        first: Row | None = None
        for row in _lines(path / f"{subtask}.txt"):
            name = row.text("picture")
            if first is not None and first.text("picture") != name:
                raise row.error(f"the second question about {first.text('picture')!r:.80} is expected, not one about {name!r:.80}")
            first = row if first is None else None
            yield row, f"{subtask}-{row.number}", subtask, name, _picture(name, subtask, row, root)
        if first is not None:
            raise first.error("the picture's second question is missing")


def _lines(path: Path) -> Iterator[Row]:
    for number, line in text_lines(path):
        cells = line.split("\t")
        row = Row(path, number, dict(zip(_COLUMNS, cells, strict=False)))
        if len(cells) != len(_COLUMNS):
            raise row.error(f"picture, question and gold between tabs are expected, there are {len(cells)} cells")
        yield row


def _picture(name: str, subtask: str, row: Row, root: Path) -> Image:
    """A picture lies in its subtask's folder, or in `images` there."""
    for place in (f"{folder}/{subtask}/{inner}{name}" for folder in _PICTURES for inner in ("", "images/")):
        if (root / place).is_file():
            return Image(root / place)
    return picture_at(f"{_PICTURES[0]}/{subtask}/{name}", root, row.path, row.number)


def _from_tsv(path: Path, root: Path) -> Iterator[_Found]:
    """The same of VLMEvalKit's file, where questions of a picture share `image_path`, or the picture itself."""
    pictures = TsvPictures(path, root)
    for number, record in read_tsv(path, ("question", "answer", "category")):
        row = Row(path, number, record)
        subtask = row.text("category")
        if subtask not in (*PERCEPTION, *COGNITION):
            raise row.error(f"'category' is {subtask!r:.60}; MME has {', '.join((*PERCEPTION, *COGNITION))}")
        picture = pictures.one(row)
        digest = hashlib.sha256(picture.source).hexdigest()[:16] if isinstance(picture.source, bytes) else str(picture.source)
        yield row, record["index"], subtask, row.optional_text("image_path") or digest, picture


TASK = MME
