"""The trial of the data engine: faults are what they say, the truth fits the files, and measures are right on cases done by hand."""

from __future__ import annotations

import io
import json
import random
import struct
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks.data_engine import picture_faults, rows, written
from benchmarks.data_engine.caption_faults import CAPTION_FAULTS
from benchmarks.data_engine.distinct import distinct
from benchmarks.data_engine.drawn import Drawn, encoded
from benchmarks.data_engine.labelled import Labelled, caption
from benchmarks.data_engine.measures import average_precision, rightness
from benchmarks.data_engine.same import differences, digests
from benchmarks.data_engine.truth import Truth
from PIL import Image

from internvl.errors import MediaError
from internvl.media.image import open_image


def _noise(seed: int, size: tuple[int, int] = (96, 80)) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(values).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture
def content() -> bytes:
    return encoded(_noise(1), "PNG")


def _pixels(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content)) as picture:
        return picture.convert("RGB").tobytes()


def test_a_file_of_other_bytes_has_the_same_pixels(content: bytes) -> None:
    kinds = set()
    for seed in range(8):
        planted = picture_faults.re_encoded(random.Random(seed), content)
        kinds.add(planted.ending)
        assert planted.content != content
        assert _pixels(planted.content) == _pixels(content)
    assert kinds == {".png", ".webp"}


def test_a_near_copy_is_no_exact_one(content: bytes) -> None:
    changes = {picture_faults.nearly(random.Random(seed), content).detail["change"] for seed in range(30)}
    assert changes == {"jpeg", "resized", "cropped", "coloured"}
    assert all(_pixels(picture_faults.nearly(random.Random(seed), content).content) != _pixels(content) for seed in range(10))


def test_broken_files_can_not_be_opened(content: bytes) -> None:
    for seed in range(12):
        with pytest.raises(MediaError):
            open_image(picture_faults.truncated(random.Random(seed), content).content)
    assert picture_faults.empty(random.Random(0), content).content == b""


def test_the_bomb_is_small_and_refused_by_its_header(content: bytes) -> None:
    planted = picture_faults.bomb(random.Random(0), content)
    assert len(planted.content) < 100_000
    assert struct.unpack(">II", planted.content[16:24]) == (20_000, 10_000)
    with pytest.raises(MediaError, match="pixel"):
        open_image(planted.content)


def test_sizes_and_shapes(content: bytes) -> None:
    with Image.open(io.BytesIO(picture_faults.tiny(random.Random(2), content).content)) as picture:
        assert max(picture.size) <= 96
    with Image.open(io.BytesIO(picture_faults.stretched(random.Random(2), content).content)) as picture:
        assert max(picture.size) / min(picture.size) > 5.5


@pytest.mark.parametrize("fault", sorted(CAPTION_FAULTS))
def test_a_bad_caption_is_another_one(fault: str) -> None:
    made = {CAPTION_FAULTS[fault](random.Random(seed), "a red apple on a table", ["a green pear", "three boats"]) for seed in range(40)}
    assert "a red apple on a table" not in made
    assert len(made) > 5


def test_precision_and_recall_leave_out_other_faults() -> None:
    counted = rightness(flagged=["bad1", "right1", "other"], planted=["bad1", "bad2"], clean=["right1", "right2", "right3", "right4"])
    assert (counted.precision, counted.recall, counted.false_positive_rate, counted.flagged_other) == (0.5, 0.5, 0.25, 1)
    nothing = rightness((), (), ())
    assert (nothing.precision, nothing.recall, nothing.false_positive_rate) == (None, None, None)


def test_average_precision_by_hand() -> None:
    scores = {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6}
    # Planted ones on places 1 and 3: (1/1 + 2/3) / 2.
    assert average_precision(scores, ["a", "c"], ["b", "d"], high_is_bad=True) == pytest.approx(5 / 6)
    assert average_precision(scores, ["d", "b"], ["a", "c"], high_is_bad=False) == pytest.approx(5 / 6)
    # Equal scores are one step: no order among them may help.
    assert average_precision(dict.fromkeys("abcd", 0.5), ["a"], ["b", "c", "d"], high_is_bad=True) == pytest.approx(0.25)
    assert average_precision(scores, [], ["b"], high_is_bad=True) is None


