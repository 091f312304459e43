"""The loop over an embedder: what is stored is not encoded again, a kill loses little, shards meet, and foreign things are refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from vector_toys import IDS, ColourEncoder, Stops, embedder, paint, write_imagenet

from internvl.errors import NumericError
from internvl.eval import encoding
from internvl.eval.embedder import FakeEmbedder
from internvl.eval.embedding_runner import run_embedding_task
from internvl.eval.errors import BenchmarkFileError, EvalError
from internvl.eval.feature_store import FeatureStore, StoredFeatures, content_key, fingerprint
from internvl.eval.progress import Progress
from internvl.eval.tasks.zero_shot_images import TASKS

IMAGENET = TASKS["imagenet"]


def _samples(out: Path) -> bytes:
    return (out / "imagenet_test_en/samples.jsonl").read_bytes()


def test_an_interrupted_run_goes_on_and_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    write_imagenet(tmp_path, each=4)
    with pytest.raises(KeyboardInterrupt):
        run_embedding_task(IMAGENET, Stops(10, batch_size=2), root=tmp_path, out=tmp_path / "broken")
    assert not (tmp_path / "broken/imagenet_test_en/result.json").exists()
    rest = embedder()
    broken = run_embedding_task(IMAGENET, rest, root=tmp_path, out=tmp_path / "broken")
    assert rest.images_seen == 24 - 10
    whole = run_embedding_task(IMAGENET, embedder(), root=tmp_path, out=tmp_path / "whole")
    assert broken.scores == whole.scores
    assert _samples(tmp_path / "broken") == _samples(tmp_path / "whole")


def test_a_killed_process_loses_only_what_was_not_added(tmp_path: Path) -> None:
    write_imagenet(tmp_path, each=4)
    code = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from vector_toys import Stops
from internvl.eval import encoding
from internvl.eval.embedding_runner import run_embedding_task
from internvl.eval.tasks.zero_shot_images import TASKS
encoding.CHUNK_ROWS = 4
class Dies(Stops):
    def encode_images(self, images, mode):
        if self.left <= 0:
            os._exit(9)
        return super().encode_images(images, mode)
root = Path({str(tmp_path)!r})
run_embedding_task(TASKS["imagenet"], Dies(14, batch_size=2), root=root, out=root / "killed")
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    rest = embedder()
    killed = run_embedding_task(IMAGENET, rest, root=tmp_path, out=tmp_path / "killed")
    assert rest.images_seen == 24 - 12  # three files of four rows were whole
    whole = run_embedding_task(IMAGENET, embedder(), root=tmp_path, out=tmp_path / "whole")
    assert killed.scores == whole.scores
    assert _samples(tmp_path / "killed") == _samples(tmp_path / "whole")


def test_a_bad_picture_does_not_cost_what_was_encoded_before_it(tmp_path: Path) -> None:
    paths = write_imagenet(tmp_path, each=4)
    paths[9].write_bytes(b"no picture")
    with pytest.raises(BenchmarkFileError, match="row 10 "):
        run_embedding_task(IMAGENET, embedder(batch_size=2), root=tmp_path, out=tmp_path / "out")
    paint(paths[9], "blue", shade=7)
    rest = embedder()
    run_embedding_task(IMAGENET, rest, root=tmp_path, out=tmp_path / "out")
    assert rest.images_seen == 24 - 8


def test_shards_meet_and_the_last_one_scores(tmp_path: Path) -> None:
    write_imagenet(tmp_path, each=3)
    first, second = embedder(), embedder()
    early = run_embedding_task(IMAGENET, first, root=tmp_path, out=tmp_path / "out", shard=(0, 2))
    assert (early.complete, early.headline, first.images_seen) == (False, None, 9)
    assert "other shards" in early.notes[-1]
    assert not (tmp_path / "out/imagenet_test_en/result.json").exists()
    late = run_embedding_task(IMAGENET, second, root=tmp_path, out=tmp_path / "out", shard=(1, 2))
    assert (late.complete, second.images_seen) == (True, 9)
    assert first.texts_seen + second.texts_seen == 18
    whole = run_embedding_task(IMAGENET, embedder(), root=tmp_path, out=tmp_path / "whole")
    assert late.scores == whole.scores
    assert _samples(tmp_path / "out") == _samples(tmp_path / "whole")


def test_equal_pictures_are_encoded_once_and_changed_ones_again(tmp_path: Path) -> None:
    paths = write_imagenet(tmp_path)
    paths[1].write_bytes(paths[0].read_bytes())
    seen = embedder()
    run_embedding_task(IMAGENET, seen, root=tmp_path, out=tmp_path / "out")
    assert seen.images_seen == 11
    paint(tmp_path / "imagenet-1k/val" / IDS[0] / paths[0].name, "red", shade=11, size=(15, 10))
    again = embedder()
    run_embedding_task(IMAGENET, again, root=tmp_path, out=tmp_path / "other")
    assert again.images_seen == 12


def test_progress_is_told_after_each_batch(tmp_path: Path) -> None:
    write_imagenet(tmp_path)
    told: list[Progress] = []
    run_embedding_task(IMAGENET, embedder(batch_size=5), root=tmp_path, out=tmp_path / "out", progress=told.append)
    pictures = [(each.done, each.total) for each in told if each.title.endswith("pictures")]
    assert pictures == [(5, 12), (10, 12), (12, 12)]


def test_another_model_has_its_own_vectors_and_may_not_continue_the_result(tmp_path: Path) -> None:
    write_imagenet(tmp_path)
    run_embedding_task(IMAGENET, embedder(), root=tmp_path, out=tmp_path / "out")
    other = embedder(name="other")
    with pytest.raises(EvalError, match=r"another recipe: generator\.model"):
        run_embedding_task(IMAGENET, other, root=tmp_path, out=tmp_path / "out")
    assert other.images_seen == 0


def test_the_wrong_kind_of_model_and_unknown_names_are_refused(tmp_path: Path) -> None:
    run = {"root": tmp_path, "out": tmp_path / "out"}
    with pytest.raises(EvalError, match="imagenet needs an Embedder"):
        run_embedding_task(IMAGENET, ColourEncoder(), **run)
    with pytest.raises(EvalError, match="imagenet has test, not 'train'"):
        run_embedding_task(IMAGENET, embedder(), split="train", **run)
    with pytest.raises(EvalError, match="imagenet has en, zh, jp, ar, it, not 'de'"):
        run_embedding_task(IMAGENET, embedder(), variant="de", **run)
    with pytest.raises(EvalError, match="a shard I/N"):
        run_embedding_task(IMAGENET, embedder(), shard=(2, 2), **run)


class _Bad(FakeEmbedder):
    def __init__(self, made: torch.Tensor) -> None:
        super().__init__({}, batch_size=3)
        self.made = made

    def encode_images(self, images: object, mode: str) -> torch.Tensor:
        return self.made


@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        (torch.full((3, 2), float("nan")), NumericError, "NaN or infinite"),
        (torch.zeros(2, 2), EvalError, r"3 pictures gave vectors \[2, 2\]"),
        (torch.zeros(3), EvalError, r"3 pictures gave vectors \[3\]"),
    ],
)
def test_impossible_vectors_are_refused(tmp_path: Path, made: torch.Tensor, error: type[Exception], message: str) -> None:
    write_imagenet(tmp_path)
    with pytest.raises(error, match=message):
        run_embedding_task(IMAGENET, _Bad(made), root=tmp_path, out=tmp_path / "out")


def test_a_store_gives_back_rows_in_any_order_from_few_open_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("internvl.eval.feature_store.OPEN_CHUNKS", 2)
    store = FeatureStore(tmp_path, {"model": "m"})
    keys = [content_key(f"row {index}".encode(), "text") for index in range(50)]
    made = torch.arange(100.0).reshape(50, 2)
    for start in range(0, 50, 5):
        store.add(keys[start : start + 5], made[start : start + 5])
    order = torch.randperm(50, generator=torch.Generator().manual_seed(1)).tolist()
    again = FeatureStore(tmp_path, {"model": "m"})
    assert torch.equal(again.rows([keys[index] for index in order]), made[order])
    stored = StoredFeatures(again, keys)
    assert torch.equal(stored.block(7, 23), made[7:23])
    assert (len(stored), stored.width) == (50, 2)
    assert len(again._chunks) <= 2
    with pytest.raises(EvalError, match="row 1 of 1 is not stored"):
        again.rows([b"?" * 16])


def test_a_store_refuses_damage_other_models_and_other_widths(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, {"model": "m"})
    store.add([b"0" * 16], torch.ones(1, 4))
    with pytest.raises(EvalError, match="of 3 numbers"):
        store.add([b"1" * 16], torch.ones(1, 3))
    with pytest.raises(EvalError, match="not of"):
        FeatureStore(tmp_path, {"model": "other"})
    file = next(tmp_path.glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(EvalError, match=r"is damaged .*remove it"):
        FeatureStore(tmp_path, {"model": "m"})


def test_drafts_that_a_kill_left_are_no_part_of_a_store(tmp_path: Path) -> None:
    FeatureStore(tmp_path, {"model": "m"})
    (tmp_path / ".abc.safetensors.4711").write_bytes(b"half")
    assert len(FeatureStore(tmp_path, {"model": "m"})) == 0


def test_keys_tell_content_and_context_apart() -> None:
    assert content_key(b"a", "picture crop None") != content_key(b"a", "picture squash None")
    assert content_key(b"b", "a") != content_key(b"", "ab")
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1}) != fingerprint({"a": 1, "b": 3})


def test_batches_are_read_ahead_in_order() -> None:
    assert list(encoding.ahead(lambda value: value * 2, range(100))) == [value * 2 for value in range(100)]
