"""What may happen to an index: it moves, is damaged, is another model's, its pictures are no pictures. All of it is told."""

from __future__ import annotations

import copy
import json
import os
import shutil
from pathlib import Path

import PIL.Image
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from internvl import Image, load_dual
from internvl.cli.main import app
from internvl.engine import picture_files, picture_index
from internvl.engine.dual import Dual
from internvl.engine.index_parts import Parts
from internvl.engine.nearest import GRAPH, HOLDS, Nearest
from internvl.engine.picture_files import Entry
from internvl.engine.picture_index import PictureIndex
from internvl.errors import CheckpointError, ConfigError

FOLDER = Path(__file__).parents[2] / "parity" / "fixtures" / "internvl-14b"
WIDTH = 24


@pytest.fixture(scope="module")
def dual() -> Dual:
    return load_dual(FOLDER, device="cpu", batch=4)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    for index, colour in enumerate(("red", "green", "blue", "white")):
        PIL.Image.new("RGB", (20 + index, 30), colour).save(tmp_path / "pictures" / f"{colour}.png")
    return tmp_path / "pictures"


def names(index: PictureIndex) -> list[str]:
    return sorted(each.path.name for each in index.search("anything", top=100))


def test_a_folder_that_is_not_there_is_not_made(dual: Dual, tmp_path: Path) -> None:
    missing = tmp_path / "photos"
    with pytest.raises(ConfigError, match="not a folder of pictures"):
        PictureIndex(missing / ".internvl-index", missing, dual)
    assert not missing.exists()


