"""Zero-shot classification of clips: stills, averages, annotation files, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import PIL.Image
import pytest
from vector_toys import COLOURS, NAMES, embedder

from internvl.eval.embedding_runner import run_embedding_task
from internvl.eval.errors import BenchmarkFileError
from internvl.eval.results import load_samples
from internvl.eval.tasks.kinetics import TEMPLATES, Kinetics, read_clips

HEADER = "label,youtube_id,time_start,time_end,split"


def film(path: Path, names: Sequence[str]) -> None:
    """A clip of one still a colour; FFmpeg knows it by its content, whatever its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Pillow would join equal stills into one.
    colours = [tuple(min(255, channel + 6 * (index % 2)) for channel in COLOURS[name]) for index, name in enumerate(names)]
    stills = [PIL.Image.new("RGB", (16, 12), colour) for colour in colours]
    stills[0].save(path, format="GIF", save_all=True, append_images=stills[1:], duration=100)


def write_kinetics(root: Path, clips: Sequence[tuple[str, Sequence[str]]], *, in_folders: bool = False) -> Path:
    """The validation set: (class, colours of the stills) a clip; all classes of the toy are listed."""
    lines = [HEADER]
    for index, (label, names) in enumerate(clips):
        folder = root / "kinetics400/val" / (label if in_folders else "")
        film(folder / f"clip-{index}_{index:06d}_{index + 10:06d}.mp4", names)
        lines.append(f'"{label}",clip-{index},{index},{index + 10},validate')
    path = root / "kinetics400/validate.csv"
    path.write_text("\n".join(lines) + "\n")
    (root / "kinetics400/labels.txt").write_text("\n".join(NAMES))
    return path


def test_the_templates_are_those_of_clip() -> None:
    assert len(set(TEMPLATES)) == 28
    assert (TEMPLATES[0], TEMPLATES[1]) == ("a photo of {c}.", "a photo of a person {c}.")
    assert TEMPLATES[-1] == "a demonstration of a person practicing {c}."
    assert Kinetics().published_row("k600", "8frames") == "Kinetics-600 zero-shot, 8 frames"


@pytest.mark.parametrize("in_folders", [False, True])
def test_one_still_is_the_middle_and_eight_are_averaged(tmp_path: Path, in_folders: bool) -> None:
    # The second clip is blue in its middle only.
    write_kinetics(tmp_path, [("red", ["red"] * 9), ("cyan", ["cyan"] * 4 + ["blue"] + ["cyan"] * 4)], in_folders=in_folders)
    run = {"root": tmp_path, "out": tmp_path / "out"}
    one = run_embedding_task(Kinetics(), embedder(), variant="1frame", **run)
    eight = run_embedding_task(Kinetics(), embedder(), variant="8frames", **run)
    assert (one.scores["acc1"], eight.scores["acc1"]) == (0.5, 1.0)
    assert one.scores["avg"] == (one.scores["acc1"] + one.scores["acc5"]) / 2
    assert one.headline == pytest.approx(100 * one.scores["avg"])
    assert [row.answers[0] for row in load_samples(tmp_path / "out/kinetics_k400_1frame")] == ["red", "blue"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("red,clip-0,0,10,validate", "row 2: the clip 'clip-0_000000_000010' is listed twice"),
        ("red,b,zero,10,validate", "row 2: 'time_start' must be seconds, not 'zero'"),
        (",b,0,10,validate", "row 2: 'label' must be a text"),
        ("red,../b,0,10,validate", "row 2: 'youtube_id' '../b' is no file's name"),
        ("red,b", "row 2: 'time_start' must be a text"),
    ],
)
def test_a_bad_row_is_refused_with_its_number(tmp_path: Path, line: str, message: str) -> None:
    path = write_kinetics(tmp_path, [("red", ["red"] * 3)])
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(BenchmarkFileError, match=message):
        list(read_clips(path))


def test_an_absent_or_broken_clip_and_an_unknown_class_are_refused(tmp_path: Path) -> None:
    path = write_kinetics(tmp_path, [("red", ["red"] * 3), ("blue", ["blue"] * 3)])
    run = {"root": tmp_path, "out": tmp_path / "out"}
    clip = tmp_path / "kinetics400/val/clip-1_000001_000011.mp4"
    clip.write_bytes(b"no clip at all")
    with pytest.raises(BenchmarkFileError, match=r"row 2 .*clip-1"):
        run_embedding_task(Kinetics(), embedder(), **run)
    clip.unlink()
    with pytest.raises(BenchmarkFileError, match=r"row 2: the clip clip-1_000001_000011\.mp4 is neither"):
        run_embedding_task(Kinetics(), embedder(), **run)
    path.write_text(path.read_text().replace('"blue"', '"green"'))
    with pytest.raises(BenchmarkFileError, match="row 2: the class 'green' is none of the 6"):
        run_embedding_task(Kinetics(), embedder(), **run)
    path.write_text(HEADER + "\n")
    with pytest.raises(BenchmarkFileError, match="has no rows"):
        run_embedding_task(Kinetics(), embedder(), **run)
