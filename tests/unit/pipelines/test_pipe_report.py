"""The report of a mixture: shares, languages, lengths and copies that were planted are told, on a page that is safe to open."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import PIL.Image
import pytest
from typer.testing import CliRunner

from internvl.cli.main import app
from internvl.data.config import DataConfig
from internvl.data.manifest import DatasetSpec, load_manifest
from internvl.data.record import Record
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.mix.table import load_table
from internvl.pipelines.report.charts import bars, columns, pairs, percent
from internvl.pipelines.report.duplicates import Copies, find_copies
from internvl.pipelines.report.page import PageOptions, write_page
from internvl.pipelines.report.statistics import Statistics, statistics_of
from internvl.pipelines.report.survey import ALL, Surveyed, survey
from internvl.pipelines.report.tasks import UNNAMED, asked_shares, tasks_of

TABLE = """
title = "Wanted"
[captioning]
ratio = 75
datasets = [{ name = "captions", languages = ["en"] }]
[ocr]
ratio = 25
datasets = [{ name = "textocr", languages = ["en"] }]
"""
ATTACK = "<script>alert(1)</script>"


@dataclass(frozen=True)
class Size:
    tokens: int
    tiles: int


class Words:
    """A token a letter, a tile a picture."""

    def measure(self, record: Record, spec: DatasetSpec) -> Size:
        return Size(sum(len(each.text) for each in record.utterances) + 16 * len(record.images), len(record.images))


@pytest.fixture(scope="module")
def meta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Captions with a bad row and three copies, Chinese talk with a copy of a caption's picture, text alone that is used twice."""
    tmp_path = tmp_path_factory.mktemp("mixture")
    captions = [spoken(f"A dog of the number {row} runs over green grass and barks.", picture(tmp_path, row)) for row in range(10)]
    captions[4] = captions[3]  # the whole record
    captions[5]["image"] = captions[0]["image"]  # the picture
    captions[7]["image"] = "absent.png"
    talk = [spoken("一只狗在绿色的草地上跑来跑去。", picture(tmp_path, 20 + row)) for row in range(4)]
    talk[0]["image"] = captions[1]["image"]  # across data sets
    texts = [spoken(f"{ATTACK} Take step {row} and then the one that comes after it.") for row in range(5)]
    for name, records in (("captions", captions), ("talk", talk), ("texts", texts)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records), "utf-8")
    path = tmp_path / "meta.json"
    entries: dict[str, Any] = {
        "captions": {"annotation": "captions.jsonl", "task": "captioning"},
        "talk": {"annotation": "talk.jsonl", "task": "general_qa"},
        "texts": {"annotation": "texts.jsonl", "repeat_time": 2},
    }
    path.write_text(json.dumps(entries), "utf-8")
    return path


@pytest.fixture(scope="module")
def surveyed(meta: Path) -> tuple[Surveyed, ...]:
    """Every row of it."""
    return looked_at(meta, sample=ALL)


def picture(folder: Path, seed: int) -> str:
    rough = numpy.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=numpy.uint8)
    PIL.Image.fromarray(rough).resize((96, 72)).save(folder / f"{seed}.png")
    return f"{seed}.png"


def spoken(answer: str, image: str | None = None) -> dict[str, Any]:
    turns = [{"from": "human", "value": "Describe it."}, {"from": "gpt", "value": answer}]
    return {**({"image": image} if image else {}), "conversations": turns}


def looked_at(meta: Path, **options: Any) -> tuple[Surveyed, ...]:
    return survey(load_manifest(meta, root=meta.parent), Words(), DataConfig(), **options)


def numbers_of(meta: Path, surveyed: tuple[Surveyed, ...], *, table: str = "") -> Statistics:
    path = meta.with_name("table.toml")
    path.write_text(table, "utf-8")
    mixture, manifest = (load_table(path) if table else None), load_manifest(meta, root=meta.parent)
    return statistics_of(
        surveyed, find_copies(surveyed), tasks=tasks_of(manifest, mixture), asked=asked_shares(mixture), tokens_per_tile=16
    )


def test_shares_languages_and_lengths(meta: Path, surveyed: tuple[Surveyed, ...]) -> None:
    numbers = numbers_of(meta, surveyed, table=TABLE)
    captions, talk, texts = numbers.datasets
    assert [each.share for each in numbers.datasets] == pytest.approx([10 / 24, 4 / 24, 10 / 24])
    assert numbers.tasks == pytest.approx({"captioning": 10 / 24, UNNAMED: 10 / 24, "general_qa": 4 / 24})
    assert numbers.asked == {"captioning": 0.75, "ocr": 0.25}
    assert (captions.looked, captions.bad, texts.rows, texts.records) == (10, 1, 10, 5)
    assert "absent.png" in next(iter(captions.reasons))
    assert numbers.languages == pytest.approx({"en": 20 / 24, "zh": 4 / 24})
    assert sum(numbers.tokens.values()) == pytest.approx(1)
    assert numbers.tiles == pytest.approx({"0": 10 / 24, "1": 14 / 24})
    assert (captions.tiles, captions.visual_tokens) == (1.0, 16.0)
    assert captions.text_tokens == len("<image>\nDescribe it.") + len("A dog of the number 0 runs over green grass and barks.")
    assert sum(each.token_share for each in numbers.datasets) == pytest.approx(1)
    assert talk.kinds == {"image": 4}
    assert numbers.lengths[0][1] == captions.longest
    sides = next(each for each in numbers.qualities if each.column == "short_side")
    assert sides.classes == {"64–128": pytest.approx(1.0)}
    assert set(sides.percentiles) == {0, 1}
    assert numbers.flags["code"][2] == 1.0
    json.dumps(numbers.to_dict())


