"""Video-MME: multiple choice about clips from seconds to an hour (Fu et al., 2024), as VLMEvalKit asks and scores it.

    Video-MME/Video-MME.tsv, or videomme/test-00000-of-00001.parquet, + video/<id>.mp4 [+ subtitle/<id>.srt]
        --> Sample: 16 stills, a tile each; [subtitles,] question, options --> letter --> accuracy, and by length, domain, task

An answer without a letter is left out of VLMEvalKit's means; `overall_all` counts it as wrong. Silence counts as wrong in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from internvl.eval.kinds import summary
from internvl.eval.kinds.prompts import LETTER
from internvl.eval.kinds.protocols import EVALKIT_2024
from internvl.eval.metrics.videomme import videomme_extract
from internvl.eval.readers import Row, find_file, read_parquet, read_tsv
from internvl.eval.sample import Sample, Scored
from internvl.eval.stills import ClipStills, clip_of, frames_in_front
from internvl.eval.subtitles import Subtitle, read_srt, text_at
from internvl.eval.task import Decoding, Protocol, Task

SUBTITLES = f"{EVALKIT_2024}-subtitles"

ASKED = (
    "Select the best answer to the following multiple-choice question based on the video. "
    "Respond with only the letter (A, B, C, or D) of the correct option.\n"
)
HEADER = f"\nThese are the frames of a video. {ASKED}"
HEADER_SUBTITLES = f"\nThese are the frames of a video. This video's subtitles are listed below:\n{{}}\n{ASKED}"

GROUPS = ("duration", "domain", "sub_category", "task_type")
DURATIONS = ("short", "medium", "long")


class VideoMME(Task):
    """16 stills; the tables' second number is with subtitles."""

    name = "videomme"
    title = "Video-MME"
    splits = ("test",)
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "test": (
            "Video-MME/Video-MME.tsv",
            "LMUData/Video-MME/Video-MME.tsv",
            "Video-MME/videomme/test-00000-of-00001.parquet",
        ),
    }
    variants: ClassVar[Mapping[str, Protocol]] = {
        EVALKIT_2024: Protocol(max_tiles=1, frames=16, decoding=Decoding(max_new_tokens=1024), note="without subtitles"),
        SUBTITLES: Protocol(max_tiles=1, frames=16, decoding=Decoding(max_new_tokens=1024), note="with subtitles"),
    }
    metric = "overall"
    published: ClassVar[Mapping[str, str]] = {"test": "Video-MME w/o / w subs (16 f)"}

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """The questions. Raises BenchmarkFileError; MediaError for a clip whose subtitles can't be timed."""
        path = find_file(root, self.files[split])
        frames = self.variants[variant].frames or 16
        folder = path.parent if path.suffix == ".tsv" else path.parent.parent
        clip: ClipStills | None = None
        for row, key, name, question in _tsv(path) if path.suffix == ".tsv" else _parquet(path):
            clip = clip_of(row, folder / "video" / f"{name}.mp4", frames, clip)
            spoken = _spoken(folder / "subtitle" / f"{name}.srt", clip) if variant == SUBTITLES else None
            yield Sample(
                id=key,
                messages=(frames_in_front(clip.images(), question_text(question, spoken)),),
                reference=_gold(row),
                extra={"video": name, "question": question, **_groups(row)},
                row=row.number,
            )

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        """{"score": 0 or 1, "prediction": a letter or "", "read": False for an answer that says something, but no letter}."""
        answer = summary.last(answers)
        letter = videomme_extract(answer)
        return {
            "score": float(bool(letter) and letter == sample.reference),
            "prediction": letter,
            "read": bool(letter) or not answer.strip(),
        }

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{"overall": mean over readable answers, "overall_all": over all, "unread": how many, means by GROUPS}."""
        read = [row for row in rows if row.score.get("read", True)]
        groups = {name: summary.means_by(read, name) for name in GROUPS}
        return {
            self.metric: summary.mean(summary.points(read)) or 0.0,
            "overall_all": summary.mean(summary.points(rows)) or 0.0,
            "unread": len(rows) - len(read),
            **groups,
        }


def question_text(question: str, subtitles: str | None) -> str:
    """What stands behind the stills. The adapter cuts `Answer:` off and leaves the blank that followed it."""
    header = HEADER if subtitles is None else HEADER_SUBTITLES.replace("{}", subtitles)
    return f"{header}Question: {question} \n{LETTER}"


def _spoken(path: Path, clip: ClipStills) -> str:
    """The subtitle of each still that has one, a line each; "" for a clip without a subtitle file."""
    subtitles: Sequence[Subtitle] = read_srt(path) if path.is_file() else ()
    texts = [text_at(subtitles, time_ms) for time_ms in clip.times_ms()] if subtitles else []
    return "\n".join(text for text in texts if text.strip())


def _tsv(path: Path) -> Iterator[tuple[Row, str, str, str]]:
    """Row, id, clip, question with its options: in one cell, or in a column of their own as later versions write it."""
    for number, record in read_tsv(path, ("video", "question", "answer", *GROUPS)):
        row = Row(path, number, record)
        options = row.texts("candidates", literal=True)
        yield row, record["index"], row.text("video"), "\n".join([row.text("question"), *options])


def _parquet(path: Path) -> Iterator[tuple[Row, str, str, str]]:
    for number, record in read_parquet(path, ("videoID", "question", "options", "answer", *GROUPS)):
        row = Row(path, number, record)
        yield row, str(number - 1), row.text("videoID"), "\n".join([row.text("question"), *row.texts("options")])


def _gold(row: Row) -> str:
    letter = row.text("answer").strip()
    if letter not in ("A", "B", "C", "D"):
        raise row.error(f"'answer' is one of the letters A to D, not {letter[:40]!r}")
    return letter


def _groups(row: Row) -> dict[str, str]:
    if row.text("duration") not in DURATIONS:
        raise row.error(f"'duration' is one of {', '.join(DURATIONS)}, not {row.text('duration')[:40]!r}")
    return {name: row.text(name) for name in GROUPS}


TASK = VideoMME
