"""Shards: readable by the package, the same from any number of processes, whole after a kill, honest about what is missing."""

from __future__ import annotations

import contextlib
import io
import json
import random
import tarfile
from pathlib import Path

import PIL.Image
import pytest
from make_fakes import FAKES, Clip, Flat, Noise, Words
from recipes.nano.data import make as making
from recipes.nano.data.contact_sheet import contact_sheet
from recipes.nano.data.make import FamilyFailure, Plan, iterate, make, sample_at, usable
from recipes.nano.data.mix import MIXES, checked, load_mix
from recipes.nano.data.progress import PlainLines
from recipes.nano.data.registry import FAMILIES, load_family
from recipes.nano.data.sample import MissingMaterial
from recipes.nano.data.shards import encode_picture, read_ledger, record_of

from internvl.checkpoint.checkpoint import read_config
from internvl.checkpoint.fields import read_json
from internvl.data.builder import ExampleBuilder
from internvl.data.config import DataConfig
from internvl.data.manifest import load_manifest
from internvl.data.sources import Source, open_source
from internvl.processor import Processor
from internvl.prompt.tokenizer import load_tokenizer

FIXTURE = Path(__file__).parents[2] / "parity" / "fixtures" / "internvl2-qwen2"
MIX = {"clip": 1.0, "flat": 3.0, "noise": 1.0, "words": 1.0}


def plan(mix: dict[str, float] | None = None, *, seed: int = 0) -> Plan:
    return Plan.of(checked(mix or MIX, "test", FAKES), seed=seed, split="train", table=FAKES)


def shards(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.tar"))}


def source_of(folder: Path) -> Source:
    return open_source(load_manifest(folder / "meta.json", root=folder).datasets[0])


def test_the_reader_and_the_builder_of_the_package_take_every_record(tmp_path: Path) -> None:
    make(plan(), tmp_path, 30, workers=1, shard_mb=0.05, quiet=True)
    config = read_config(read_json(FIXTURE / "config.json"), "config.json")
    builder = ExampleBuilder(Processor.of(config, load_tokenizer(FIXTURE)), DataConfig())
    source = source_of(tmp_path)
    assert len(source) == 30
    kinds = set()
    for index in range(30):
        record, sample = source.record(index), sample_at(plan(), index)
        assert record.id == plan().key(index)
        assert [each.text for each in record.utterances][1::2] == [turn.answer for turn in sample.turns]
        assert record.utterances[0].text.endswith(sample.turns[0].question)
        assert len(record.images) == len(sample.images)
        example = builder.build(record, source.spec, seed=0)
        assert (example.labels != -100).any()
        assert (example.pixels is None) == (not sample.images)
        kinds.add(sample.family)
    assert kinds == set(MIX)


def test_any_number_of_processes_writes_the_same_shards(tmp_path: Path) -> None:
    make(plan(), tmp_path / "one", 24, workers=1, shard_mb=0.03, quiet=True)
    make(plan(), tmp_path / "two", 24, workers=2, shard_mb=0.03, quiet=True)
    one, two = shards(tmp_path / "one"), shards(tmp_path / "two")
    assert len(one) > 2
    assert one == two
    assert read_ledger(tmp_path / "one") == read_ledger(tmp_path / "two")


def test_a_sample_depends_on_its_number_and_seed_alone() -> None:
    alone = sample_at(plan(), 7)
    sample_at(plan(), 3)
    assert record_of(sample_at(plan(), 7), "a") == record_of(alone, "a")
    assert [sample_at(plan(seed=1), index).turns for index in range(9)] != [sample_at(plan(), index).turns for index in range(9)]


def test_a_killed_run_goes_on_behind_its_last_whole_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    make(plan(), whole, 24, workers=1, shard_mb=0.03, quiet=True)
    drawn: list[int] = []
    original = making.encoded_at

    def dies(plan: Plan, index: int) -> object:
        if index == 17 and 17 not in drawn:
            drawn.append(17)
            raise KeyboardInterrupt
        drawn.append(index)
        return original(plan, index)

    monkeypatch.setattr(making, "encoded_at", dies)
    with pytest.raises(KeyboardInterrupt):
        make(plan(), killed, 24, workers=1, shard_mb=0.03, quiet=True)
    before, first = shards(killed), read_ledger(killed)[-1]["stop"]
    assert before
    assert 0 < first <= 17
    # What a kill in the middle of writing leaves behind.
    (killed / "train-000099.tar.tmp").write_bytes(b"half")
    with (killed / "shards.jsonl").open("a") as file:
        file.write('{"shard": "train-0000')
    drawn[:] = [17]
    make(plan(), killed, 24, workers=1, shard_mb=0.03, quiet=True)
    assert drawn[1:] == list(range(first, 24))
    assert shards(killed) == shards(whole)
    make(plan(), killed, 24, workers=1, shard_mb=0.03, quiet=True)
    assert drawn[1:] == list(range(first, 24)), "a finished run draws nothing"


def test_a_folder_of_another_plan_is_not_continued(tmp_path: Path) -> None:
    make(plan(), tmp_path, 4, workers=1, quiet=True)
    with pytest.raises(ValueError, match="seed 0 there, 1 now"):
        make(plan(seed=1), tmp_path, 4, workers=1, quiet=True)
    with pytest.raises(ValueError, match="count 4 there, 5 now"):
        make(plan(), tmp_path, 5, workers=1, quiet=True)


def test_a_lost_shard_is_an_error(tmp_path: Path) -> None:
    make(plan(), tmp_path, 4, workers=1, quiet=True)
    next(tmp_path.glob("*.tar")).unlink()
    with pytest.raises(FileNotFoundError, match="is gone"):
        make(plan(), tmp_path, 4, workers=1, quiet=True)


def test_families_without_materials_are_left_out_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "needs_a_library.py").write_text("import a_library_that_is_absent\n")
    monkeypatch.syspath_prepend(tmp_path)
    table = {**FAKES, "no_library": "needs_a_library:Nothing"}
    mix, left_out = usable({"flat": 1.0, "late": 1.0, "no_library": 1.0, "poor": 2.0}, "train", table)
    assert mix == {"flat": 1.0}
    assert left_out["poor"] == "no brush: buy one"
    assert "a_library_that_is_absent" in left_out["no_library"]
    assert "another_absent_library" in left_out["late"]