def test_pictures_that_look_alike_are_one(tmp_path: Path) -> None:
    def drawn(key: str, values: np.ndarray) -> Drawn:
        return Drawn(key, tmp_path / key, key, values.astype(np.uint8))

    first = np.arange(768) % 251
    alike, other = np.clip(first + 5, 0, 255), 250 - first
    assert [each.key for each in distinct([drawn("a", first), drawn("b", alike), drawn("c", other)])] == ["a", "c"]
    same = replace(drawn("d", other), digest="a")
    assert [each.key for each in distinct([drawn("a", first), same])] == ["a"]


def test_keywords_stand_behind_a_name() -> None:
    each = Labelled("k", "s", "", {"en": "red apple", "zh": "红苹果"}, {"en": ("fruit", "food", "apple"), "zh": ("水果",)})
    made = {caption(random.Random(seed), each, "en") for seed in range(20)}
    assert made == {"red apple: fruit, food", "red apple: food, fruit"}
    assert caption(random.Random(0), each, "zh") == "红苹果：水果"


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> rows.Trial:
    """200 rows of made pictures; marks need fonts, so they are left out."""
    monkeypatch.setitem(rows.DONE_TO_THE_FILE, "watermark", picture_faults.tiny)
    sources = ("openclipart", "twemoji", "stamps")
    pictures, labelled = [], {}
    for number in range(220):
        key = f"{sources[number % 3]}/{number}"
        file = tmp_path / f"{number}.png"
        file.write_bytes(encoded(_noise(number, (40, 40)), "PNG"))
        pictures.append(Drawn(key, file, key, np.zeros(768, np.uint8)))
        names = {"en": f"thing{number} kind{number}", "zh": f"东西{number}", "de": f"Ding{number} Art{number}"}
        labelled[key] = Labelled(key, sources[number % 3], file, names if number % 3 else {"en": names["en"]})
    return rows.plan(labelled, pictures, 200, seed=1)


def test_every_fault_is_planted_and_most_rows_are_right(trial: rows.Trial) -> None:
    counted = Counter(row.fault for row in trial.rows)
    assert len(trial.rows) == 200
    assert set(counted) == {None, *rows.SHARES}
    assert counted[None] > 80
    by_key = {row.key: row for row in trial.rows}
    for row in trial.rows:
        if row.fault in rows.COPIES:
            assert by_key[row.partner or ""].fault is None
        if row.fault == "wrong_caption":
            assert row.caption != row.original_caption
        if row.fault == "mislabelled_language":
            assert row.language != row.caption_language


def test_the_truth_fits_the_files(trial: rows.Trial, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from internvl.pipelines.reading.slices import ReadOptions
    from internvl.pipelines.source import Reader, find_inputs

    counts = written.write(trial, tmp_path / "out")
    assert sum(counts.values()) == 200
    truth, options = Truth(tmp_path / "out"), ReadOptions()
    reader, found = Reader(options), Counter[str]()
    for file in find_inputs(written.inputs(tmp_path / "out"), options):
        for part in reader.cut(file, 16):
            for row in reader.rows(file, part):
                key = truth.key_at(row.origin.file, row.origin.row)
                found[key] += 1
                assert row.drop is not None or row.text.strip() == truth.rows[key].caption.strip()
    assert set(found) == set(truth.rows)
    assert set(found.values()) == {1}
    told = (tmp_path / "out" / "data").rglob("*")
    assert not any("fault" in file.name or "truth" in file.name for file in told)
    with pytest.raises(FileExistsError):
        written.write(trial, tmp_path / "out")


def test_runs_are_the_same_whatever_time_they_took(tmp_path: Path) -> None:
    for name, seconds, count in (("one", 1.0, 5), ("two", 2.0, 5), ("three", 1.0, 6)):
        (tmp_path / name / "units").mkdir(parents=True)
        (tmp_path / name / "report.json").write_text(
            json.dumps({"seconds": seconds, "rows": count, "out": str(tmp_path / name)}), "utf-8"
        )
        (tmp_path / name / "units" / "000000.time.json").write_text(str(seconds), "utf-8")
    one, two, three = (digests(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two
    assert differences(one, three) == ["report.json"]
