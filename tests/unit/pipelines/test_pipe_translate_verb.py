"""`internvl data translate` from files to files: both languages side by side, going on after a stop, and what is told on the way."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import PIL.Image
import pyarrow.parquet
import pytest
from translation_service import TranslationService, in_chinese, says
from typer.testing import CliRunner, Result

from internvl.cli.main import app
from internvl.data.record import Origin
from internvl.data.record_fields import read_record
from internvl.pipelines.translate.output import Pair

KEY = "sk-very-secret"
TALK: dict[str, Any] = {
    "id": 7,
    "image": "a.png",
    "conversations": [
        {"from": "human", "value": "<image>\nWhere is <ref>the dog</ref>?"},
        {"from": "gpt", "value": "<ref>the dog</ref><box>[[1, 2, 300, 400]]</box>"},
    ],
}


@pytest.fixture
def service() -> Iterator[TranslationService]:
    served = TranslationService()
    yield served
    served.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "captions.jsonl", [{"caption": f"A dog of {age} years runs.", "url": f"u{age}"} for age in range(6)])
    write(tmp_path / "talk.jsonl", [TALK, {"id": "b", "conversations": []}])
    return tmp_path


def write(path: Path, records: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def translate(service: TranslationService, folder: Path, *words: object) -> Result:
    inputs = [folder / "captions.jsonl", folder / "talk.jsonl"]
    call = ["data", "translate", *inputs, "--to", "zh", "--base-url", service.url, "--model", "m", "--out", folder / "zh", "--quiet"]
    return CliRunner().invoke(app, [str(word) for word in (*call, *words)])


def test_both_languages_stay_side_by_side(service: TranslationService, folder: Path) -> None:
    result = translate(service, folder, "--records", "both", "--json", "--prompt-price", 1, "--answer-price", 10)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["records"], told["translated"], told["requests"]) == (8, 7, 8)
    assert told["cost"] == pytest.approx(8 * (100 + 100) / 1e6)
    assert told == lines(folder / "zh" / "report.json")[0]
    pairs = lines(folder / "zh" / "pairs.jsonl")
    assert [pair["id"] for pair in pairs] == [*(f"captions.jsonl:{row}" for row in range(1, 7)), 7]
    assert pairs[3]["source"] == "A dog of 3 years runs."
    assert pairs[3]["translation"] == in_chinese("A dog of 3 years runs.")
    assert pairs[6]["source"] == TALK
    records = lines(folder / "zh" / "records.jsonl")
    assert [(record["id"], record["language"]) for record in records[-2:]] == [(7, "en"), (7, "zh")]
    assert records[-1]["conversations"][1]["value"] == "<ref>好 好</ref><box>[[1, 2, 300, 400]]</box>"
    for row, record in enumerate(records):
        read_record(record, Origin("d", "d", row))
    [bad] = lines(folder / "zh" / "ledger.jsonl")
    assert (bad["file"], bad["row"]) == (str(folder / "talk.jsonl"), 2)


def test_a_stop_at_the_budget_and_the_way_on(service: TranslationService, folder: Path) -> None:
    stopped = translate(service, folder, "--max-requests", 3, "--in-flight", 2)
    assert (stopped.exit_code, len(service.bodies)) == (1, 3)
    assert "limit of 3 requests" in stopped.stderr
    assert "3 answers so far" in stopped.stderr
    assert not (folder / "zh" / "pairs.jsonl").exists()
    assert translate(service, folder).exit_code == 0
    assert len(service.bodies) == 8
    assert sorted(service.texts) == sorted(set(service.texts))
    assert translate(service, folder).exit_code == 0
    assert len(service.bodies) == 8


def test_an_estimate_asks_nothing(service: TranslationService, folder: Path) -> None:
    result = translate(service, folder, "--estimate", "--json", "--prompt-price", 1, "--answer-price", 10)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    # Six captions, a question, and two words of an answer; the second record of the talk is none.
    assert (told["records"], told["texts"], told["requests"]) == (8, 8, 8)
    sent = [*(["A dog of 0 years runs."] * 6), "Where is <ref>the dog</ref>?", TALK["conversations"][1]["value"]]
    assert told["characters"] == sum(map(len, sent))
    assert 8 * 150 < told["prompt_tokens"] < 8 * 350
    assert told["cost"] == pytest.approx((told["prompt_tokens"] + 10 * told["new_tokens"]) / 1e6, rel=1e-3)
    assert "about" in translate(service, folder, "--estimate").stdout
    assert not service.bodies
    assert not (folder / "zh").exists()


def test_refusals_are_told_by_kind(service: TranslationService, folder: Path) -> None:
    service.translate = lambda text, times: says("I'm sorry, but I can't help with that." if "of 3 years" in text else in_chinese(text))
    result = translate(service, folder, "--set", "attempts=2")
    assert result.exit_code == 0
    assert "refusal" in result.stdout
    [refused, _] = lines(folder / "zh" / "ledger.jsonl")
    assert refused["row"] == 4
    assert refused["reason"].startswith("refusal: \"I'm sorry, but I can't help")


def test_the_key_is_in_no_file(service: TranslationService, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_TRANSLATION_KEY", KEY)
    assert translate(service, folder, "--api-key-env", "TEST_TRANSLATION_KEY").exit_code == 0
    assert set(service.keys) == {f"Bearer {KEY}"}
    files = [path for path in (folder / "zh").rglob("*") if path.is_file()]
    assert len(files) > 5
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    service.translate = lambda text, times: (401, {}, f"unknown key {KEY}")
    refused = translate(service, folder, "--api-key-env", "TEST_TRANSLATION_KEY", "--restart", "--set", "temperature=1")
    assert refused.exit_code == 1
    assert KEY not in refused.output


@pytest.mark.parametrize(
    ("words", "code", "match"),
    [
        (["--to", "chinees"], 1, "did you mean Chinese"),
        (["--api-key-env", "NOT_SET_ANYWHERE"], 1, "NOT_SET_ANYWHERE is empty"),
        (["--base-url", "localhost:80"], 1, "begins with http"),
        (["--records", "all"], 2, "'all' is not one of"),
        (["--set", "tempo=1"], 2, "knows no 'tempo'"),
        (["--max-cost", "1"], 1, "needs the prices"),
    ],
)
def test_what_can_not_be_asked(service: TranslationService, folder: Path, words: list[str], code: int, match: str) -> None:
    result = translate(service, folder, *words)
    assert result.exit_code == code
    assert match in " ".join(result.stderr.split())
    assert not service.bodies


def test_pictures_in_shards_stay_with_their_captions(service: TranslationService, tmp_path: Path) -> None:
    content = io.BytesIO()
    PIL.Image.new("RGB", (8, 8), "red").save(content, "PNG")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name, data in (("0.png", content.getvalue()), ("0.txt", b"A red square on a wall.")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    call = ["data", "translate", tmp_path / "a.tar", "--to", "zh", "--base-url", service.url, "--model", "m", "--out", tmp_path / "zh"]
    refused = CliRunner().invoke(app, [str(word) for word in (*call, "--quiet", "--records", "both")])
    assert refused.exit_code == 1
    assert "write shards" in " ".join(refused.stderr.split())
    assert CliRunner().invoke(app, [str(word) for word in (*call, "--quiet", "--shards", "parquet")]).exit_code == 0
    [row] = pyarrow.parquet.read_table(next((tmp_path / "zh" / "shards").glob("*.parquet"))).to_pylist()
    assert json.loads(row["translation"]) == in_chinese("A red square on a wall.")
    assert content.getvalue() in (row["image"], row["image"].get("bytes") if isinstance(row["image"], dict) else None)


def test_another_prompt_is_another_run(service: TranslationService, folder: Path) -> None:
    assert translate(service, folder).exit_code == 0
    prompt = folder / "prompt.txt"
    prompt.write_text("Text for translation: {text}", "utf-8")
    other = translate(service, folder, "--prompt", prompt)
    assert other.exit_code == 1
    assert "another run" in other.stderr


def test_a_caption_becomes_a_record_with_its_picture() -> None:
    fields = {"image": "a.png", "caption": "A dog."}
    pair = Pair(id="c:1", file="c.jsonl", fields=fields, source="A dog.", translation="一只狗。", attempts=1)
    record = pair.record("translation", "zh")
    assert record["image"] == "a.png"
    assert [turn["value"] for turn in record["conversations"]] == ["<image>", "一只狗。"]
    assert read_record(record, Origin("d", "d", 1)).utterances[1].text == "一只狗。"
