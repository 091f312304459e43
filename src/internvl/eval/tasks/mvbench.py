"""MVBench: twenty kinds of questions about short clips, with lettered options (Li et al., 2023).

    data/MVBench/json/<kind>.json {video, question, candidates, answer [, start, end]} + data/MVBench/video/...
        --> Sample: 16 stills, a tile each; question, options; reference "(B) text" --> first word of the answer --> accuracy

Every kind is also a split of its own: some clips are no longer given out with the set. One kind comes as folders of pictures, three
a second, numbered from 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from internvl.errors import PromptError
from internvl.eval.errors import EvalError
from internvl.eval.kinds import protocols, summary
from internvl.eval.metrics.mvbench import mvbench_check_ans, mvbench_frame_index
from internvl.eval.readers import Row, find_file, read_json_list
from internvl.eval.readers.files import at_repository
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Decoding, Protocol, Task
from internvl.messages import Image, Part, Video, user

INSTRUCTION = (
    "Carefully watch the video and pay attention to the cause and sequence of events, the detail and movement of objects, and the "
    "action and pose of persons. Based on your observations, select the best option that accurately addresses the question.\n"
)
ENDING = "\nOnly give the best option."

FOLDER_FPS = 3.0


@dataclass(frozen=True)
class Kind:
    """One of the twenty: its title, where its clips lie, whether a question is about a part of its clip, whether clips are folders."""

    title: str
    clips: str
    bounded: bool = False
    folders: bool = False


KINDS: Mapping[str, Kind] = {
    "action_sequence": Kind("Action Sequence", "star/Charades_v1_480", bounded=True),
    "action_prediction": Kind("Action Prediction", "star/Charades_v1_480", bounded=True),
    "action_antonym": Kind("Action Antonym", "ssv2_video"),
    "fine_grained_action": Kind("Fine-grained Action", "Moments_in_Time_Raw/videos"),
    "unexpected_action": Kind("Unexpected Action", "FunQA_test/test"),
    "object_existence": Kind("Object Existence", "clevrer/video_validation"),
    "object_interaction": Kind("Object Interaction", "star/Charades_v1_480", bounded=True),
    "object_shuffle": Kind("Object Shuffle", "perception/videos"),
    "moving_direction": Kind("Moving Direction", "clevrer/video_validation"),
    "action_localization": Kind("Action Localization", "sta/sta_video", bounded=True),
    "scene_transition": Kind("Scene Transition", "scene_qa/video"),
    "action_count": Kind("Action Count", "perception/videos"),
    "moving_count": Kind("Moving Count", "clevrer/video_validation"),
    "moving_attribute": Kind("Moving Attribute", "clevrer/video_validation"),
    "state_change": Kind("State Change", "perception/videos"),
    "fine_grained_pose": Kind("Fine-grained Pose", "nturgbd"),
    "character_order": Kind("Character Order", "perception/videos"),
    "egocentric_navigation": Kind("Egocentric Navigation", "vlnqa"),
    "episodic_reasoning": Kind("Episodic Reasoning", "tvqa/frames_fps3_hq", bounded=True, folders=True),
    "counterfactual_inference": Kind("Counterfactual Inference", "clevrer/video_validation"),
}
"""By the name of the kind's json file, in the order in which the original repository reads them."""

_DECODING = Decoding(max_new_tokens=1000)


