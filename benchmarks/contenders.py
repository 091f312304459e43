"""The programs that are compared, behind one door: load, answer, answer again, answer four at once.

    ids (list), pixels [T,3,S,S] float32  ->  Turn: tokens, seconds to the first, seconds for the rest

Each imports its own libraries when it is made and none before, so that import time and memory are its own. Both get the same ids
and the same pixels, never a sentence or a picture file, and neither may stop early.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Protocol

import torch
from benchmarks.turn import Turn
from torch import Tensor


class Contender(Protocol):
    """What a program must be able to do."""

    layout: str

    def load(self, folder: Path, dtype: torch.dtype) -> None:
        """Weights into memory, as a user of the program loads them."""

    def answer(self, ids: list[int], pixels: Tensor | None, *, tokens: int, state: Any = None) -> Turn:
        """A greedy answer of exactly `tokens` tokens; `state` of an earlier turn saves reading its ids again."""

    def batch(self, ids: list[int], pixels: list[Tensor], *, tokens: int) -> list[list[int]]:
        """Greedy answers to one prompt about several pictures, decoded together."""


class Ours:
    """This package: its engine, with an image cache that is empty at every call."""

    layout = "original"

    def __init__(self) -> None:
        from internvl.checkpoint.load import load_model
        from internvl.engine.engine import Engine
        from internvl.engine.request import Request
        from internvl.engine.sampling import SamplingParams
        from internvl.inputs import ModelInputs
        from internvl.prompt.tokenizer import load_tokenizer

        self._load_model, self._load_tokenizer = load_model, load_tokenizer
        self._engine_type, self._request, self._params, self._inputs = Engine, Request, SamplingParams, ModelInputs

    def load(self, folder: Path, dtype: torch.dtype) -> None:
        """Model and tokenizer."""
        self.model = self._load_model(folder, dtype=dtype)
        self.tokenizer = self._load_tokenizer(folder)

    def answer(self, ids: list[int], pixels: Tensor | None, *, tokens: int, state: Any = None) -> Turn:
        """`state` is the Prefix that a session keeps."""
        generation = self._engine().stream(self._one(ids, pixels, tokens), prefix=state)
        for _ in generation:
            pass
        reply = generation.reply
        return Turn(
            tokens=list(reply.ids),
            first_token_s=reply.timings.first_token_s,
            decode_s=reply.timings.decode_s,
            encode_s=reply.timings.encode_s,
            state=generation.prefix,
        )

    def batch(self, ids: list[int], pixels: list[Tensor], *, tokens: int) -> list[list[int]]:
        """The engine's own batch."""
        replies = self._engine().generate([self._one(ids, each, tokens) for each in pixels])
        return [list(reply.ids) for reply in replies]

    def _engine(self) -> Any:
        return self._engine_type(self.model, self.tokenizer, stop_ids=frozenset())

    def _one(self, ids: list[int], pixels: Tensor | None, tokens: int) -> Any:
        inputs = self._inputs(
            ids=torch.tensor(ids),
            placeholder_id=self.tokenizer.token_id("<IMG_CONTEXT>"),
            tokens_per_tile=self.model.config.tokens_per_tile,
            pixels=pixels,
            tile_keys=() if pixels is None else tuple(f"{tile.sum():.6f}/{i}" for i, tile in enumerate(pixels)),
        )
        return self._request(inputs, self._params(max_new_tokens=tokens))


class Transformers:
    """The port in transformers: `generate` with its own cache and scaled dot product attention."""

    layout = "native"

    def __init__(self) -> None:
        from transformers import AutoTokenizer, InternVLForConditionalGeneration

        self._model_type, self._tokenizer_type = InternVLForConditionalGeneration, AutoTokenizer

    def load(self, folder: Path, dtype: torch.dtype) -> None:
        """Model and tokenizer."""
        self.model: Any = self._model_type.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa").eval()
        self.tokenizer = self._tokenizer_type.from_pretrained(folder)
        self.model.generation_config.eos_token_id = None
        self.clock = _EncodeClock(self.model.model.vision_tower, self.model.model.multi_modal_projector)

    def answer(self, ids: list[int], pixels: Tensor | None, *, tokens: int, state: Any = None) -> Turn:
        """`state` is the cache that `generate` returned; with it the pixels are not given again, as its caller would do."""
        self.clock.seconds = 0.0
        stamps = _Stamps()
        output = self._generate([ids], None if state is not None else pixels, tokens, streamer=stamps, past_key_values=state)
        first, last = stamps.at[1], stamps.at[tokens]  # the prompt comes first
        return Turn(
            tokens=output.sequences[0, len(ids) :].tolist(),
            first_token_s=first - stamps.started,
            decode_s=last - first,
            encode_s=self.clock.seconds,
            state=output.past_key_values,
        )

    def batch(self, ids: list[int], pixels: list[Tensor], *, tokens: int) -> list[list[int]]:
        """One `generate` of all rows; the prompts have one length, so nothing is padded."""
        output = self._generate([ids] * len(pixels), torch.cat(pixels), tokens)
        return output.sequences[:, len(ids) :].tolist()

    @torch.inference_mode()
    def _generate(self, ids: list[list[int]], pixels: Tensor | None, tokens: int, **more: Any) -> Any:
        rows = torch.tensor(ids)
        if pixels is not None:
            more["pixel_values"] = pixels.to(self.model.dtype)
        return self.model.generate(
            input_ids=rows,
            attention_mask=torch.ones_like(rows),
            max_new_tokens=tokens,
            do_sample=False,
            return_dict_in_generate=True,
            pad_token_id=0,
            **more,
        )


class _Stamps:
    """A streamer that notes when each token came."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.at: list[float] = []

    def put(self, value: Tensor) -> None:
        self.at.append(time.perf_counter())

    def end(self) -> None:
        """Nothing to flush."""


class _EncodeClock:
    """Seconds between a vision encoder's start and its projector's end."""

    def __init__(self, encoder: torch.nn.Module, projector: torch.nn.Module) -> None:
        self.seconds = 0.0
        self._began = 0.0
        encoder.register_forward_pre_hook(self._begin)
        projector.register_forward_hook(self._end)

    def _begin(self, *_: Any) -> None:
        self._began = time.perf_counter()

    def _end(self, *_: Any) -> None:
        self.seconds += time.perf_counter() - self._began


CONTENDERS: dict[str, type[Ours] | type[Transformers]] = {"internvl": Ours, "transformers": Transformers}
