"""MMBench-Video: free questions about clips of minutes, graded from 0 to 3 by a language model (Fang et al., 2024); VLMEvalKit.

    MMBench-Video/MMBench-Video.tsv {index, video, question, answer, dimensions} + video/<video>.mp4
        --> Sample: 8 or 16 stills, a tile each; question --> judge --> grade --> mean, and means by ability

A grade that can't be read counts as 0 in the published mean; the means without such items stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from internvl.eval.errors import EvalError
from internvl.eval.judge import JudgeSpec
from internvl.eval.judge_prompts import mmbench_video_request
from internvl.eval.kinds import summary
from internvl.eval.kinds.graded import grade_of, waiting
from internvl.eval.kinds.prompts import SHORT
from internvl.eval.kinds.protocols import EVALKIT_2024
from internvl.eval.metrics.mmbench_video import mmbench_video_rating
from internvl.eval.readers import Row, find_file, python_list, read_tsv
from internvl.eval.sample import Sample, Scored
from internvl.eval.stills import ClipStills, clip_of, frames_in_front
from internvl.eval.task import Decoding, Protocol, Task

HEADER = (
    "\nYou will be provided with {} separate frames uniformly sampled from a video, "
    "the frames are provided in chronological order of the video.\n"
    "Please analyze these images and provide the answer to the question about the video content.\n"
    "Please directly reply with your response to the only question.\n"
)


class MMBenchVideo(Task):
    """8 stills, as the first number of the tables; their second has 16. A judge's reply that is no grade is not asked for again."""

    name = "mmbench_video"
    title = "MMBench-Video"
    splits = ("test",)
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "test": ("MMBench-Video/MMBench-Video.tsv", "LMUData/MMBench-Video/MMBench-Video.tsv", "MMBench-Video.tsv"),
    }
    variants: ClassVar[Mapping[str, Protocol]] = {
        EVALKIT_2024: Protocol(max_tiles=1, frames=8, decoding=Decoding(max_new_tokens=1024)),
        f"{EVALKIT_2024}-16-frames": Protocol(max_tiles=1, frames=16, decoding=Decoding(max_new_tokens=1024)),
    }
    metric = "overall"
    scale = 1.0
    published: ClassVar[Mapping[str, str]] = {"test": "MMBench-Video 8f / 16f"}
    judge: ClassVar[JudgeSpec | None] = JudgeSpec(
        model="gpt-4-turbo", prompt_name="mmbench_video", max_tokens=1024, retries=1, system_name="mmbench_video"
    )

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """The questions. Raises BenchmarkFileError."""
        path = find_file(root, self.files[split])
        frames = self.variants[variant].frames or 8
        clip: ClipStills | None = None
        for number, record in read_tsv(path, ("video", "question", "answer", "dimensions")):
            row = Row(path, number, record)
            clip = clip_of(row, path.parent / "video" / f"{row.text('video')}.mp4", frames, clip)
            question = row.text("question")
            yield Sample(
                id=record["index"],
                messages=(frames_in_front(clip.images(), question_text(question, frames)),),
                reference=row.text("answer"),
                extra={"question": question, "video": record["video"], "dimensions": _dimensions(row)},
                row=number,
            )

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        """0 for an empty answer; any other is for the judge."""
        del sample
        return waiting(answers)

    def judge_request(self, sample: Sample, answers: Sequence[str]) -> str:
        """Question, gold and answer."""
        return mmbench_video_request(str(sample.extra["question"]), str(sample.reference), summary.last(answers))

    def judged(self, sample: Sample, answers: Sequence[str], reply: str) -> Mapping[str, Any]:
        """The grade. Raises EvalError for a reply that is no integer from 0 to 3."""
        del sample
        return {"score": grade_of(reply, int, 3, "an integer from 0 to 3"), "prediction": summary.last(answers)}

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{"overall": mean of all grades in 0...3, unreadable ones as 0; "all", "valid": VLMEvalKit's two tables}."""
        if not rows:
            return {self.metric: 0.0}
        grades = [-1 if "error" in row.score else int(row.score["score"]) for row in rows]
        tables = mmbench_video_rating(grades, [row.extra["dimensions"] for row in rows])
        named = {name: {group: float(text) for group, text in tables[f"coarse_{name}"].items()} for name in ("all", "valid")}
        return {self.metric: summary.mean(max(grade, 0) for grade in grades), **named}


def question_text(question: str, frames: int) -> str:
    """What stands behind the stills. The adapter cuts `Answer:` off and leaves the blank that followed it."""
    return f"{HEADER.replace('{}', str(frames))}Question: {question} \n{SHORT}"


def _dimensions(row: Row) -> list[str]:
    names = python_list(row.text("dimensions"), row)
    try:
        mmbench_video_rating([0], [names])
    except EvalError as error:
        raise row.error(str(error)) from error
    return names


TASK = MMBenchVideo