class MVBench(Task):
    """16 stills of one tile each; "8-frames" shows half as many."""

    name = "mvbench"
    title = "MVBench"
    splits = ("test", *KINDS)
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "test": at_repository("MVBench/json"),
        **{name: at_repository(f"MVBench/json/{name}.json") for name in KINDS},
    }
    variants: ClassVar[Mapping[str, Protocol]] = {
        protocols.INTERNVL: Protocol(max_tiles=1, dynamic=False, frames=16, decoding=_DECODING),
        "8-frames": Protocol(max_tiles=1, dynamic=False, frames=8, decoding=_DECODING),
    }
    metric = "accuracy"
    published: ClassVar[Mapping[str, str]] = {"test": "MVBench (16 f)"}

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """The questions of all kinds, or of one. Raises BenchmarkFileError."""
        found = find_file(root, self.files[split])
        folder = found if split == "test" else found.parent
        frames = self.variants[variant].frames or 16
        for name in KINDS if split == "test" else (split,):
            yield from _questions(name, folder / f"{name}.json", frames)

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        """1 where the first words of answer and gold hold one another; 0 for an empty answer."""
        prediction = summary.last(answers)
        return {"score": float(mvbench_check_ans(prediction, str(sample.reference))), "prediction": prediction}

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{"accuracy": over all questions, "kinds": by kind}."""
        return {self.metric: summary.mean(summary.points(rows)) or 0.0, "kinds": summary.means_by(rows, "kind")}


def question_text(question: str, candidates: Sequence[str]) -> str:
    """What stands behind the stills."""
    options = "".join(f"({chr(ord('A') + place)}) {candidate}\n" for place, candidate in enumerate(candidates))
    asked = f"Question: {question}\nOptions:\n{options}".rstrip()
    return f"{INSTRUCTION}\n{asked}{ENDING}"


def _questions(name: str, path: Path, frames: int) -> Iterator[Sample]:
    kind = KINDS[name]
    needed = ("video", "question", "candidates", "answer", *(("start", "end") if kind.bounded else ()))
    for number, record in read_json_list(path, needed):
        row = Row(path, number, record)
        candidates, answer = row.texts("candidates"), row.text("answer")
        if answer not in candidates:
            raise row.error(f"the answer {answer[:40]!r} is none of the candidates")
        yield Sample(
            id=f"{name}-{number}",
            messages=(user(*_shown(row, kind, frames), question_text(row.text("question"), candidates)),),
            reference=f"({chr(ord('A') + candidates.index(answer))}) {answer}",
            extra={"kind": kind.title, "video": record["video"], "choices": candidates},
            row=number,
        )


def _shown(row: Row, kind: Kind, frames: int) -> tuple[Part, ...]:
    """The stills, each on a line that begins with `Frame1: `."""
    clip = row.path.parent.parent / "video" / kind.clips / row.text("video")
    bound = _bound(row) if kind.bounded else None
    if kind.folders:
        return _numbered_pictures(row, clip, bound, frames)
    if not clip.is_file():
        raise row.error(f"the clip {clip} is absent")
    try:
        start_s, end_s = bound or (None, None)
        return (Video(clip, frames=frames, start_s=start_s, end_s=end_s),)
    except PromptError as error:
        raise row.error(str(error)) from error


def _numbered_pictures(row: Row, folder: Path, bound: tuple[float, float] | None, frames: int) -> tuple[Part, ...]:
    if not folder.is_dir():
        raise row.error(f"the folder of frames {folder} is absent")
    last = sum(1 for _ in folder.iterdir())
    try:
        numbers = mvbench_frame_index(bound, FOLDER_FPS, last, frames, 1)
    except EvalError as error:
        raise row.error(str(error)) from error
    parts: list[Part] = []
    for place, number in enumerate(numbers, start=1):
        picture = folder / f"{number:05d}.jpg"
        if not picture.is_file():
            raise row.error(f"the frame {picture} is absent")
        parts += [f"Frame{place}: ", Image(picture, max_tiles=1), "\n"]
    return tuple(parts)


def _bound(row: Row) -> tuple[float, float]:
    """Start and end in seconds; a start before the clip's own is its own, as in the original."""
    start, end = row.fields["start"], row.fields["end"]
    for value in (start, end):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise row.error(f"'start' and 'end' are seconds, not {str(value)[:40]!r}")
    return max(0.0, float(start)), float(end)


TASK = MVBench