def test_copies_that_were_planted(surveyed: tuple[Surveyed, ...]) -> None:
    found = {each.kind: each for each in find_copies(surveyed)}
    assert counts(found["the whole record"]) == (18, 1, 0, (1, 0, 0))
    # 3 and 4, 0 and 5, 1 and the first of the talk.
    assert counts(found["the picture"]) == (13, 3, 1, (2, 1, 0))
    assert counts(found["the picture, nearly"]) == (13, 3, 1, (2, 1, 0))
    assert counts(found["the answer"]) == (18, 4, 0, (1, 3, 0))
    assert found["the answer, nearly"].copies >= 4
    assert found["the picture"].pairs == ((0, 1, 1),)


def counts(copies: Copies) -> tuple[int, int, int, tuple[int, ...]]:
    return copies.of, copies.copies, copies.across, copies.by_dataset


def test_a_sample_is_the_same_every_time_and_part_of_a_larger_one(meta: Path, surveyed: tuple[Surveyed, ...]) -> None:
    told: list[tuple[int, int]] = []
    samples = [looked_at(meta, sample=size, progress=lambda *done: told.append(done)) for size in (3, 3, 6)]
    rows = [{each.finding.row for each in found[0].looked} for found in (*samples, surveyed)]
    assert rows[0] == rows[1]
    assert rows[0] < rows[2] < rows[3] == set(range(10))
    assert (told[0], told[2], told[-1]) == ((3, 9), (9, 9), (15, 15))
    with pytest.raises(PipelineError, match="not -1"):
        looked_at(meta, sample=-1)


def test_the_page_is_whole_and_runs_nothing(meta: Path, surveyed: tuple[Surveyed, ...], tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    size = write_page(page, numbers_of(meta, surveyed, table=TABLE), surveyed, PageOptions(title="Mixture <b>", shown=2, side=48))
    content = page.read_text("utf-8")
    assert size == page.stat().st_size
    assert "<script" not in content
    assert "&lt;script&gt;alert(1)" in content
    assert "Mixture &lt;b&gt;" in content
    assert not re.search(r"""(?:src|href)="(?!data:image/jpeg;base64,|#)""", content)
    assert content.count("data:image/jpeg") == 4
    assert "default-src &#x27;none&#x27;" in content
    assert "prefers-color-scheme: dark" in content
    for words in ("captioning", "absent.png", "75.0 %", "一只狗", 'id="d2"'):
        assert words in content


def test_a_data_set_without_a_good_row_is_still_told(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"conversations": []}\n{broken\n', "utf-8")
    surveyed = looked_at(path)
    numbers = numbers_of(path, surveyed)
    assert (numbers.datasets[0].bad, numbers.languages, numbers.qualities) == (2, {}, ())
    assert write_page(tmp_path / "r.html", numbers, surveyed, PageOptions(title="t")) > 1000


def test_tasks_come_from_the_manifest_then_from_the_table(meta: Path) -> None:
    manifest = load_manifest(meta, root=meta.parent)
    path = meta.with_name("table.toml")
    path.write_text(TABLE.replace('"captions"', '"texts"'), "utf-8")
    assert tasks_of(manifest, load_table(path)) == {"captions": "captioning", "talk": "general_qa", "texts": "captioning"}
    assert tasks_of(load_manifest(meta.with_name("texts.jsonl"))) == {"texts": UNNAMED}
    entries = json.loads(meta.read_text("utf-8"))
    other = meta.with_name("other.json")
    other.write_text(json.dumps({**entries, "talk": {**entries["talk"], "task": 3}}), "utf-8")
    with pytest.raises(PipelineError, match="'talk': task must be a text, not 3"):
        tasks_of(load_manifest(other, root=meta.parent))


def test_charts_say_what_they_show() -> None:
    assert percent(0.12345) == "12.3 %"
    assert percent(0.0001) == "< 0.1 %"
    drawn = bars("Shares", [("a < b", 0.75), ("c", 0.0)])
    assert 'aria-label="Shares: a &lt; b 75.0 %; c 0.0 %"' in drawn
    assert "asked none, there 50.0 %" in pairs("Tasks", [("x", None, 0.5)], names=("asked", "there"))
    assert columns("Nothing", {}, unit="tokens").startswith("<p")
    assert columns("Lengths", {"1-2": 0.5, "3+": 0.5}, unit="tokens").count("<rect") == 2


def test_the_verb(meta: Path) -> None:
    table = meta.with_name("table.toml")
    table.write_text(TABLE, "utf-8")
    out = meta.with_name("made.html")
    call = ["data", "report", meta, "--root", meta.parent, "--out", out, "--table", table, "--sample", 4, "--quiet"]
    result = CliRunner().invoke(app, [str(word) for word in (*call, "--json")])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [each["looked"] for each in told["datasets"]] == [4, 4, 4]
    assert out.stat().st_size > 5000
    plain = CliRunner().invoke(app, [str(word) for word in call])
    assert "captioning" in plain.stdout
    assert "the picture, nearly" in plain.stdout
    missing = CliRunner().invoke(app, ["data", "report", str(meta), "--root", str(meta.parent), "--table", "nothing_like_it"])
    assert missing.exit_code == 1