def test_whatever_looks_like_a_picture_is_encoded_or_told(dual: Dual, pictures: Path, tmp_path: Path) -> None:
    (pictures / "empty.png").write_bytes(b"")
    (pictures / "text.jpg").write_text("no picture at all")
    (pictures / "phone.HEIC").write_bytes(b"x")
    (pictures / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (pictures / "more").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(pictures / "pipe.png")
    (pictures / os.fsdecode(b"\xff.png")).write_bytes(b"")
    PIL.Image.new("1", (12_000, 9_000)).save(pictures / "huge.png")
    index = PictureIndex(tmp_path / "index", pictures, dual)
    update = index.update()
    told = dict(update.skipped)
    assert (update.added, len(index)) == (4, 4)
    assert set(told) == {"empty.png", "text.jpg", "phone.HEIC", "gone.png", "more", "pipe.png", "huge.png", "\udcff.png"}
    assert "save it as PNG or JPEG" in told["phone.HEIC"]
    assert told["gone.png"] == "a link to nothing"
    assert "pixels" in told["huge.png"]
    lines = (tmp_path / "index" / "skipped.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == 8


def test_a_name_that_is_no_unicode_is_kept(dual: Dual, pictures: Path, tmp_path: Path) -> None:
    shutil.copyfile(pictures / "red.png", pictures / os.fsdecode(b"\xfe.png"))
    PictureIndex(tmp_path / "index", pictures, dual).update()
    again = PictureIndex(tmp_path / "index", pictures, dual)
    assert again.update().added == 0
    assert "\udcfe.png" in names(again)


def test_a_folder_that_cannot_be_listed_is_told(dual: Dual, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pictures / "locked").mkdir()
    scan = os.scandir

    def refusing(path: Path) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(picture_files.os, "scandir", refusing)
    [(path, reason)] = PictureIndex(tmp_path / "index", pictures, dual).update().skipped
    assert (path, reason) == ("locked", "the folder can't be read: Permission denied")


def test_a_picture_that_breaks_is_no_longer_found(dual: Dual, pictures: Path, tmp_path: Path) -> None:
    index = PictureIndex(tmp_path / "index", pictures, dual)
    index.update()
    (pictures / "red.png").write_bytes(b"broken")
    for each in (index, PictureIndex(tmp_path / "index", pictures, dual)):
        assert [path for path, _ in each.update().skipped] == ["red.png"]
        assert names(each) == ["blue.png", "green.png", "white.png"]


def test_a_folder_moves_with_the_index_inside(dual: Dual, pictures: Path, tmp_path: Path) -> None:
    PictureIndex(pictures / ".index", pictures, dual).update()
    moved = tmp_path / "elsewhere" / "mine"
    moved.parent.mkdir()
    pictures.rename(moved)
    index = PictureIndex(moved / ".index", moved, dual)
    assert index.update().added == 0
    assert index.search("red", top=1)[0].path.parent == moved
    PictureIndex(tmp_path / "apart", moved, dual).update()
    moved.rename(tmp_path / "third")
    with pytest.raises(ConfigError, match=r"is the index of .*pictures"):
        PictureIndex(tmp_path / "apart", tmp_path / "third", dual)


def test_the_weights_count_and_not_the_name(dual: Dual, pictures: Path, tmp_path: Path) -> None:
    PictureIndex(tmp_path / "index", pictures, dual).update()
    shutil.copytree(FOLDER, tmp_path / "model")
    same = load_dual(tmp_path / "model", device="cpu", dtype="bfloat16")
    assert PictureIndex(tmp_path / "index", pictures, same).update().added == 0
    trained = Dual(copy.deepcopy(dual.model), dual.tokenizer, name=dual.name)
    with torch.no_grad():
        trained.model.pool.out.bias += 0.5
    with pytest.raises(ConfigError, match=r"is the index of .*weights"):
        PictureIndex(tmp_path / "index", pictures, trained)


def test_an_index_of_before_or_no_json_is_refused(dual: Dual, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    for content, said in (("{", "no JSON"), ('{"format": 1}', "another version"), ("[]", "another version")):
        (tmp_path / "index" / "index.json").write_text(content)
        with pytest.raises(ConfigError, match=said):
            PictureIndex(tmp_path / "index", pictures, dual)


def test_an_index_needs_a_place(dual: Dual, pictures: Path) -> None:
    with pytest.raises(ConfigError, match="can't be kept in"):
        PictureIndex(pictures / "red.png", pictures, dual)


@pytest.mark.parametrize(
    ("vectors", "told", "said"),
    [
        (torch.zeros(1, 5).half(), [["a.png", 1, 2]], "vectors of"),
        (torch.zeros(1, WIDTH), [["a.png", 1, 2]], "float32"),
        (torch.zeros(2, WIDTH).half(), [["a.png", 1, 2]], "for 1 pictures"),
        (torch.full((1, WIDTH), float("nan")).half(), [["a.png", 1, 2]], "not finite"),
        (torch.zeros(1, WIDTH).half(), [["a.png", "1", 2]], "a path, a size and a time"),
        (torch.zeros(1, WIDTH).half(), {"a.png": 1}, "a path, a size and a time"),
    ],
)
def test_a_damaged_part_is_named(tmp_path: Path, vectors: torch.Tensor, told: object, said: str) -> None:
    save_file({"vectors": vectors}, tmp_path / "part-000000-aaaaaaaa.safetensors", metadata={"pictures": json.dumps(told)})
    with pytest.raises(CheckpointError, match=rf"part-000000.*{said}.*delete it"):
        Parts(tmp_path, width=WIDTH)


def test_a_part_that_was_deleted_is_made_again_and_no_other_suffers(
    dual: Dual, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_index, "PART", 1)
    PictureIndex(tmp_path / "index", pictures, dual).update()
    first, *_ = sorted((tmp_path / "index").glob("part-*"))
    first.unlink()
    index = PictureIndex(tmp_path / "index", pictures, dual)
    assert (index.update().added, len(index)) == (1, 4)
    assert PictureIndex(tmp_path / "index", pictures, dual).update().added == 0


def test_dead_rows_are_cleared_away(tmp_path: Path, dual: Dual, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_index, "PART", 2)
    index = PictureIndex(tmp_path / "index", pictures, dual)
    index.update()
    for name in ("red", "green", "blue"):
        (pictures / f"{name}.png").unlink()
    assert index.update().removed == 3
    assert names(index) == ["white.png"]
    [part] = (tmp_path / "index").glob("part-*")
    assert Parts(tmp_path / "index", width=WIDTH).rows[0].path == "white.png"
    PIL.Image.new("RGB", (9, 9), "purple").save(pictures / "purple.png")
    assert index.update().added == 1
    assert sorted(path.name for path in (tmp_path / "index").glob("part-*"))[0] == part.name
    again = PictureIndex(tmp_path / "index", pictures, dual)
    assert names(again) == names(index) == ["purple.png", "white.png"]


def test_a_rewriting_that_is_killed_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Parts(tmp_path, width=2)
    parts.add([Entry("a", 1, 1), Entry("b", 1, 1)], torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        parts.rewrite([1])
    monkeypatch.undo()
    again = Parts(tmp_path, width=2)
    assert [entry.path for entry in again.rows] == ["a", "b", "b"]
    assert again.vectors.tolist() == [[1, 0], [0, 1], [0, 1]]


def test_a_graph_of_other_rows_is_not_believed(tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    rows = torch.nn.functional.normalize(torch.randn(300, 16, generator=torch.Generator().manual_seed(1)), dim=-1).half()
    told: list[tuple[int, int]] = []
    Nearest(rows, tmp_path, graph_from=100, progress=lambda done, total: told.append((done, total)))
    assert told == [(300, 300)]
    others = rows.flip(0)
    found = Nearest(others, tmp_path, graph_from=100).search(others[7].float(), 1, alive=lambda _: True)
    assert found[0][0] == 7
    (tmp_path / GRAPH).write_bytes(b"broken")
    with pytest.raises(CheckpointError, match=r"nearest\.faiss is damaged"):
        Nearest(others, tmp_path, graph_from=100)
    (tmp_path / HOLDS).write_text("[]")
    with pytest.raises(CheckpointError, match="is damaged"):
        Nearest(others, tmp_path, graph_from=100)
    (tmp_path / GRAPH).unlink()
    assert Nearest(others, tmp_path, graph_from=100).graph.ntotal == 300


def test_the_verb_tells_of_what_it_could_not_use(pictures: Path) -> None:
    (pictures / "text.jpg").write_text("no picture at all")
    given = ["search", str(pictures), "red", "--model", str(FOLDER), "--json", "--device", "cpu", "--quiet"]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)) == 4
    said = " ".join(done.stderr.split())
    assert "1 could not be used, first text.jpg" in said
    assert "skipped.jsonl" in said
    wrong = CliRunner().invoke(app, [*given, "--mode", "InternVL-X"])
    assert wrong.exit_code == 1
    assert "has the modes InternVL-C, InternVL-G, not 'InternVL-X'" in " ".join(wrong.stderr.split())


def test_images_of_arrays_are_searched_too(dual: Dual, pictures: Path, tmp_path: Path) -> None:
    index = PictureIndex(tmp_path / "index", pictures, dual)
    index.update()
    assert index.search(Image(PIL.Image.open(pictures / "blue.png")), top=1)[0].path.name == "blue.png"
