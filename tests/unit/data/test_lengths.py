"""Measuring once, keeping it, and measuring again when anything has changed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from numbered_data import NumberBuilder, Numbers, Size, some_sizes

from internvl.data.lengths import cache_folder, measured
from internvl.data.manifest import DatasetSpec
from internvl.errors import ConfigError


def source_in(folder: Path, sizes: list[Size]) -> Numbers:
    """A source with a file behind it, whose size and time the cache goes by."""
    path = folder / "set.jsonl"
    path.write_text("x" * len(sizes))
    return Numbers(DatasetSpec(name="my set/1", annotation=path, root=folder), sizes)


@pytest.mark.parametrize("workers", [0, 2])
def test_every_row_is_measured_and_failures_keep_their_reason(tmp_path: Path, workers: int) -> None:
    sizes = some_sizes(150)
    sizes[7] = sizes[149] = (0, 0)
    told: list[tuple[str, int, int]] = []
    found = measured(
        source_in(tmp_path, sizes),
        NumberBuilder(),
        workers=workers,
        folder=tmp_path / "cache",
        progress=lambda *each: told.append(each),
    )
    expected = [(-1, -1) if not size[0] else size for size in sizes]
    assert list(zip(found.tokens.tolist(), found.tiles.tolist(), strict=True)) == expected
    assert found.failures == {7: "there is nothing", 149: "there is nothing"}
    assert told == [("my set/1", 64, 150), ("my set/1", 128, 150), ("my set/1", 150, 150)]


def test_what_was_measured_is_read_back(tmp_path: Path) -> None:
    sizes, builder = [(0, 0), *some_sizes(20)], NumberBuilder()
    first = measured(source_in(tmp_path, sizes), builder, folder=tmp_path / "cache")
    before = builder.measured
    again = measured(Numbers(source_in_spec(tmp_path), sizes), builder, folder=tmp_path / "cache")
    assert builder.measured == before
    assert again.tokens.tolist() == first.tokens.tolist()
    assert again.failures == first.failures == {0: "there is nothing"}
    assert len(list((tmp_path / "cache").iterdir())) == 1


def source_in_spec(folder: Path) -> DatasetSpec:
    return DatasetSpec(name="my set/1", annotation=folder / "set.jsonl", root=folder)


@pytest.mark.parametrize("change", ["file", "builder", "limit", "torn"])
def test_a_change_is_measured_again(tmp_path: Path, change: str) -> None:
    sizes, builder = some_sizes(10), NumberBuilder()
    source = source_in(tmp_path, sizes)
    measured(source, builder, folder=tmp_path / "cache")
    spec = source.spec
    if change == "file":
        sizes = some_sizes(10, seed=1)
        spec.annotation.write_text("something else")
    elif change == "builder":
        builder = NumberBuilder(preference=True)
    elif change == "limit":
        spec = DatasetSpec(name=spec.name, annotation=spec.annotation, root=spec.root, max_tiles=3)
    else:
        (kept,) = (tmp_path / "cache").iterdir()
        kept.write_bytes(kept.read_bytes()[:100])
    before = builder.measured
    found = measured(Numbers(spec, sizes), builder, folder=tmp_path / "cache")
    assert builder.measured == before + 10
    assert found.tiles.tolist() == [size[1] for size in sizes]


def test_a_failed_write_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: object, **columns: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("internvl.data.lengths.numpy.savez", full)
    with pytest.raises(OSError, match="No space"):
        measured(source_in(tmp_path, some_sizes(5)), NumberBuilder(), folder=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_folder_that_can_not_be_written_to_is_told_before_measuring(tmp_path: Path) -> None:
    builder = NumberBuilder()
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(ConfigError, match="INTERNVL_CACHE"):
        measured(source_in(tmp_path, some_sizes(5)), builder, folder=tmp_path / "cache")
    assert not builder.measured


class Anonymous:
    """A builder that does not say what its measures depend on."""

    def __init__(self, builder: NumberBuilder) -> None:
        self.build, self.measure = builder.build, builder.measure


def test_nothing_is_kept_where_a_change_could_not_be_told(tmp_path: Path) -> None:
    builder, sizes = NumberBuilder(), some_sizes(5)
    without_file = Numbers(DatasetSpec(name="a", annotation=tmp_path / "none.jsonl", root=tmp_path), sizes)
    for source, measurer in ((without_file, builder), (source_in(tmp_path, sizes), Anonymous(builder))):
        for times in (1, 2):
            before = builder.measured
            assert measured(source, measurer, folder=tmp_path / "cache").tokens.tolist() == [size[0] for size in sizes]
            assert builder.measured == before + 5, times
    assert not (tmp_path / "cache").exists()


def test_the_cache_s_place_is_the_user_s_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERNVL_CACHE", "/somewhere")
    assert cache_folder() == Path("/somewhere/lengths")
    monkeypatch.delenv("INTERNVL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert cache_folder() == Path("/cache/internvl/lengths")


def test_measuring_leaves_the_global_random_state_alone(tmp_path: Path) -> None:
    before = torch.get_rng_state()
    measured(source_in(tmp_path, some_sizes(5)), NumberBuilder(), folder=tmp_path / "cache")
    assert torch.equal(before, torch.get_rng_state())
