"""Retrieval of clips by captions and of captions by clips: the 1,000 test pairs of MSR-VTT (split 1K-A).

    MSRVTT_JSFUSION_test.csv: video_id, sentence --> captions --encode--> [Q, D]
    clips --stills, averaged--> [P, D]                                                cosine -> recall at 1, 5, 10 both ways

Stills are taken from the middle of equal parts of a clip, each made a unit vector, averaged and made one again, as for Kinetics. How
many the original took isn't known. Captions are left as they are. The variant with a dual softmax weighs scores by all queries, as
the original does on demand; it uses the whole test set for each answer, so it stands beside no score made without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from internvl.eval.caption_files import Captioned
from internvl.eval.embedding_task import EmbeddingProtocol, EmbeddingTask, Outcome, Picture, Work, first
from internvl.eval.readers import Row, find_file, read_csv
from internvl.eval.retrieval_scores import retrieve

COLUMNS = ("video_id", "sentence")
FOLDERS = ("msrvtt", "MSRVTT")
LIST = "MSRVTT_JSFUSION_test.csv"
FILES = {"test": tuple(f"{folder}/{place}{LIST}" for folder in FOLDERS for place in ("", "annotations/"))}
PLACES = ("videos/all", "videos", "TestVideo", "video", "")
SUFFIXES = (".mp4", ".mkv", ".webm", ".avi")
DUAL_SOFTMAX = "8frames_dual_softmax"
VARIANTS = {
    "8frames": EmbeddingProtocol(mode="squash", frames=8, note="eight stills, averaged"),
    "1frame": EmbeddingProtocol(mode="squash", frames=1, note="the still in the middle of the clip"),
    DUAL_SOFTMAX: EmbeddingProtocol(mode="squash", frames=8, note="scores weighed by a softmax over all queries"),
}
PUBLISHED: Mapping[str, str] = {}


class MsrVtt(EmbeddingTask):
    """The test split, by one still or eight."""

    name = "msrvtt"
    title = "MSR-VTT retrieval"
    splits = ("test",)
    files = FILES
    variants = VARIANTS
    metric = "mean_recall"
    published = PUBLISHED

    def evaluate(self, work: Work) -> Outcome:
        """Recall both ways."""
        protocol = self.variants[work.variant]
        path = find_file(work.root, FILES[work.split])
        rows = list(read_csv(path, COLUMNS))
        captioned = _captioned(path.parents[0 if path.parent.name in FOLDERS else 1], first(rows, work.limit), protocol.frames)
        clips, captions = work.encode(captioned.pictures, captioned.captions, mode=protocol.mode)
        return retrieve(captioned, clips, captions, total=2 * len(rows), dual_softmax=work.variant == DUAL_SOFTMAX)


def _captioned(folder: Path, rows: Sequence[Row], frames: int | None) -> Captioned:
    """A clip and a caption a row. Raises BenchmarkFileError for a clip that is listed twice, absent, or has no file's name."""
    clips: list[Picture] = []
    captions: list[str] = []
    seen: set[str] = set()
    for row in rows:
        name = row.text("video_id").strip()
        if name in seen:
            raise row.error(f"the clip {name!r:.80} is listed twice")
        seen.add(name)
        clips.append(Picture(id=name, row=row.number, path=_clip(folder, name, row), frames=frames))
        captions.append(row.text("sentence"))
    return Captioned(tuple(clips), tuple(captions), tuple(range(len(clips))), tuple(row.number for row in rows))


def _clip(folder: Path, name: str, row: Row) -> Path:
    if "/" in name or "\\" in name or "\0" in name or name.startswith(".."):
        raise row.error(f"'video_id' {name[:80]!r} is no file's name")
    places = [folder / place / f"{name}{suffix}" for place in PLACES for suffix in SUFFIXES]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise row.error(f"the clip {name}.mp4 is in none of {', '.join(str(folder / place) for place in PLACES)}")
    return found


TASK = MsrVtt