def test_a_slip_in_the_table_is_not_taken_for_a_missing_material() -> None:
    with pytest.raises(ModuleNotFoundError):
        load_family("slip", {"slip": "recipes.nano.data.families.recepits:Receipts"})


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_names_the_family_and_the_seed_that_draws_it_again(tmp_path: Path, workers: int) -> None:
    with pytest.raises(FamilyFailure) as caught:
        make(plan({"broken": 1.0}), tmp_path, 20, workers=workers, quiet=True)
    text = str(caught.value)
    assert "ZeroDivisionError: a slip" in text
    seed = text.partition('random.Random("')[2].partition('"')[0]
    with pytest.raises(ZeroDivisionError):
        load_family("broken", FAKES).sample(random.Random(seed), "train")


def test_with_keep_going_failures_are_listed_and_the_rest_is_written(tmp_path: Path) -> None:
    make(plan({"broken": 1.0}), tmp_path, 20, workers=1, keep_going=True, quiet=True)
    failures = [json.loads(line) for line in (tmp_path / "failures.jsonl").read_text().splitlines()]
    assert failures
    assert len(source_of(tmp_path)) == 20 - len(failures)


def test_streams_split_among_processes_make_up_the_whole() -> None:
    def head(start: int, step: int, count: int) -> list[object]:
        stream = iterate(0, "train", MIX, start=start, step=step, table=FAKES)
        return [next(stream).turns for _ in range(count)]

    whole = head(0, 1, 8)
    assert head(0, 2, 4) == whole[0::2]
    assert head(1, 2, 4) == whole[1::2]


def test_progress_is_told_in_plain_lines_where_no_terminal_is() -> None:
    seconds = iter((0.0, 10.0, 31.0, 40.0, 62.0))
    stream = io.StringIO()
    lines = PlainLines(10, 6, stream, clock=lambda: next(seconds))
    for _ in range(4):
        lines.advance()
    assert stream.getvalue().splitlines() == [
        "8 of 10 samples, 0.1 a second, 1 min left",
        "10 of 10 samples, 0.1 a second, 0 min left",
    ]


