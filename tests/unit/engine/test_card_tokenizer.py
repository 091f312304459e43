"""The familiar names over the tokenizer, against transformers' own for the same folder."""

from __future__ import annotations

import pytest
import torch
import transformers
from tiny import FIXTURES, KINDS, vlm

from internvl.engine.card_tokenizer import AutoTokenizer, CardTokenizer, plain_tokenizer
from internvl.errors import TokenizerError

PROMPTS = ("<|im_start|>user\nHello<|im_end|>", "<img><IMG_CONTEXT></img> Two words, 你好.")


@pytest.fixture(scope="module")
def ours() -> CardTokenizer:
    return AutoTokenizer.from_pretrained(FIXTURES / "internvl2-llama3", trust_remote_code=True, use_fast=False)


@pytest.fixture(scope="module")
def theirs() -> transformers.PreTrainedTokenizerFast:
    return transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(FIXTURES / "internvl2-llama3" / "tokenizer.json"), padding_side="left", pad_token="<|end_of_text|>"
    )


def test_ids_and_texts_equal_transformers(ours: CardTokenizer, theirs: transformers.PreTrainedTokenizerFast) -> None:
    for prompt in PROMPTS:
        expected = theirs(prompt, add_special_tokens=False)["input_ids"]
        assert ours(prompt, add_special_tokens=False).input_ids == expected
        assert ours.decode(expected) == theirs.decode(expected) == prompt
    names = ["<img>", "<IMG_CONTEXT>", "<|im_end|>"]
    assert ours.convert_tokens_to_ids(names) == theirs.convert_tokens_to_ids(names)
    assert ours.convert_tokens_to_ids(names[0]) == theirs.convert_tokens_to_ids(names[0])


def test_padding(ours: CardTokenizer) -> None:
    batch = ours(list(PROMPTS), return_tensors="pt", padding=True)
    assert batch.input_ids.shape == batch["attention_mask"].shape == (2, max(len(ours.encode(each)) for each in PROMPTS))
    for row, mask, prompt in zip(batch.input_ids, batch.attention_mask, PROMPTS, strict=True):
        assert row[mask.bool()].tolist() == ours.encode(prompt)
        assert mask.tolist() == sorted(mask.tolist())  # on the left
    assert ours.padding_side == "left"
    ours.padding_side = "right"
    try:
        assert ours(list(PROMPTS), padding=True)["attention_mask"][0][-1] == 0
    finally:
        ours.padding_side = "left"
    assert batch.to("cpu").input_ids is not None
    with pytest.raises(AttributeError, match="input_ids"):
        _ = batch.pixel_values


def test_unequal_lengths_need_padding(ours: CardTokenizer) -> None:
    with pytest.raises(TokenizerError, match="padding=True"):
        ours(list(PROMPTS), return_tensors="pt")
    with pytest.raises(TokenizerError, match="'np'"):
        ours(list(PROMPTS), return_tensors="np", padding=True)


def test_begin_of_sequence_follows_the_release() -> None:
    for kind in KINDS:
        tokenizer = AutoTokenizer.from_pretrained(FIXTURES / kind)
        started = tokenizer("Hello")["input_ids"][0] == tokenizer.bos_token_id
        assert started == tokenizer.tokenizer.add_bos
        assert tokenizer.encode("Hello", add_special_tokens=False)[0] != tokenizer.bos_token_id


def test_decoding(ours: CardTokenizer) -> None:
    ids = ours.encode(PROMPTS[0])
    assert ours.decode(torch.tensor(ids), skip_special_tokens=True) == "user\nHello"
    assert ours.batch_decode([ids, ids[:3]]) == [ours.decode(ids), ours.decode(ids[:3])]
    assert ours.decode(ids[0]) == "<|im_start|>"
    assert len(ours) == ours.tokenizer.vocab_size


def test_what_is_no_token_or_no_tokenizer(ours: CardTokenizer) -> None:
    with pytest.raises(TokenizerError, match="<nothing>"):
        ours.convert_tokens_to_ids("<nothing>")
    with pytest.raises(TokenizerError, match=r"builtins\.str"):
        plain_tokenizer("tokenizer")  # type: ignore[arg-type]
    assert plain_tokenizer(ours) is ours.tokenizer
    assert plain_tokenizer(vlm().tokenizer) is vlm().tokenizer
    with pytest.raises(TokenizerError, match="add_eos_token"):
        AutoTokenizer.from_pretrained(FIXTURES / KINDS[0], add_eos_token=True)
    with pytest.raises(TypeError):
        AutoTokenizer.from_pretrained(FIXTURES / KINDS[0], use_slow=True)
