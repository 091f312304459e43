"""Every converter on a tiny file in the published form: the records that come out, what is refused, and that training reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from published_form import Published, below, write
from published_samples import SAMPLES

from internvl.data.manifest import DatasetSpec, load_manifest
from internvl.data.record import Record
from internvl.data.sources import open_source
from internvl.pipelines.convert import CONVERTERS, ConvertReport, Pictures, Settings, convert


def run(name: str, published: Published, folder: Path, **options: Any) -> tuple[ConvertReport, list[Record]]:
    """Write the sample's files, convert it, and read the result as training does."""
    write(published, folder)
    given = [below(folder, text) for text in published.annotations]
    root = folder / "pictures"
    pictures = Pictures(root if published.pictures else None)
    converter = CONVERTERS[name]
    inputs = converter.inputs(given, pictures, Settings(**published.settings))
    report = convert(converter, inputs, out=folder / "out" / f"{name}.jsonl", **options)
    source = open_source(DatasetSpec(name=name, annotation=folder / "out" / f"{name}.jsonl", root=root))
    return report, [source.record(index) for index in range(len(source))]


def test_every_converter_has_a_sample_in_the_published_form() -> None:
    assert sorted(SAMPLES) == sorted(CONVERTERS)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_published_file_becomes_records_that_training_reads(name: str, tmp_path: Path) -> None:
    published = SAMPLES[name]
    report, records = run(name, published, tmp_path)
    got = []
    for record in records:
        turns = [each for each in record.utterances if each.role != "system"]
        for question, answer in zip(turns[::2], turns[1::2], strict=True):
            image = str(record.images[0].relative_to(tmp_path / "pictures")) if record.images else None  # type: ignore[union-attr]
            first = question is turns[0]
            got.append((image if first else "", question.text.removeprefix("<image>\n").strip(), answer.text.strip()))
    assert got == [(image, question.strip(), answer.strip()) for image, question, answer in published.expected]
    assert dict(report.refused) == published.refused
    assert report.records == len(records)
    assert report.answers == len(published.expected)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_same_file_gives_the_same_bytes_and_the_ledger_names_each_refusal(name: str, tmp_path: Path) -> None:
    run(name, SAMPLES[name], tmp_path)
    first = (tmp_path / "out" / f"{name}.jsonl").read_bytes()
    run(name, SAMPLES[name], tmp_path)
    assert (tmp_path / "out" / f"{name}.jsonl").read_bytes() == first
    ledger = tmp_path / "out" / f"{name}.ledger.jsonl"
    entries = [json.loads(line) for line in ledger.read_text("utf-8").splitlines()] if ledger.exists() else []
    assert len(entries) == sum(SAMPLES[name].refused.values())
    assert all(entry["dataset"] == name and entry["row"] >= 1 and Path(entry["file"]).is_file() for entry in entries)
    assert load_manifest(tmp_path / "out" / f"{name}.meta.json").datasets[0].name == name


def test_every_converter_says_what_it_reads() -> None:
    for converter in CONVERTERS.values():
        assert converter.about
        assert "Reads" in converter.about or "Four forms" in converter.about, converter.name
        assert len({*converter.languages} - {"en", "zh"}) == 0


def test_the_page_lists_every_converter_with_what_it_was_checked_against() -> None:
    page = (Path(__file__).parents[3] / "docs/converting.md").read_text("utf-8")
    listed = {cells[1].strip(" `"): cells[-1].strip() for line in page.splitlines() if len(cells := line.strip("|").split(" | ")) == 6}
    assert {name: converter.checked for name, converter in CONVERTERS.items()} == {
        name: checked.strip(" |") for name, checked in listed.items() if name in CONVERTERS
    }
    assert f"{len(CONVERTERS)} published data sets" in page
