"""Data sets of numbers: each record says how many tokens and tiles it has, and its example shows which record it came from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from internvl.data.builder import Measure
from internvl.data.config import DataConfig
from internvl.data.example import Example
from internvl.data.loader import TrainingData
from internvl.data.manifest import DatasetSpec, Manifest
from internvl.data.record import Origin, Record, RecordError, Utterance

Size = tuple[int, int]  # tokens, tiles


class Numbers:
    """A source in memory. Rows of size (0, 0) can't be used."""

    def __init__(self, spec: DatasetSpec, sizes: Sequence[Size], *, clips: bool = False) -> None:
        self.spec, self.sizes, self.clips = spec, list(sizes), clips

    def __len__(self) -> int:
        return len(self.sizes)

    def origin(self, index: int) -> Origin:
        return Origin(self.spec.name, str(self.spec.annotation), index + 1)

    def record(self, index: int) -> Record:
        tokens, tiles = self.sizes[index]
        if not tokens:
            raise RecordError("there is nothing")
        videos = (Path("clip.mp4"),) if self.clips else ()
        return Record(origin=self.origin(index), utterances=(Utterance("user", f"{tokens} {tiles}"),), videos=videos)


class NumberBuilder:
    """ids: the row from 0 throughout, the last one made from the seed. pixels: the row too."""

    def __init__(self, *, preference: bool = False, broken_row: int | None = None) -> None:
        self.preference, self.broken_row = preference, broken_row
        self.measured = 0

    def build(self, record: Record, spec: DatasetSpec, *, seed: int) -> Example:
        row = record.origin.row - 1
        if row == self.broken_row:
            raise ZeroDivisionError("a fault in the program")
        tokens, tiles = sizes_of(record, seed)
        ids = torch.full((tokens,), row)
        ids[-1] = seed % 100_003
        labels = torch.where(torch.arange(tokens) < tokens // 2, -100, ids)
        worse = torch.full((tokens + row % 3,), row + 1) if self.preference else None
        return Example(
            origin=record.origin,
            ids=ids,
            labels=labels,
            pixels=torch.full((tiles, 3, 2, 2), float(row)) if tiles else None,
            rejected_ids=worse,
            rejected_labels=worse,
        )

    def measure(self, record: Record, spec: DatasetSpec, *, seed: int | None = None) -> Measure:
        self.measured += 1
        tokens, tiles = sizes_of(record, seed)
        return Measure(tokens + (record.origin.row - 1) % 3 if self.preference else tokens, tiles)

    def fingerprint(self) -> str:
        return f"numbers {self.preference}"


def sizes_of(record: Record, seed: int | None) -> Size:
    """A clip has up to 30 tokens more, as the seed wills."""
    tokens, tiles = map(int, record.utterances[0].text.split())
    more = (30 if seed is None else seed % 31) if record.videos else 0
    return tokens + more, tiles


def some_sizes(rows: int, *, seed: int = 0, tokens: int = 60, tiles: int = 4) -> list[Size]:
    source = torch.Generator().manual_seed(seed)
    drawn = torch.randint(0, 1 << 30, (rows, 2), generator=source).tolist()
    return [(3 + first % tokens, second % (tiles + 1)) for first, second in drawn]


def numbers(name: str, sizes: Sequence[Size], **facts: float) -> Numbers:
    return Numbers(DatasetSpec(name=name, annotation=Path(f"nowhere/{name}.jsonl"), root=Path("nowhere"), **facts), sizes)  # type: ignore[arg-type]


def training_data(
    sources: Sequence[Numbers], config: DataConfig | None = None, *, builder: NumberBuilder | None = None, **options: object
) -> TrainingData:
    manifest = Manifest(tuple(source.spec for source in sources), Path("nowhere/meta.json"))
    config = config or small_config()
    return TrainingData(manifest, builder or NumberBuilder(), config, sources=sources, **options)  # type: ignore[arg-type]


def small_config(**values: object) -> DataConfig:
    defaults = {"pack_tokens": 100, "pack_tiles": 10, "pack_buffer": 3, "workers": 0}
    return DataConfig(**{**defaults, **values})  # type: ignore[arg-type]