def test_pictures_come_back_as_they_were() -> None:
    source = random.Random(0)
    few = PIL.Image.new("RGB", (300, 200), "white")
    for number in range(40):
        few.paste((number, 0, 255 - number), (7 * number, number, 7 * number + 5, number + 30))
    many = PIL.Image.merge("RGB", [PIL.Image.linear_gradient("L")] * 2 + [PIL.Image.radial_gradient("L")])
    for image in (few, many, PIL.Image.new("L", (50, 50), 3)):
        suffix, content = encode_picture(image)
        assert PIL.Image.open(io.BytesIO(content)).format == {"png": "PNG", "webp": "WEBP"}[suffix]
        assert PIL.Image.open(io.BytesIO(content)).convert("RGB").tobytes() == image.convert("RGB").tobytes()
    grain = PIL.Image.frombytes("RGB", (64, 64), source.randbytes(64 * 64 * 3))
    suffix, content = encode_picture(grain)
    assert suffix == "jpg"
    assert len(content) < 64 * 64 * 3 * 0.7, "noise isn't kept bit by bit"


def test_marks_of_one_picture_several_and_a_clip() -> None:
    source = random.Random(0)
    asked = [record_of(family().sample(source, "train"), "k")["conversations"][0]["value"] for family in (Flat, Noise, Clip, Words)]
    assert asked[0].startswith("<image>\nWhere")
    assert asked[1].startswith("Image-1: <image>\nImage-2: <image>\n哪")
    assert asked[2].startswith("Frame-1: <image>\nFrame-2: <image>\nFrame-3: <image>\nWhat")
    assert "<image>" not in asked[3]


def test_shards_hold_no_times_and_no_owners(tmp_path: Path) -> None:
    make(plan(), tmp_path, 4, workers=1, quiet=True)
    with tarfile.open(next(tmp_path.glob("*.tar"))) as shard:
        assert all((member.mtime, member.uid, member.uname) == (0, 0, "") for member in shard)


def test_mixes_name_known_families_and_refuse_others(tmp_path: Path) -> None:
    for name in MIXES:
        assert set(load_mix(name)) <= set(FAMILIES)
    path = tmp_path / "mix.json"
    path.write_text('{"talk": 1, "receipts": 2}')
    assert list(load_mix(str(path)).items()) == [("receipts", 2.0), ("talk", 1.0)]
    for wrong, reason in (('{"tolk": 1}', "tolk"), ('{"talk": 0}', "above 0"), ("{}", "expected"), ("{", "not JSON")):
        path.write_text(wrong)
        with pytest.raises(ValueError, match=reason):
            load_mix(str(path))
    with pytest.raises(ValueError, match="neither a mix"):
        load_mix("aling")


def test_every_family_of_the_table_loads_by_its_own_name() -> None:
    for name in FAMILIES:
        with contextlib.suppress(MissingMaterial):
            assert load_family(name).name == name
    with pytest.raises(KeyError, match="no family 'cats'"):
        load_family("cats")


def test_a_contact_sheet_shows_pictures_clips_and_talk() -> None:
    try:
        sheet = contact_sheet([sample_at(plan(), index) for index in range(6)], columns=3)
    except MissingMaterial as error:
        pytest.skip(str(error))
    assert sheet.width > 3 * 400
    assert len(set(sheet.convert("L").tobytes())) > 20


def test_the_command_line_writes_shards_and_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mix = tmp_path / "mix.json"
    mix.write_text('{"talk": 1}')
    out = tmp_path / "out"
    assert making.main(["--out", str(out), "--count", "5", "--mix", str(mix), "--workers", "1", "--split", "test"]) == 0
    assert len(source_of(out)) == 5
    assert making.main(["--out", str(out), "--count", "6", "--mix", str(mix), "--workers", "1", "--split", "test"]) == 1
    assert "count 5 there, 6 now" in capsys.readouterr().err
    assert making.main(["--out", str(out), "--mix", "nothing"]) == 2
