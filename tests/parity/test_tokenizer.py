"""Tokenizers against the original: recorded answers of transformers 4.37.2, the fixtures' replies, and transformers of today."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizer_variants import FIXTURES, RECORDED, VARIANTS, make_folder

from internvl.prompt.pieces import Trusted, Typed
from internvl.prompt.tokenizer import Tokenizer, load_tokenizer

KINDS = ("internvl2-qwen2", "internvl2-internlm2", "internvl2-phi3", "internvl2-llama3", "v1-1-llama2")
ANSWERS: dict[str, Any] = json.loads(RECORDED.read_text("utf-8"))
SYSTEM = "你是由上海人工智能实验室联合商汤科技开发的书生多模态大模型，英文名叫InternVL, 是一个有用无害的人工智能助手。"
SHARED = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tokenizer]:
    return {name: load_tokenizer(make_folder(name, tmp_path_factory.mktemp("tokenizer"))) for name in VARIANTS}


@pytest.mark.parametrize("name", [name for name in VARIANTS if "inside" not in name])
def test_ids_of_text_are_the_originals(name: str, tokenizers: dict[str, Tokenizer]) -> None:
    expected = ANSWERS["variants"][name]["encoded"]
    assert [tokenizers[name].encode([Trusted(text)]) for text in ANSWERS["texts"]] == expected


@pytest.mark.parametrize("name", VARIANTS)
def test_text_of_ids_is_the_originals(name: str, tokenizers: dict[str, Tokenizer]) -> None:
    for ids, skipped, shown in ANSWERS["variants"][name]["decoded"]:
        assert tokenizers[name].decode(ids) == skipped
        assert tokenizers[name].decode(ids, skip_special=False) == shown


@pytest.mark.parametrize("name", VARIANTS)
def test_a_prompt_begins_as_the_originals(name: str, tokenizers: dict[str, Tokenizer]) -> None:
    assert tokenizers[name].add_bos == ANSWERS["variants"][name]["adds_bos"]


@pytest.mark.parametrize("kind", KINDS)
def test_replies_of_the_fixtures(kind: str) -> None:
    tokenizer = load_tokenizer(FIXTURES / kind)
    for case in json.loads((FIXTURES / kind / "golden.json").read_text("utf-8"))["cases"]:
        responses = case["response"] if isinstance(case["response"], list) else [case["response"]]
        for tokens, response in zip(case["tokens"], responses, strict=True):
            assert tokenizer.decode(tokens[1:]).strip() == response


@pytest.mark.parametrize("kind", KINDS)
def test_typed_text_and_marks_give_the_ids_of_the_whole_string(kind: str) -> None:
    tokenizer = load_tokenizer(FIXTURES / kind)
    end, mark = "<|end|>" if kind.endswith("phi3") else "</s>", "<ref>"
    whole = tokenizer.encode([Trusted(f"user\n你好 {mark}a cat</ref> ok{end}")])
    typed = Typed(f"你好 {mark}a cat</ref> ok", marks=frozenset({mark, "</ref>"}))
    assert tokenizer.encode([Trusted("user\n"), typed, Trusted(end)]) == whole
    assert tokenizer.token_id(mark) in whole


@pytest.mark.parametrize("kind", KINDS)
def test_ids_are_those_of_todays_transformers(kind: str, tmp_path: Path) -> None:
    if kind.endswith("internlm2"):
        pytest.skip("transformers has no class for it without remote code")
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoTokenizer.from_pretrained(FIXTURES / kind)
    theirs.save_pretrained(tmp_path)
    texts = [*ANSWERS["texts"], SYSTEM]
    expected = [theirs(text, add_special_tokens=False).input_ids for text in texts]
    assert [load_tokenizer(tmp_path).encode([Trusted(text)]) for text in texts] == expected
    if kind.endswith("llama3"):  # today's classes read Qwen2's merges that begin with "#", and give Llama's leading space no second one
        assert [load_tokenizer(FIXTURES / kind).encode([Trusted(text)]) for text in texts] == expected


@pytest.mark.parametrize("name", VARIANTS)
@settings(max_examples=60, **SHARED)
@given(data=st.data())
def test_streamed_text_is_the_decoded_text(name: str, tokenizers: dict[str, Tokenizer], data: st.DataObject) -> None:
    tokenizer = tokenizers[name]
    near_the_top = st.integers(tokenizer.vocab_size - 20, tokenizer.vocab_size + 5)
    ids = data.draw(st.lists(st.integers(0, 260) | st.integers(0, tokenizer.vocab_size - 1) | near_the_top, max_size=24))
    skip, keep = data.draw(st.booleans()), data.draw(st.sets(near_the_top))
    stream = tokenizer.stream(skip_special=skip, keep=keep)
    parts = [stream.push(id) for id in ids] + [stream.finish()]
    assert "".join(parts) == tokenizer.decode(ids, skip_special=skip, keep=keep)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_stream_holds_back_characters_that_are_not_whole(name: str, tokenizers: dict[str, Tokenizer]) -> None:
    tokenizer = tokenizers[name]
    text = "多模态 👍 é 한국 x"
    stream = tokenizer.stream()
    shown = [stream.push(id) for id in tokenizer.encode_text(text)]
    assert not any("\N{REPLACEMENT CHARACTER}" in part for part in shown)
    assert "👍" in "".join(shown) + stream.finish()
    assert sum(map(bool, shown)) > 3, "text is shown while it comes, not at the end"


@pytest.mark.parametrize("name", VARIANTS)
@settings(max_examples=60, **SHARED)
@given(data=st.data())
def test_typed_text_never_becomes_an_added_token(name: str, tokenizers: dict[str, Tokenizer], data: st.DataObject) -> None:
    tokenizer = tokenizers[name]
    names = sorted(tokenizer.added_tokens)
    text = "".join(data.draw(st.lists(st.sampled_from(names) | st.text(max_size=4), max_size=8)))
    ids = tokenizer.encode_text(text)
    assert not set(tokenizer.added_tokens.values()) - {tokenizer.unk_id} & set(ids)
    if "llama3" in name:  # byte-level without a normaliser
        assert b"".join(map(tokenizer.token_bytes, ids)).decode("utf-8") == text
        assert not tokenizer.unk_id or tokenizer.unk_id not in ids


@pytest.mark.parametrize("name", VARIANTS)
def test_every_added_name_typed_shows_itself(name: str, tokenizers: dict[str, Tokenizer]) -> None:
    tokenizer = tokenizers[name]
    for added in tokenizer.added_tokens:
        ids = tokenizer.encode_text(added)
        assert ids
        assert tokenizer.decode(ids) == added


@pytest.mark.parametrize("name", VARIANTS)
def test_written_files_load_to_the_same(name: str, tokenizers: dict[str, Tokenizer], tmp_path: Path) -> None:
    tokenizers[name].to_files(tmp_path / "copy")
    again = load_tokenizer(tmp_path / "copy")
    assert again.added_tokens == tokenizers[name].added_tokens
    assert [again.encode([Trusted(t)]) for t in ANSWERS["texts"]] == [tokenizers[name].encode([Trusted(t)]) for t in ANSWERS["texts"]]


@pytest.mark.parametrize("name", VARIANTS)
def test_kept_marks_come_back_as_typed(name: str, tokenizers: dict[str, Tokenizer]) -> None:
    tokenizer = tokenizers[name]
    marks = frozenset({"<ref>", "</ref>", "<box>", "</box>"})
    text = "a <ref>red cat</ref><box>[[1, 2, 3, 4]]</box>"
    keep = frozenset(tokenizer.token_id(mark) for mark in marks)
    assert tokenizer.decode(tokenizer.encode([Typed(text, marks)]), keep=keep).replace("a<ref>", "a <ref>") == text


def test_a_random_id_never_breaks_decoding(tokenizers: dict[str, Tokenizer]) -> None:
    draw = random.Random(1)
    for tokenizer in tokenizers.values():
        ids = [draw.randrange(tokenizer.vocab_size + 300) for _ in range(500)]
        tokenizer.decode(ids).encode("utf-8")
