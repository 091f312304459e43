"""Clips and texts: MSR-VTT's retrieval both ways, its dual softmax, and both clip tasks by a dual encoder from disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from test_eval_kinetics import film, write_kinetics
from typer.testing import CliRunner
from vector_toys import embedder

from internvl import Image, load_dual
from internvl.cli.main import app
from internvl.eval.caption_files import Captioned
from internvl.eval.embedding_runner import run_embedding_task
from internvl.eval.embedding_task import Picture
from internvl.eval.errors import BenchmarkFileError
from internvl.eval.metrics.ranking import recall_at_k
from internvl.eval.results import load_samples
from internvl.eval.retrieval_scores import SCALE, retrieve
from internvl.eval.tasks.kinetics import TEMPLATES
from internvl.eval.tasks.msrvtt import MsrVtt
from internvl.media.video import read_frames
from internvl.messages import Video

FOLDER = Path(__file__).parents[2] / "parity" / "fixtures" / "internvl-14b"
CLIPS = [("red", ["red"] * 3), ("lime", ["lime"] * 3), ("blue", ["blue", "cyan", "blue"]), ("yellow", ["yellow"] * 3)]


def write_msrvtt(root: Path, clips: Sequence[tuple[str, Sequence[str]]] = CLIPS) -> Path:
    lines = ["key,vid_key,video_id,sentence"]
    for number, (word, colours) in enumerate(clips):
        film(root / "msrvtt/videos/all" / f"video{number}.mp4", colours)
        lines.append(f'ret{number},msr{number},video{number},"a {word} thing, moving"')
    (root / "msrvtt/MSRVTT_JSFUSION_test.csv").write_text("\n".join(lines) + "\n")
    return root / "msrvtt/MSRVTT_JSFUSION_test.csv"


@pytest.mark.parametrize("variant", ["8frames", "1frame", "8frames_dual_softmax"])
def test_a_clip_and_its_caption_find_each_other(tmp_path: Path, variant: str) -> None:
    write_msrvtt(tmp_path)
    result = run_embedding_task(MsrVtt(), embedder(), root=tmp_path, variant=variant, out=tmp_path / "out")
    ways = {f"{way}_retrieval_recall@{k}" for way in ("image", "text") for k in (1, 5, 10)}
    assert set(result.scores) == ways | {"mean_recall"}
    assert (result.scores["image_retrieval_recall@5"], result.samples, result.total) == (1.0, 8, 8)
    if variant != "1frame":  # the middle still of the third clip is of another colour
        assert result.headline == 100.0
    rows = load_samples(tmp_path / f"out/msrvtt_test_{variant}")
    assert rows[0].reference == "video0"
    assert rows[4].answers == ("a red thing, moving",)


class Stored:
    def __init__(self, rows: torch.Tensor) -> None:
        self.rows, self.width = rows, rows.shape[1]

    def __len__(self) -> int:
        return len(self.rows)

    def block(self, start: int, stop: int) -> torch.Tensor:
        return self.rows[start:stop]


def test_a_dual_softmax_is_that_of_the_whole_matrix() -> None:
    generator = torch.Generator().manual_seed(2)
    clips, texts = torch.randn(40, 6, generator=generator), torch.randn(40, 6, generator=generator)
    pictures = tuple(Picture(id=str(number), row=number + 1, path=Path("x")) for number in range(40))
    captioned = Captioned(pictures, tuple(map(str, range(40))), tuple(range(40)), tuple(range(1, 41)))
    found = retrieve(captioned, Stored(clips), Stored(texts), total=80, dual_softmax=True)
    scores = SCALE * F.normalize(texts, dim=-1) @ F.normalize(clips, dim=-1).T
    for name, matrix in (("image", scores), ("text", scores.T)):
        weighed = (matrix * matrix.softmax(dim=0)).numpy()
        for k in (1, 5, 10):
            assert found.scores[f"{name}_retrieval_recall@{k}"] == pytest.approx(recall_at_k(weighed, np.eye(40), k))
    plain = retrieve(captioned, Stored(clips), Stored(texts), total=80)
    assert plain.scores != found.scores


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("video_id,sentence\nvideo0,a\nvideo0,b\n", "row 2: the clip 'video0' is listed twice"),
        ("video_id,sentence\nvideo9,a\n", r"row 1: the clip video9\.mp4 is in none of"),
        ("video_id,sentence\n../x,a\n", "row 1: 'video_id' '../x' is no file's name"),
        ("video_id,sentence\nvideo0,\n", "row 1: 'sentence' must be a text"),
        ("video_id,caption\nvideo0,a\n", "the columns video_id, sentence are expected; sentence is missing"),
        ("video_id,sentence\n", "has no rows"),
        ('video_id,sentence\nvideo0,"cut', "can't be read as CSV"),
    ],
)
def test_a_bad_list_is_refused_with_its_row(tmp_path: Path, text: str, said: str) -> None:
    write_msrvtt(tmp_path).write_text(text)
    with pytest.raises(BenchmarkFileError, match=said):
        run_embedding_task(MsrVtt(), embedder(), root=tmp_path, out=tmp_path / "out")


def verb(task: str, root: Path, *words: str) -> list[dict[str, Any]]:
    given = ["eval", task, "--data", str(root), "--out", str(root / "out"), "--model", str(FOLDER), "--device", "cpu", "--json", *words]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize("mode", ["InternVL-C", "InternVL-G"])
def test_a_dual_encoder_averages_stills(tmp_path: Path, mode: str) -> None:
    """Both tasks by the verb, against the vectors taken by hand."""
    write_msrvtt(tmp_path)
    write_kinetics(tmp_path, [(word, colours) for word, colours in CLIPS])
    dual = load_dual(FOLDER, device="cpu", mode=mode)  # type: ignore[arg-type]
    clips = [tmp_path / f"msrvtt/videos/all/video{number}.mp4" for number in range(4)]
    stills = [[Image(still) for still in read_frames(Video(clip, frames=8)).images] for clip in clips]

    def vectors(view: str) -> torch.Tensor:
        return F.normalize(torch.stack([dual.encode_images(group, view=view).mean(0) for group in stills]), dim=-1)

    [shown] = verb("msrvtt", tmp_path, "--mode", mode)
    scores = (dual.encode_texts([f"a {word} thing, moving" for word, _ in CLIPS]) @ vectors("squash").T).numpy()
    expected = recall_at_k(scores, np.eye(4), 1)
    assert shown["scores"]["image_retrieval_recall@1"] == pytest.approx(expected)
    verb("kinetics", tmp_path, "--variant", "8frames", "--mode", mode)
    names = (tmp_path / "kinetics400/labels.txt").read_text().split("\n")
    sentences = dual.encode_texts([template.replace("{c}", name) for name in names for template in TEMPLATES])
    classes = F.normalize(sentences.unflatten(0, (len(names), -1)).mean(1), dim=-1)
    best = (vectors("crop") @ classes.T).argmax(1)
    assert [row.answers[0] for row in load_samples(tmp_path / "out/kinetics_k400_8frames")] == [names[index] for index in best]
