"""SEED-Bench, picture part: lettered questions of nine kinds (Li et al. 2023).

data/SEED/seed.jsonl [+ SEED-Bench.json: kinds], or SEEDBench_IMG.tsv --> answers --> first character against the letter
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from internvl.eval.errors import BenchmarkFileError
from internvl.eval.kinds import protocols, summary
from internvl.eval.kinds.ready_letters import FIRST_CHARACTER, ReadyLetters
from internvl.eval.readers import Row, read_json, read_json_list
from internvl.eval.readers.files import at_evalkit, at_repository
from internvl.eval.sample import Scored
from internvl.eval.task import Protocol

_KINDS = at_repository("SEED/SEED-Bench.json")
_LAST_PICTURE_KIND = 9
_LAST_KIND = 12


class SEED(ReadyLetters):
    """6 tiles; the published number is the accuracy over kinds 1 to 9, those about pictures."""

    name = "seed"
    title = "SEED-Image"
    splits = ("image",)
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "image": (*at_repository("SEED/seed.jsonl"), *at_evalkit("SEEDBench_IMG")),
    }
    variants: ClassVar[Mapping[str, Protocol]] = {**protocols.internvl(6, 100), **protocols.evalkit(6, protocols.NO_JUDGE)}
    metric = "image_accuracy"
    rules: ClassVar[Mapping[str, str]] = {**ReadyLetters.rules, protocols.INTERNVL: FIRST_CHARACTER}
    text_field = "text"
    published: ClassVar[Mapping[str, str]] = {"image": "SEED-Image"}

    def facts(self, root: Path) -> Mapping[str, Mapping[str, Any]]:
        """The kind of each question: its number, and its name as "category"; {} where the annotation file is absent."""
        path = next((root / name for name in _KINDS if (root / name).exists()), None)
        return {} if path is None else _kinds(path)

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{image_accuracy: over kinds 1 to 9, total, video: where there are such questions, category: by kind}."""
        pictures = [row for row in rows if row.extra.get("question_type_id", 1) <= _LAST_PICTURE_KIND]
        clips = [row for row in rows if row.extra.get("question_type_id", 1) > _LAST_PICTURE_KIND]
        scores: dict[str, Any] = {"image_accuracy": summary.mean(summary.points(pictures))}
        if clips:
            scores |= {"video_accuracy": summary.mean(summary.points(clips)), "total": summary.mean(summary.points(rows))}
        return {**scores, "category": summary.means_by(rows, "category")}


def _kinds(path: Path) -> dict[str, dict[str, Any]]:
    content = read_json(path)
    names = content.get("question_type") if isinstance(content, dict) else None
    if not isinstance(names, dict):
        raise BenchmarkFileError(f"{path}: an object with 'question_type', names by number, is expected")
    by_number = {number: name for name, number in names.items()}
    found: dict[str, dict[str, Any]] = {}
    for place, record in read_json_list(path, ("question_type_id",), under="questions", key="question_id"):
        kind = record["question_type_id"]
        if not isinstance(kind, int) or not 1 <= kind <= _LAST_KIND:
            raise Row(path, place, record).error(f"'question_type_id' must be 1 to {_LAST_KIND}, not {kind!r:.40}")
        found[str(record["question_id"])] = {"question_type_id": kind, "category": str(by_number.get(kind, kind))}
    return found


TASK = SEED
