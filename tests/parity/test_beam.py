"""Beam search finds the answers that transformers' own port finds, token for token, on the checkpoint we convert for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from original import FIXTURES
from transformers import InternVLForConditionalGeneration

from internvl.checkpoint.convert import convert
from internvl.engine.beam import beam_search
from internvl.engine.request import Request
from internvl.engine.sampling import SamplingParams
from internvl.engine.vlm import VLM
from internvl.inputs import ModelInputs
from internvl.messages import Image, Message, user

LENGTH = 14
PENALTIES = (-1.0, 0.0, 1.0, 2.0)


class Pair:
    """Our model and transformers' with the same weights, and prompts for both."""

    def __init__(self, kind: str, folder: Path) -> None:
        convert(FIXTURES / kind, folder, layout="native")
        self.ours = VLM.load(FIXTURES / kind, device="cpu")
        self.theirs = InternVLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
        self.stop = self.ours.processor.stop_id

    def prompts(self) -> list[ModelInputs]:
        messages: list[Message] = [user("Hello"), user(Image(FIXTURES / "image3.png"), "\nWhat is this?")]
        return [self.ours.processor.prepare(message) for message in messages]

    def make_ends_likely(self, share: float) -> None:
        """Let the end token's row resemble those of tokens that answers begin with."""
        first = self.ours.engine.generate([Request(inputs, SamplingParams(max_new_tokens=5)) for inputs in self.prompts()])
        likely = [token for reply in first for token in reply.ids[2:4]]
        with torch.no_grad():
            for head in (self.ours.model.language_model.head, self.theirs.lm_head):
                head.weight[self.stop] = share * head.weight[likely].mean(0)

    def ours_ids(self, inputs: ModelInputs, params: SamplingParams) -> list[int]:
        return list(self.ours.engine.generate([Request(inputs, params)])[0].ids)

    def theirs_ids(self, inputs: ModelInputs, **options: object) -> list[int]:
        pixels = {} if inputs.pixels is None else {"pixel_values": inputs.pixels}
        out = self.theirs.generate(
            input_ids=inputs.ids[None],
            attention_mask=torch.ones_like(inputs.ids)[None],
            eos_token_id=self.stop,
            pad_token_id=0,
            do_sample=False,
            max_new_tokens=LENGTH,
            **pixels,
            **options,
        )[0, inputs.tokens :].tolist()
        return out[: out.index(self.stop) + 1] if self.stop in out else out


@pytest.fixture(params=["internvl2-qwen2", "internvl2-llama3"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    return Pair(request.param, tmp_path / "native")


@pytest.mark.parametrize("share", [None, 1.3, 2.0])
def test_equal_to_transformers(pair: Pair, share: float | None) -> None:
    if share is not None:
        pair.make_ends_likely(share)
    ended = 0
    for inputs in pair.prompts():
        for beams in (1, 2, 3, 5):
            for penalty in PENALTIES if beams > 1 else (1.0,):
                ids = pair.ours_ids(inputs, SamplingParams(max_new_tokens=LENGTH, num_beams=beams, length_penalty=penalty))
                options = {"length_penalty": penalty} if beams > 1 else {}
                assert ids == pair.theirs_ids(inputs, num_beams=beams, **options), (beams, penalty)
                ended += len(ids) < LENGTH
    assert (ended > 0) == (share is not None)


def test_minimal_length(pair: Pair) -> None:
    pair.make_ends_likely(1.3)
    for inputs in pair.prompts():
        params = SamplingParams(max_new_tokens=LENGTH, num_beams=3, min_new_tokens=6)
        ids = pair.ours_ids(inputs, params)
        assert ids == pair.theirs_ids(inputs, num_beams=3, min_new_tokens=6)
        assert len(ids) > 6


def test_the_answer_is_no_worse_than_the_greedy_one(pair: Pair) -> None:
    inputs = pair.prompts()[0]

    def score(ids: list[int]) -> float:
        whole = torch.cat([inputs.ids, torch.tensor(ids)])[None]
        with torch.inference_mode():
            logprobs = pair.ours.model(whole)[0, inputs.tokens - 1 : -1].log_softmax(-1)
        return float(logprobs.gather(1, torch.tensor(ids)[:, None]).sum())

    greedy = pair.ours_ids(inputs, SamplingParams(max_new_tokens=LENGTH))
    wide = pair.ours_ids(inputs, SamplingParams(max_new_tokens=LENGTH, num_beams=8))
    assert score(wide) >= score(greedy)


def test_the_prompt_cache_is_left_alone(pair: Pair) -> None:
    inputs = pair.prompts()[0]
    with torch.inference_mode():
        cache = pair.ours.model.new_cache()
        logits = pair.ours.model(inputs.ids[None], cache=cache)[0, -1]
        before = [key[:, :, : cache.length].clone() for key in cache.keys if key is not None]
        params = SamplingParams(num_beams=4)
        first = beam_search(pair.ours.model, cache, logits, params, frozenset({pair.stop}), room=6)
        again = beam_search(pair.ours.model, cache, logits, params, frozenset({pair.stop}), room=6)
    assert first == again
    assert cache.length == inputs.tokens
    for old, new in zip(before, cache.keys, strict=True):
        assert new is not None
        assert torch.equal(old, new[:, :, : cache.length])
