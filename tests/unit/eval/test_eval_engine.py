"""Our engine as a generator: tiles of the protocol, hashes, and the embedded model on a tiny benchmark, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PillowImage
from PIL import ImageDraw
from typer.testing import CliRunner, Result

from internvl.cli.main import app
from internvl.engine.vlm import VLM
from internvl.errors import MediaError
from internvl.eval.fingerprint import folder_hash
from internvl.eval.generator import Ask
from internvl.eval.generators.engine import EngineGenerator, policy_for, with_frames
from internvl.eval.results import load_result
from internvl.eval.task import Decoding, Protocol
from internvl.media.tiling import TilePolicy
from internvl.messages import Image, Video, user

FIXTURES = Path(__file__).parents[2] / "parity" / "fixtures"
TINY = FIXTURES / "internvl2-qwen2"
SHORT = Decoding(max_new_tokens=3)


@pytest.fixture(scope="module")
def generator() -> EngineGenerator:
    return EngineGenerator(VLM.load(TINY, device="cpu"))


def eval_verb(*words: object) -> Result:
    return CliRunner().invoke(app, ["eval", *(str(word) for word in words)])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """DocVQA in the original's format: three pictures with a word each, one of them damaged."""
    root = tmp_path / "data"
    (root / "docvqa" / "val").mkdir(parents=True)
    annotations, lines = [], []
    for number, word in enumerate(("STOP", "EXIT", "OPEN"), start=1):
        picture = PillowImage.new("RGB", (448, 448), "white")
        ImageDraw.Draw(picture).text((120, 180), word, fill="black", font_size=60)
        picture.save(root / f"{number}.png")
        lines.append({"image": f"{number}.png", "question": "What is written?", "question_id": number, "answer": [word]})
        annotations.append({"questionId": number, "question": "What is written?", "answers": [word], "image": f"{number}.png"})
    (root / "3.png").write_bytes((root / "3.png").read_bytes()[:200])
    (root / "docvqa" / "val.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    (root / "docvqa" / "val" / "val_v1.0.json").write_text(json.dumps({"data": annotations}), "utf-8")
    return root


def test_a_protocol_decides_about_tiles(generator: EngineGenerator) -> None:
    wide = Image(FIXTURES / "image0.png")
    tokens = {}
    for name, tiles, dynamic in (("one", 1, True), ("six", 6, True), ("squashed", 6, False)):
        protocol = Protocol(max_tiles=tiles, decoding=SHORT, dynamic=dynamic)
        [answer] = generator.generate([Ask(messages=(user(wide, "x"),), protocol=protocol)])
        tokens[name] = answer.image_tokens
        assert 1 <= answer.new_tokens <= 3
        assert answer.prompt_tokens > answer.image_tokens > 0
    assert tokens["one"] == tokens["squashed"] < tokens["six"]


def test_answers_come_in_order_whatever_their_protocols(generator: EngineGenerator) -> None:
    asks = [
        Ask(messages=(user(text),), protocol=Protocol(max_tiles=1, decoding=Decoding(max_new_tokens=count)))
        for text, count in (("a", 4), ("b", 2), ("c", 4), ("d", 2))
    ]
    together = generator.generate(asks)
    alone = [generator.generate([each])[0] for each in asks]
    assert [each.text for each in together] == [each.text for each in alone]


def test_the_policy_keeps_what_belongs_to_the_model() -> None:
    trained = TilePolicy(min_tiles=2, max_tiles=12, thumbnail=False, tile_size=224)
    assert policy_for(trained, Protocol(max_tiles=1, decoding=SHORT)) == TilePolicy(max_tiles=1, thumbnail=False, tile_size=224)
    one_tile = TilePolicy(dynamic=False, max_tiles=1)
    assert policy_for(one_tile, Protocol(max_tiles=18, decoding=SHORT)) == one_tile


def test_clips_get_the_protocols_stills() -> None:
    plain, own = Video("a.mp4", start_s=1.0), Video("b.mp4", frames=4)
    [message] = with_frames((user(plain, own, "x"),), 16)
    assert [part.sampling.frames for part in message.media if isinstance(part, Video)] == [16, 4]
    assert isinstance(message.media[0], Video)
    assert message.media[0].sampling.start_s == 1.0


def test_a_picture_that_can_not_be_read_is_a_media_error(generator: EngineGenerator, tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        generator.generate([Ask(messages=(user(Image(tmp_path / "no.png"), "x"),), protocol=Protocol(max_tiles=1, decoding=SHORT))])


def test_a_model_is_known_by_its_weights(generator: EngineGenerator, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in TINY.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    assert folder_hash(copy) == folder_hash(TINY) == generator.describe()["model_hash"]
    weights = copy / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert folder_hash(copy) != folder_hash(TINY)


def test_large_weights_are_told_apart_by_header_and_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("internvl.eval.fingerprint.SMALL_BYTES", 10)
    monkeypatch.setattr("internvl.eval.fingerprint.PROBE_BYTES", 100)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes((2).to_bytes(8, "little") + b"{}" + bytes(100_000))
    first = folder_hash(tmp_path)
    assert first.startswith("headers:")
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert folder_hash(tmp_path) != first


def test_the_embedded_model_reads_a_sign(data: Path, tmp_path: Path) -> None:
    done = eval_verb("docvqa", "--data", data, "--out", tmp_path / "out", "--device", "cpu", "--batch", 2, "--json")
    assert done.exit_code == 0, done.output
    [shown] = json.loads(done.stdout)
    result = load_result(tmp_path / "out" / "docvqa_val_internvl")
    assert (shown["samples"], shown["failed"], shown["tiles"]) == (3, 1, 18)
    assert shown["headline"] == result.headline
    assert result.recipe["generator"]["model_hash"].startswith("sha256:")
    assert result.recipe["generator"]["name"] == "internvl-nano"
    assert result.usage["image_tokens"] > 0
    assert "1 of 3 samples failed" in done.stderr


def test_the_verb_continues_retries_and_replays(data: Path, tmp_path: Path) -> None:
    words: list[Any] = ["docvqa", "--data", data, "--model", TINY, "--device", "cpu", "--quiet"]
    out = tmp_path / "out"
    assert eval_verb(*words, "--out", out, "--limit", 1).exit_code == 0
    assert eval_verb(*words, "--out", out, "--shard", "0/2").exit_code == 0
    assert eval_verb(*words, "--out", out, "--shard", "1/2").exit_code == 0
    whole = load_result(out / "docvqa_val_internvl")
    assert (whole.samples, whole.failed) == (3, 1)
    good = (data / "1.png").read_bytes()
    (data / "3.png").write_bytes(good)
    assert eval_verb(*words, "--out", out, "--retry-failed").exit_code == 0
    assert load_result(out / "docvqa_val_internvl").failed == 0
    replayed = eval_verb("docvqa", "--data", data, "--replay", out / "docvqa_val_internvl", "--out", tmp_path / "again", "--json")
    assert json.loads(replayed.stdout)[0]["headline"] == load_result(out / "docvqa_val_internvl").headline


def test_tiles_over_scores(data: Path, tmp_path: Path) -> None:
    predictions = tmp_path / "said.jsonl"
    predictions.write_text("".join(f'{{"id": "{i}", "prediction": "STOP"}}\n' for i in (1, 2, 3)), "utf-8")
    words = ["docvqa", "--data", data, "--replay", predictions, "--out", tmp_path / "out"]
    shown = eval_verb(*words, "--tiles", "1,6")
    assert shown.exit_code == 0, shown.output
    assert {"docvqa_val_internvl_tiles1", "docvqa_val_internvl_tiles6"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert "best" in shown.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "name a benchmark"),
        (["docvqua"], 1, "did you mean docvqa"),
        (["docvqa", "--data", "nowhere"], 1, "docvqa/val.jsonl"),
        (["docvqa", "--split", "train"], 1, "splits val, test"),
        (["docvqa", "--tiles", "1,x"], 2, "--tiles is a list"),
        (["docvqa", "--tiles", "3,3"], 2, "--tiles is a list"),
        (["docvqa", "--shard", "2/2"], 1, "0 to N-1"),
        (["docvqa", "--shard", "two"], 2, "--shard is I/N"),
        (["imagenet", "--data", "nowhere"], 1, "imagenet"),
    ],
)
def test_wrong_wishes_become_a_sentence(words: list[str], code: int, said: str) -> None:
    done = eval_verb(*words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr


def test_answers_come_from_one_place(data: Path) -> None:
    done = eval_verb("docvqa", "--data", data, "--url", "http://x/v1", "--replay", data)
    assert done.exit_code == 2
    assert "not from both" in done.stderr


def test_the_list_shows_what_there_is() -> None:
    done = eval_verb("docvqa,ocrbench", "--list")
    assert done.exit_code == 0, done.output
    files = ("[data/]docvqa/val.jsonl", "[LMUData/]DocVQA_TEST.tsv")
    for word in ("docvqa", "val", "test", "anls", *files, "94.1 InternVL2-Llama3-76B", "vlmevalkit"):
        assert word in done.stdout, word
    entries = json.loads(eval_verb("docvqa", "--list", "--json").stdout)
    assert {"model": "InternVL2-8B", "row": "DocVQA test", "score": "91.6"}.items() <= {
        key: value for score in entries[1]["published"] if score["model"] == "InternVL2-8B" for key, value in score.items()
    }.items()
