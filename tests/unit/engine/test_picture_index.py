"""The index of a folder: what is new is encoded, what is gone is forgotten, nothing is lost when it is interrupted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import PIL.Image
import pytest
import torch
from typer.testing import CliRunner

from internvl import Image, load_dual
from internvl.cli.main import app
from internvl.engine import picture_index
from internvl.engine.dual import Dual
from internvl.engine.nearest import Nearest
from internvl.engine.picture_index import PictureIndex
from internvl.errors import CheckpointError, ConfigError

FOLDER = Path(__file__).parents[2] / "parity" / "fixtures" / "internvl-14b"
COLOURS = ("red", "green", "blue", "yellow", "white", "black")


@pytest.fixture(scope="module")
def dual() -> Dual:
    return load_dual(FOLDER, device="cpu", batch=4)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    (folder / "below").mkdir(parents=True)
    for index, colour in enumerate(COLOURS):
        PIL.Image.new("RGB", (20 + index, 30), colour).save(folder / ("below" if index % 2 else ".") / f"{colour}.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


def expected(dual: Dual, pictures: Path, query: str) -> list[str]:
    files = sorted(pictures.rglob("*.png"))
    return [files[match.index].name for match in dual.search(query, [Image(file) for file in files])]


def found(index: PictureIndex, query: str, top: int = 10) -> list[str]:
    return [each.path.name for each in index.search(query, top=top)]


def test_an_answer_is_that_of_the_dual_encoder(dual: Dual, pictures: Path, tmp_path: Path) -> None:
    index = PictureIndex(tmp_path / "index", pictures, dual)
    assert index.search("nothing yet") == []
    seen: list[tuple[int, int]] = []
    update = index.update(progress=lambda done, total: seen.append((done, total)))
    assert (update.added, update.removed, update.skipped, len(index)) == (6, 0, (), 6)
    assert seen == [(4, 6), (6, 6)]
    for query in ("a red picture", "天空"):
        assert found(index, query) == expected(dual, pictures, query)
    like = index.search(Image(pictures / "below" / "green.png"), top=1)[0]
    assert like.path.name == "green.png"
    assert like.similarity == pytest.approx(1.0, abs=2e-3)


def test_only_what_changed_is_encoded_again(dual: Dual, pictures: Path, tmp_path: Path) -> None:
    PictureIndex(tmp_path / "index", pictures, dual).update()
    (pictures / "red.png").unlink()
    PIL.Image.new("RGB", (9, 9), "purple").save(pictures / "below" / "green.png")
    PIL.Image.new("RGB", (9, 9), "orange").save(pictures / "orange.png")
    index = PictureIndex(tmp_path / "index", pictures, dual)
    update = index.update()
    assert (update.added, update.removed, len(index)) == (2, 1, 6)
    assert found(index, "x") == expected(dual, pictures, "x")
    assert PictureIndex(tmp_path / "index", pictures, dual).update().added == 0


def test_what_cannot_be_opened_is_told_and_tried_again(dual: Dual, pictures: Path, tmp_path: Path) -> None:
    broken = pictures / "below" / "broken.png"
    broken.write_bytes((pictures / "red.png").read_bytes()[:40])
    index = PictureIndex(tmp_path / "index", pictures, dual)
    [(path, reason)] = index.update().skipped
    assert (path, len(index)) == ("below/broken.png", 6)
    assert reason
    assert json.loads((tmp_path / "index" / "skipped.jsonl").read_text())["path"] == path
    PIL.Image.new("RGB", (5, 5)).save(broken)
    assert index.update().skipped == ()
    assert len(index) == 7


def test_an_interrupted_update_goes_on(dual: Dual, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_index, "PART", 2)
    encode, calls = dual.encode_images, iter(range(10))

    def stops(images: Sequence[Image]) -> torch.Tensor:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return encode(images)

    begun = PictureIndex(tmp_path / "index", pictures, dual)
    monkeypatch.setattr(dual, "encode_images", stops)
    with pytest.raises(KeyboardInterrupt):
        begun.update()
    monkeypatch.setattr(dual, "encode_images", encode)
    index = PictureIndex(tmp_path / "index", pictures, dual)
    assert len(index) == 4
    assert index.update().added == 2
    assert found(index, "x") == expected(dual, pictures, "x")


def test_another_model_or_a_damaged_part_is_refused(dual: Dual, pictures: Path, tmp_path: Path) -> None:
    PictureIndex(tmp_path / "index", pictures, dual).update()
    with pytest.raises(ConfigError, match="is the index of"):
        PictureIndex(tmp_path / "index", pictures, load_dual(FOLDER, device="cpu", mode="InternVL-G"))
    with pytest.raises(ConfigError, match="not a folder"):
        PictureIndex(tmp_path / "other", pictures / "notes.txt", dual).update()
    [part] = (tmp_path / "index").glob("part-*.safetensors")
    part.write_bytes(part.read_bytes()[:-8])
    with pytest.raises(CheckpointError, match="damaged"):
        PictureIndex(tmp_path / "index", pictures, dual)


def test_the_graph_finds_what_reading_everything_finds(tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    rows = torch.nn.functional.normalize(torch.randn(3000, 32, generator=torch.Generator().manual_seed(1)), dim=-1).half()
    plain, graph = Nearest(rows, tmp_path / "none"), Nearest(rows[:2000], tmp_path, graph_from=100)
    graph = Nearest(rows, tmp_path, graph_from=100)  # what is new joins the stored graph
    assert graph.graph.ntotal == 3000
    queries = torch.randn(50, 32, generator=torch.Generator().manual_seed(2))
    same = [
        len({row for row, _ in plain.search(query, 10, alive=lambda row: row % 3 > 0)} & {row for row, _ in hits})
        for query in queries
        for hits in [graph.search(query, 10, alive=lambda row: row % 3 > 0)]
        if all(row % 3 for row, _ in hits)
    ]
    assert len(same) == 50
    assert sum(same) / 500 > 0.98


def test_the_verb_says_what_it_did(pictures: Path, tmp_path: Path) -> None:
    given = ["search", str(pictures), "a red thing", "--model", str(FOLDER), "--top", "2", "--json", "--device", "cpu"]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)) == 2
    assert (pictures / ".internvl-index" / "index.json").exists()
    refused = CliRunner().invoke(app, ["search", str(pictures)])
    assert refused.exit_code == 2
    assert "WORDS, or for a picture" in refused.stderr
