"""Zero-shot classification of clips: Kinetics-400, -600 and -700, from 1 or 8 stills (InternVL 1.0, section 4.3).

    validate.csv: label, youtube_id, time_start, time_end --> clips --stills, averaged--> [n, D]    classes x templates --> [C, D]

The original repository has no script for it. Stills are taken from the middle of equal parts of a clip (one still: its middle), each
made a unit vector, averaged and made one again; templates are CLIP's for Kinetics; the headline is the mean of top-1 and top-5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from internvl.eval.class_prompts import Prompts, class_weights
from internvl.eval.embedding_task import EmbeddingProtocol, EmbeddingTask, Outcome, Picture, Work, first
from internvl.eval.readers import Row, find_file, read_csv, text_lines
from internvl.eval.zero_shot import classify

COLUMNS = ("label", "youtube_id", "time_start", "time_end")
SUFFIXES = (".mp4", ".mkv", ".webm", ".avi")
SPLITS = ("k400", "k600", "k700")
FILES = {split: tuple(f"kinetics{split[1:]}/{name}" for name in ("validate.csv", "annotations/val.csv", "val.csv")) for split in SPLITS}
VARIANTS = {
    "1frame": EmbeddingProtocol(frames=1, note="the still in the middle of the clip"),
    "8frames": EmbeddingProtocol(frames=8, note="eight stills, averaged"),
}
PUBLISHED = {
    f"{split}/{variant}": f"Kinetics-{split[1:]} zero-shot, {frames}"
    for split in SPLITS
    for variant, frames in (("1frame", "1 frame"), ("8frames", "8 frames"))
} | {split: f"Kinetics-{split[1:]} zero-shot, 1 frame" for split in SPLITS}
LABEL_FILES = ("labels.txt", "labels.csv")

TEMPLATES = tuple(
    f"a {kind} of {who}{{c}}."
    for kind in ("photo", "video", "example", "demonstration")
    for who in ("", "a person ", *(f"a person {doing} " for doing in ("using", "doing", "during", "performing", "practicing")))
)


class Kinetics(EmbeddingTask):
    """One split for each of the three sets of classes, their validation clips."""

    name = "kinetics"
    title = "Kinetics zero-shot"
    splits = SPLITS
    files = FILES
    variants = VARIANTS
    metric = "avg"
    published = PUBLISHED

    def evaluate(self, work: Work) -> Outcome:
        """acc1, acc5 and `avg`, their mean."""
        protocol = self.variants[work.variant]
        rows = list(read_clips(find_file(work.root, self.files[work.split])))
        names = _class_names(work.root / f"kinetics{work.split[1:]}", [label for _, label, _ in rows])
        indices = {name: index for index, name in enumerate(names)}
        chosen = [_clip(row, indices, label, name, protocol.frames) for row, label, name in first(rows, work.limit)]
        prompts = Prompts(names, TEMPLATES)
        images, texts = work.encode(chosen, prompts.sentences(), mode=protocol.mode)
        outcome = classify(chosen, images, class_weights(texts, len(names)), names, total=len(rows))
        acc1, acc5 = outcome.scores["acc1"], outcome.scores["acc5"]
        return replace(outcome, scores={**outcome.scores, "avg": None if acc5 is None else (acc1 + acc5) / 2})


def read_clips(path: Path) -> Iterator[tuple[Row, str, str]]:
    """(row, class, name of its file without suffix) of the annotation file. Raises BenchmarkFileError with the row."""
    seen: set[str] = set()
    for row in read_csv(path, COLUMNS):
        label, name = row.text("label").strip(), _file_name(row)
        if name in seen:
            raise row.error(f"the clip {name!r:.80} is listed twice")
        seen.add(name)
        yield row, label, name


def _file_name(row: Row) -> str:
    """What the official crawler calls the clip: its id and the bounds in seconds, six digits each."""
    bounds = []
    for column in ("time_start", "time_end"):
        text = row.text(column).strip()
        if not (text.isascii() and text.replace(".", "", 1).isdigit()) or len(text) > 12:
            raise row.error(f"{column!r} must be seconds, not {text[:80]!r}")
        bounds.append(int(float(text)))
    name = row.text("youtube_id").strip()
    if "/" in name or "\\" in name or "\0" in name or name.startswith(".."):
        raise row.error(f"'youtube_id' {name[:80]!r} is no file's name")
    return f"{name}_{bounds[0]:06d}_{bounds[1]:06d}"


def _clip(row: Row, indices: dict[str, int], label: str, name: str, frames: int | None) -> Picture:
    if label not in indices:
        raise row.error(f"the class {label!r:.80} is none of the {len(indices)} listed")
    folder = row.path.parent if (row.path.parent / "val").is_dir() else row.path.parent.parent
    owners = (label, label.replace(" ", "_"), "")
    places = [folder / "val" / owner / f"{name}{suffix}" for owner in owners if "/" not in owner for suffix in SUFFIXES]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise row.error(f"the clip {name}.mp4 is neither in {folder / 'val'} nor in its class's folder there")
    return Picture(id=name, row=row.number, path=path, label=indices[label], frames=frames)


def _class_names(folder: Path, used: list[str]) -> tuple[str, ...]:
    """The classes, one a line in `labels.txt` where it is there ("id,name" in `labels.csv`); otherwise those of all clips, sorted."""
    for name in LABEL_FILES:
        if (folder / name).exists():
            lines = [line for _, line in text_lines(folder / name)]
            return tuple(line.partition(",")[2].strip('" ') for line in lines if line != "id,name") if ".csv" in name else tuple(lines)
    return tuple(sorted(set(used)))


TASK = Kinetics
