"""The loader on real files: JSONL with pictures, the embedded model's tokenizer, several processes."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path

import PIL.Image
import pytest
import torch

from internvl.checkpoint.checkpoint import read_config
from internvl.checkpoint.fields import read_json
from internvl.checkpoint.hub import resolve
from internvl.data.batch import Batch
from internvl.data.builder import ExampleBuilder
from internvl.data.config import DataConfig
from internvl.data.held_back import held_back_records
from internvl.data.ledger import Ledger
from internvl.data.lengths import measured
from internvl.data.loader import TrainingData
from internvl.data.manifest import load_manifest
from internvl.data.sources import open_source
from internvl.errors import ConfigError
from internvl.processor import Processor
from internvl.prompt.tokenizer import load_tokenizer

CONFIG = DataConfig(workers=0, max_tokens=700, max_tiles=4, pack_tokens=700, pack_tiles=8, pack_buffer=3, held_back=0.1)


@cache
def processor() -> Processor:
    folder = resolve("internvl-nano")
    return Processor.of(read_config(read_json(folder / "config.json"), "config.json"), load_tokenizer(folder))


@pytest.fixture
def meta(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two data sets, of 20 pictures and of 12 texts; a picture is missing, and a line is no JSON."""
    monkeypatch.setenv("INTERNVL_CACHE", str(tmp_path / "cache"))
    for number in range(20):
        if number != 11:
            size = (224 + 40 * number, 224)
            PIL.Image.new("RGB", size, (number, 0, 0)).save(tmp_path / f"{number}.png")
    pictures = [conversation(f"How dark is it? {'Say. ' * n}", f"{n}", image=f"{n}.png") for n in range(20)]
    texts = [conversation(f"What is {n} and {n}?", "It is more. " * (n + 1)) for n in range(12)]
    (tmp_path / "pictures.jsonl").write_text("\n".join(pictures) + "\n")
    (tmp_path / "texts.jsonl").write_text("\n".join([*texts[:6], "{half a line", *texts[6:]]) + "\n")
    entries = {
        "pictures": {"root": str(tmp_path), "annotation": str(tmp_path / "pictures.jsonl"), "data_augment": True},
        "texts": {"root": "", "annotation": str(tmp_path / "texts.jsonl"), "repeat_time": 2},
    }
    path = tmp_path / "meta.json"
    path.write_text(json.dumps(entries))
    return path


def conversation(question: str, answer: str, **fields: str) -> str:
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return json.dumps({**fields, "conversations": turns})


def data(meta: Path, config: DataConfig = CONFIG, **options: object) -> TrainingData:
    builder = ExampleBuilder(processor(), config)
    return TrainingData(load_manifest(meta), builder, config, **{"epochs": 1, **options})  # type: ignore[arg-type]


def with_workers(workers: int, **values: object) -> DataConfig:
    settings = {name: getattr(CONFIG, name) for name in CONFIG.__dataclass_fields__}
    return DataConfig(**{**settings, "workers": workers, **values})


def same(first: Batch, second: Batch) -> bool:
    names = ("ids", "labels", "positions", "segments", "weights")
    pixels = (first.pixels is None) == (second.pixels is None)
    if first.pixels is not None and second.pixels is not None:
        pixels = torch.equal(first.pixels, second.pixels)
    return pixels and first.origins == second.origins and all(torch.equal(getattr(first, n), getattr(second, n)) for n in names)


def test_a_run_over_files_is_complete_and_placeholders_fit_the_tiles(meta: Path, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "dropped.jsonl")
    run = data(meta, ledger=ledger)
    held = Counter((record.origin.dataset, record.origin.row) for _, record in run.held_back())
    assert held_back_records(load_manifest(meta), CONFIG) == run.held_back()
    batches = list(run)
    for batch in batches:
        assert batch.ids.shape[1] <= 700
        assert batch.tiles <= 8
        assert int((batch.ids == processor().placeholder_id).sum()) == batch.tiles * processor().tokens_per_tile
    seen = Counter((origin.dataset, origin.row) for batch in batches for origin in batch.origins)
    broken = {("pictures", 12), ("texts", 7)}
    expected = {("pictures", row): 1 for row in range(1, 21)} | {("texts", row): 2 for row in range(1, 14)}
    assert seen == {key: count for key, count in expected.items() if key not in held and key not in broken}
    assert ledger.dropped == len(broken)
    assert run.batches_per_epoch() == len(batches)


def test_resumed_with_processes_the_batches_are_bit_identical(meta: Path) -> None:
    whole = list(data(meta))
    first = data(meta, with_workers(2))
    batches = iter(first)
    begun = [next(batches) for _ in range(3)]
    second = data(meta, with_workers(1))
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    got = [*begun, *second]
    assert len(got) == len(whole)
    assert all(same(one, other) for one, other in zip(got, whole, strict=True))


def test_lengths_measured_by_processes_are_those_of_the_examples(meta: Path) -> None:
    config = with_workers(0, held_back=0.0)
    builder = ExampleBuilder(processor(), config)
    source = open_source(load_manifest(meta).datasets[0])
    found = measured(source, builder, workers=2)
    assert set(found.failures) == {11}
    for row in range(len(source)):
        if row != 11:
            example = builder.build(source.record(row), source.spec, seed=1)
            assert (example.tokens, example.tiles) == (found.tokens[row], found.tiles[row])


def test_an_annotation_that_grew_stops_the_run_from_going_on(meta: Path, tmp_path: Path) -> None:
    run = data(meta)
    next(iter(run))
    with (tmp_path / "texts.jsonl").open("a") as file:
        file.write(conversation("One more?", "Yes.") + "\n")
    with pytest.raises(ConfigError, match=r"data set 'texts' has changed.*rows 13 became 14"):
        data(meta).load_state_dict(run.state_dict())
