"""Retrieval both ways: the published caption files, the rule of a hit, the clean-up, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from vector_toys import CHINESE, NAMES, embedder, paint, write_json

from internvl.eval.caption_files import read_caption_lines, read_coco_captions
from internvl.eval.embedder import FakeEmbedder
from internvl.eval.embedding_runner import run_embedding_task
from internvl.eval.errors import BenchmarkFileError, EvalError
from internvl.eval.metrics.ranking import recall_at_k
from internvl.eval.results import load_samples
from internvl.eval.retrieval_scores import retrieve
from internvl.eval.similarity import first_ranks
from internvl.eval.tasks.retrieval import TASKS


def write_flickr(root: Path, names: Sequence[str] = NAMES[:3], *, file: str = "flickr30k_test_karpathy.txt") -> Path:
    """Two captions a picture."""
    lines = ["image,caption"]
    for index, name in enumerate(names):
        paint(root / "flickr30k/Images" / f"{index}.jpg", dict(CHINESE).get(name, name))
        lines += [f'{index}.jpg,A {name}. "thing", (bright)!', f"{index}.jpg,the {name} one"]
    path = root / "flickr30k" / file
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


class _Table:
    """Vectors as stored features."""

    def __init__(self, vectors: torch.Tensor) -> None:
        self.vectors, self.width = vectors, vectors.shape[1]

    def __len__(self) -> int:
        return len(self.vectors)

    def block(self, start: int, stop: int) -> torch.Tensor:
        return self.vectors[start:stop]


def test_a_hit_is_one_positive_among_the_first_as_the_original_scorer_has_it() -> None:
    scores = torch.tensor([[0.9, 0.1, 0.2], [0.3, 0.8, 0.7], [0.2, 0.6, 0.5]])
    ranks = first_ranks(scores, torch.tensor([0, 2, 2])[:, None] == torch.arange(3))
    assert [sum(rank < k for rank in ranks) / 3 for k in (1, 2)] == pytest.approx([1 / 3, 1.0])
    scores, owners = torch.tensor([[0.2, 0.9], [0.8, 0.1], [0.6, 0.7], [0.5, 0.3]]), torch.tensor([0, 0, 1, 1])
    to_image = first_ranks(scores, owners[:, None] == torch.arange(2))
    to_text = first_ranks(scores.T.contiguous(), torch.arange(2)[:, None] == owners)
    assert sum(rank < 1 for rank in to_image) / 4 == 0.5
    assert sum(rank < 1 for rank in to_text) / 2 == 0.5


def test_ranks_with_many_positives_agree_with_the_metric_also_in_ties() -> None:
    generator = torch.Generator().manual_seed(3)
    scores = torch.randint(0, 5, (40, 12), generator=generator).float()
    right = torch.rand(40, 12, generator=generator) < 0.3
    right[:, 0] |= ~right.any(dim=1)
    ranks = first_ranks(scores, right)
    for k in (1, 5, 10):
        assert sum(rank < k for rank in ranks) / 40 == pytest.approx(recall_at_k(scores.numpy(), right.numpy(), k))


def test_recalls_of_whole_sets_agree_with_the_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("internvl.eval.similarity.BLOCK_BYTES", 4 * 12 * 5)  # five queries a block
    captioned = read_caption_lines(write_flickr(tmp_path, NAMES), tmp_path / "flickr30k/Images")
    generator = torch.Generator().manual_seed(5)
    pictures, captions = torch.randn(6, 4, generator=generator), torch.randn(12, 4, generator=generator)
    outcome = retrieve(captioned, _Table(pictures), _Table(captions), total=18)
    p, c = (torch.nn.functional.normalize(vectors, dim=1).numpy() for vectors in (pictures, captions))
    owned = [[int(owner == own) for owner in captioned.owners] for own in range(6)]
    by_text = {k: recall_at_k(c @ p.T, captioned.owners, k) for k in (1, 5, 10)}
    by_image = {k: recall_at_k(p @ c.T, owned, k) for k in (1, 5, 10)}
    for k in (1, 5, 10):
        assert outcome.scores[f"image_retrieval_recall@{k}"] == pytest.approx(by_text[k])
        assert outcome.scores[f"text_retrieval_recall@{k}"] == pytest.approx(by_image[k])
    assert outcome.scores["mean_recall"] == pytest.approx((sum(by_text.values()) + sum(by_image.values())) / 6)


class _Listens(FakeEmbedder):
    """Keeps what it is asked to encode."""

    def __init__(self) -> None:
        super().__init__(embedder().words)
        self.heard: list[str] = []
        self.modes: set[str] = set()

    def encode_texts(self, texts: Sequence[str]) -> torch.Tensor:
        self.heard += texts
        return super().encode_texts(texts)

    def encode_images(self, images: Sequence[object], mode: str) -> torch.Tensor:
        self.modes.add(mode)
        return super().encode_images(images, mode)  # type: ignore[arg-type]


def test_flickr_is_cleaned_squashed_and_scored(tmp_path: Path) -> None:
    write_flickr(tmp_path)
    listens = _Listens()
    result = run_embedding_task(TASKS["flickr30k_retrieval"], listens, root=tmp_path, out=tmp_path / "out")
    assert (result.headline, result.samples, result.total) == (100.0, 9, 9)
    assert "a red thing , bright" in listens.heard
    assert listens.modes == {"squash"}
    rows = load_samples(tmp_path / "out/flickr30k_retrieval_test_en")
    assert (rows[0].id, rows[0].row, rows[0].reference) == ("text:0", 2, "0.jpg")
    assert (rows[6].id, rows[6].reference, rows[6].score["rank"]) == ("image:0.jpg", "0.jpg", 1)


def test_a_limit_counts_pictures_and_takes_their_captions(tmp_path: Path) -> None:
    write_flickr(tmp_path)
    task = TASKS["flickr30k_retrieval"]
    result = run_embedding_task(task, embedder(), root=tmp_path, out=tmp_path / "out", limit=2)
    assert (result.samples, result.total) == (6, 9)
    with pytest.raises(EvalError, match="at least 1"):
        run_embedding_task(task, embedder(), root=tmp_path, out=tmp_path / "out", limit=0)


def test_the_chinese_sets_are_read(tmp_path: Path) -> None:
    write_flickr(tmp_path, list(CHINESE)[:3], file="flickr30k_cn_test.txt")
    task = TASKS["flickr30k_cn"]
    assert run_embedding_task(task, embedder(), root=tmp_path, out=tmp_path / "out").headline == 100.0
    write_coco(tmp_path, list(CHINESE)[:3], file="coco-cn_test.json", folder="train2014")
    assert run_embedding_task(TASKS["coco_cn"], embedder(), root=tmp_path, out=tmp_path / "out").headline == 100.0


def write_coco(
    root: Path, names: Sequence[str], *, file: str = "coco_test_karpathy.json", folder: str = "val2014", prefix: str = ""
) -> Path:
    """Two captions a picture, not in the order of pictures."""
    images = [{"id": 900 - index, "file_name": f"{prefix}{index}.jpg"} for index in range(len(names))]
    for index, name in enumerate(names):
        paint(root / "coco" / folder / f"{index}.jpg", CHINESE.get(name, name))
    notes = [{"image_id": 900 - index, "caption": f"{name} {turn}"} for turn in range(2) for index, name in enumerate(names)]
    return write_json(root / "coco" / file, {"images": images, "annotations": notes})


@pytest.mark.parametrize("prefix", ["", "val2014/"])
def test_coco_json_joins_captions_and_pictures_by_id(tmp_path: Path, prefix: str) -> None:
    write_coco(tmp_path, NAMES[:4], prefix=prefix)
    result = run_embedding_task(TASKS["coco_retrieval"], embedder(), root=tmp_path, out=tmp_path / "out")
    assert (result.headline, result.samples) == (100.0, 12)


def test_xtd_reads_lines_of_both_files_and_leaves_captions_alone(tmp_path: Path) -> None:
    root = tmp_path / "xtd"
    for index, name in enumerate(NAMES):
        paint(root / "val2014" / f"COCO_val2014_{index}.jpg", name)
    (root / "test_image_names.txt").write_text("\n".join(f"COCO_val2014_{index}.jpg" for index in range(6)))
    (root / "test_1kcaptions_es.txt").write_text("\n".join(f"Una {name}." for name in NAMES))
    listens, task = _Listens(), TASKS["xtd"]
    result = run_embedding_task(task, listens, root=tmp_path, variant="es", out=tmp_path / "out")
    assert (result.metric, result.headline) == ("text_retrieval_recall@10", 100.0)
    assert "Una red." in listens.heard
    assert list(result.recipe["data"]) == ["xtd/test_1kcaptions_es.txt", "xtd/test_image_names.txt"]
    made = {"image_paths": [f"val2014/COCO_val2014_{index}.jpg" for index in range(6)], "annotations": list(NAMES)}
    write_json(root / "multilingual_mscoco_captions-ru.json", made)
    assert run_embedding_task(task, embedder(), root=tmp_path, variant="ru", out=tmp_path / "out").headline == 100.0
    (root / "test_1kcaptions_it.txt").write_text("una\ndue")
    with pytest.raises(BenchmarkFileError, match=r"names 6 pictures, .* has 2 captions"):
        run_embedding_task(task, embedder(), root=tmp_path, variant="it", out=tmp_path / "out")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0.png,a caption", "row 4: one picture"),
        ("0.jpg,", "row 4: one picture"),
        ("0.jpg,see 1.jpg,too", "row 4: one picture"),
        ("9.jpg,nobody", "row 4: .*9.jpg is absent"),
        ("../../9.jpg,out", "row 4: .*leads out of"),
    ],
)
def test_a_bad_caption_line_is_refused_with_its_number(tmp_path: Path, line: str, message: str) -> None:
    path = write_flickr(tmp_path, NAMES[:1])
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(BenchmarkFileError, match=message):
        read_caption_lines(path, tmp_path / "flickr30k/Images")


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ([{"image_id": 1, "caption": "a"}, {"image_id": 7, "caption": "b"}], "row 2: its image_id 7 is not among the images"),
        ([{"image_id": 1, "caption": " "}], "row 1: 'caption' must be a text"),
        ([{"image_id": 1}], "row 1"),
        ([], "no "),
    ],
)
def test_a_bad_entry_of_coco_json_is_refused_with_its_number(tmp_path: Path, notes: list[object], message: str) -> None:
    paint(tmp_path / "0.jpg", "red")
    path = write_json(tmp_path / "c.json", {"images": [{"id": 1, "file_name": "0.jpg"}], "annotations": notes})
    with pytest.raises(BenchmarkFileError, match=message):
        read_coco_captions(path, [tmp_path])


def test_pictures_absent_or_listed_twice_are_refused(tmp_path: Path) -> None:
    image = {"id": 1, "file_name": "0.jpg"}
    path = write_json(tmp_path / "c.json", {"images": [image], "annotations": [{"image_id": 1, "caption": "a"}]})
    with pytest.raises(BenchmarkFileError, match=r"row 1: its picture '0.jpg' is in none of"):
        read_coco_captions(path, [tmp_path / "val2014"])
    path = write_json(tmp_path / "d.json", {"images": [image, image], "annotations": []})
    with pytest.raises(BenchmarkFileError, match="row 2: 'id'"):
        read_coco_captions(path, [tmp_path])
