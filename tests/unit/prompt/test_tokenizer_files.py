"""Tokenizer files that are missing, cut short or at odds: each a TokenizerError that names the file."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from internvl.errors import TokenizerError
from internvl.prompt.tokenizer import load_tokenizer

FIXTURES = Path(__file__).parents[2] / "parity" / "fixtures"
FILES = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.model", "tokenizer.json", "vocab.json")


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Path]:
    def copy(name: str) -> Path:
        for file in (FIXTURES / name).iterdir():
            if file.name in (*FILES, "merges.txt"):
                shutil.copy(file, tmp_path)
        return tmp_path

    return copy


def edit(path: Path, change: Callable[[dict], object]) -> None:  # type: ignore[type-arg]
    value = json.loads(path.read_text("utf-8"))
    change(value)
    path.write_text(json.dumps(value), encoding="utf-8")


def test_an_absent_folder(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match="not a folder"):
        load_tokenizer(tmp_path / "nowhere")


def test_nothing_in_the_folder(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"expected tokenizer\.json, found none"):
        load_tokenizer(tmp_path)


def test_only_half_of_a_pair(copied: Callable[[str], Path]) -> None:
    folder = copied("internvl2-qwen2")
    (folder / "merges.txt").unlink()
    with pytest.raises(TokenizerError, match=r"expected vocab\.json with merges\.txt"):
        load_tokenizer(folder)


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("internvl2-qwen2", "vocab.json"),
        ("internvl2-qwen2", "tokenizer_config.json"),
        ("internvl2-llama3", "tokenizer.json"),
        ("internvl2-internlm2", "added_tokens.json"),
        ("internvl2-internlm2", "tokenizer.model"),
    ],
)
@pytest.mark.parametrize("share", [0.0, 0.4, 0.97])
def test_a_file_cut_short(copied: Callable[[str], Path], kind: str, file: str, share: float) -> None:
    path = copied(kind) / file
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(TokenizerError, match=file.replace(".", r"\.")):
        load_tokenizer(path.parent)


def test_two_names_with_one_id(copied: Callable[[str], Path]) -> None:
    folder = copied("internvl2-llama3")
    edit(folder / "tokenizer.json", lambda spec: spec["added_tokens"][-1].update(id=705))
    with pytest.raises(TokenizerError, match=r"collide.*705"):
        load_tokenizer(folder)


def test_two_files_at_odds(copied: Callable[[str], Path]) -> None:
    folder = copied("internvl2-internlm2")
    edit(folder / "added_tokens.json", lambda added: added.update({"<img>": 2700}))
    with pytest.raises(TokenizerError, match=r"added_tokens\.json.*<img>.*2700.*2602"):
        load_tokenizer(folder)


@pytest.mark.parametrize("line", ["zz qq", "a b c", "lonely"])
def test_a_merge_of_unknown_tokens(copied: Callable[[str], Path], line: str) -> None:
    folder = copied("internvl2-qwen2")
    with (folder / "merges.txt").open("a", encoding="utf-8") as merges:
        merges.write(line + "\n")
    with pytest.raises(TokenizerError, match="merge"):
        load_tokenizer(folder)


@pytest.mark.parametrize("content", [b"[1, 2]", b"\xff\xfe", b'{"model": {"type": "WordPiece", "vocab": {}}}', b"{}", b'{"model": 3}'])
def test_a_tokenizer_json_that_is_something_else(copied: Callable[[str], Path], content: bytes) -> None:
    folder = copied("internvl2-llama3")
    (folder / "tokenizer.json").write_bytes(content)
    with pytest.raises(TokenizerError, match=r"tokenizer\.json"):
        load_tokenizer(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"added_tokens": ["x"]},
        {"added_tokens": {"a": 1}},
        {"decoder": {"type": "Sequence", "decoders": [1]}},
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": 5}},
        {"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [3]}},
        {"model": {"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}},
        {"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}},
        {"model": {"type": "BPE", "vocab": {"a": 10**12}, "merges": []}},
        {"model": {"type": "Unigram", "vocab": [3]}},
    ],
)
def test_a_tokenizer_json_with_parts_of_a_wrong_shape(copied: Callable[[str], Path], change: dict[str, object]) -> None:
    folder = copied("internvl2-llama3")
    edit(folder / "tokenizer.json", lambda spec: spec.update(change))
    with pytest.raises(TokenizerError, match=r"tokenizer\.json"):
        load_tokenizer(folder)


@pytest.mark.parametrize("content", [b"", b"not a model", bytes(range(256)), b"\x0a" * 999])
def test_a_sentencepiece_model_that_is_something_else(copied: Callable[[str], Path], content: bytes) -> None:
    folder = copied("internvl2-internlm2")
    (folder / "tokenizer.model").write_bytes(content)
    with pytest.raises(TokenizerError, match=r"tokenizer\.model"):
        load_tokenizer(folder)


@pytest.mark.parametrize(
    "decoder", [[], {"x": {"content": "a"}}, {"-4": {"content": "a"}}, {"5": 5}, {"5": {"content": 5}}, {str(10**13): {"content": "a"}}]
)
def test_added_tokens_of_a_wrong_shape(copied: Callable[[str], Path], decoder: object) -> None:
    folder = copied("internvl2-internlm2")
    edit(folder / "tokenizer_config.json", lambda config: config.update(added_tokens_decoder=decoder))
    with pytest.raises(TokenizerError, match=r"tokenizer_config\.json"):
        load_tokenizer(folder)


def test_code_in_the_folder_is_not_run(copied: Callable[[str], Path]) -> None:
    folder = copied("internvl2-internlm2")
    (folder / "tokenization_internlm2.py").write_text("raise SystemExit('executed')")
    assert load_tokenizer(folder).token_id("<img>") == 2602


def test_a_class_known_only_from_the_code_it_points_to(copied: Callable[[str], Path]) -> None:
    folder = copied("internvl2-internlm2")
    edit(folder / "tokenizer_config.json", lambda config: config.pop("tokenizer_class"))
    ids = load_tokenizer(FIXTURES / "internvl2-internlm2").encode_text("well , yes")
    assert load_tokenizer(folder).decode(ids) == "well, yes"  # this class cleans up; Llama's does not


def test_a_class_that_is_not_known_needs_its_tokenizer_json(copied: Callable[[str], Path]) -> None:
    folder = copied("internvl2-internlm2")
    edit(folder / "tokenizer_config.json", lambda config: config.update(tokenizer_class="StrangeTokenizer"))
    with pytest.raises(TokenizerError, match=r"tokenizer\.json for the class StrangeTokenizer"):
        load_tokenizer(folder)


def test_without_a_configuration_the_files_decide(copied: Callable[[str], Path]) -> None:
    folder = copied("internvl2-qwen2")
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink()
    tokenizer = load_tokenizer(folder)
    assert tokenizer.token_id("<|im_end|>") == 702
    assert tokenizer.eos_id == tokenizer.pad_id == 700


def test_written_files_are_byte_for_byte_even_when_the_folder_is_gone(copied: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copied("internvl2-phi3")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    tokenizer = load_tokenizer(folder)
    for file in list(folder.iterdir()):
        file.unlink()
    tokenizer.to_files(tmp_path / "out")
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()} == before


def test_an_absent_token_is_named() -> None:
    tokenizer = load_tokenizer(FIXTURES / "internvl2-qwen2")
    assert not tokenizer.has("<|nothing|>")
    with pytest.raises(TokenizerError, match=re.escape("<|nothing|>")):
        tokenizer.token_id("<|nothing|>")


@pytest.mark.parametrize("id", [-1, 712])
def test_ids_out_of_range_are_refused_in_a_prompt(id: int) -> None:
    tokenizer = load_tokenizer(FIXTURES / "internvl2-qwen2")
    with pytest.raises(TokenizerError, match="from 0 to 711"):
        tokenizer.encode([id])
    with pytest.raises(TokenizerError, match="from 0 to 711"):
        tokenizer.token_bytes(id)
