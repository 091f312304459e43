"""The names of the released model card. Its quick start runs after changing only the import lines:

    from internvl import AutoTokenizer, InternVLChatModel as AutoModel, load_image

    model = AutoModel.from_pretrained(path, torch_dtype=torch.bfloat16, low_cpu_mem_usage=True, trust_remote_code=True).eval().cuda()
    tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=True, use_fast=False)
    pixel_values = load_image("examples/image1.jpg", max_num=12).to(torch.bfloat16).cuda()
    response, history = model.chat(tokenizer, pixel_values, question, generation_config, history=None, return_history=True)

Nothing remote is ever run: `trust_remote_code` is accepted and means nothing here. Where the original is known to fail silently
(counts that don't match, an empty history) this raises or does the expected thing; otherwise replies are the same, token for token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.hub import resolve
from internvl.checkpoint.load import load_weights
from internvl.checkpoint.placement import Devices
from internvl.engine.card_options import card_sampling
from internvl.engine.engine import Engine
from internvl.engine.prefix import Prefix
from internvl.engine.request import Reply, Request
from internvl.errors import ConfigError, PlaceholderCountError, PromptError
from internvl.inputs import ModelInputs
from internvl.models.internvl import InternVL
from internvl.processor import Processor
from internvl.prompt.pieces import Typed
from internvl.prompt.placeholders import GROUNDING_MARKS, IMAGE_MARK, PLACEHOLDER, slot_ids
from internvl.prompt.template import Piece, Turn
from internvl.prompt.tokenizer import Tokenizer, load_tokenizer


class AutoTokenizer:
    """`AutoTokenizer.from_pretrained(path, ...)`: this package's tokenizer; the card's keyword arguments change nothing."""

    @staticmethod
    def from_pretrained(path: str | Path, *, trust_remote_code: bool = False, use_fast: bool = False, **_: Any) -> Tokenizer:
        """The tokenizer of a checkpoint."""
        return load_tokenizer(resolve(path))


class InternVLChatModel:
    """The released chat class: `chat`, `batch_chat`, `extract_feature`, `generate`."""

    def __init__(self, model: InternVL) -> None:
        self.model = model
        self.config = model.config
        self.num_image_token = model.config.tokens_per_tile
        self.system_message: str | None = model.config.system_message
        self._engine: Engine | None = None
        self._prefix: Prefix | None = None
        self.last_reply: Reply | None = None  # what the last `chat` cost

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        *,
        torch_dtype: torch.dtype | str | None = None,
        dtype: torch.dtype | str | None = None,
        device_map: Devices | None = None,
        load_in_8bit: bool = False,
        load_in_4bit: bool = False,
        low_cpu_mem_usage: bool = True,
        use_flash_attn: bool = False,
        trust_remote_code: bool = False,
        **unknown: Any,
    ) -> InternVLChatModel:
        """Load a checkpoint with the card's keyword arguments.

        Weights always stream in with little memory, attention always uses torch's fastest kernel, and remote code is never run, so
        `low_cpu_mem_usage`, `use_flash_attn` and `trust_remote_code` are accepted and change nothing.
        """
        if unknown:
            raise ConfigError(f"unknown argument {sorted(unknown)[0]!r} for from_pretrained")
        if load_in_8bit or load_in_4bit:
            raise ConfigError(
                "load_in_8bit and load_in_4bit are not supported yet; load in bfloat16, over several devices if needed"
            )
        wanted = _dtype(torch_dtype if torch_dtype is not None else dtype)
        devices = "cpu" if device_map is None else device_map
        return cls(load_weights(Checkpoint(resolve(path)), devices=devices, dtype=wanted))

    def eval(self) -> InternVLChatModel:
        """Evaluation mode, which it is in already."""
        self.model.eval()
        return self

    def to(self, *args: Any, **kwargs: Any) -> InternVLChatModel:
        """Move or convert, as torch modules do."""
        self.model.to(*args, **kwargs)
        self._prefix = self._engine = None
        return self

    def cuda(self, device: int | None = None) -> InternVLChatModel:
        """Move to a CUDA device."""
        return self.to(torch.device("cuda", device or 0))

    @property
    def device(self) -> torch.device:
        """Where pixel values are expected."""
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        """Number type of the weights."""
        return self.model.dtype

    def chat(
        self,
        tokenizer: Tokenizer,
        pixel_values: Tensor | None,
        question: str,
        generation_config: Mapping[str, Any],
        history: Sequence[tuple[str, str]] | None = None,
        return_history: bool = False,
        num_patches_list: Sequence[int] | None = None,
        verbose: bool = False,
        **_: Any,
    ) -> Any:
        """One turn. `history` is a list of (question, answer); all pictures are passed again, as the card does.

        Returns the reply, or (reply, history) with `return_history`. The caller's history list is not changed.
        Raises PlaceholderCountError when `<image>` marks, tiles and `num_patches_list` don't agree.
        """
        tiles = _tile_counts(pixel_values, num_patches_list)
        earlier = list(history or [])
        if pixel_values is not None and not earlier and IMAGE_MARK not in question:
            question = f"{IMAGE_MARK}\n{question}"
        inputs = self.prepare(tokenizer, [*earlier, (question, None)], pixel_values, tiles)
        params = card_sampling(generation_config)
        reply = self._run(tokenizer, Request(inputs, params), generation_config.get("streamer"))
        return (reply, [*earlier, (question, reply)]) if return_history else reply

    def batch_chat(
        self,
        tokenizer: Tokenizer,
        pixel_values: Tensor | None,
        questions: Sequence[str],
        generation_config: Mapping[str, Any],
        num_patches_list: Sequence[int] | None = None,
        history: None = None,
        return_history: bool = False,
        image_counts: Sequence[int] | None = None,
        verbose: bool = False,
        **_: Any,
    ) -> list[str]:
        """Several questions at once, each with as many pictures as it has `<image>` marks (one when it has none and tiles are given)."""
        if history is not None or return_history:
            raise PromptError("batch_chat keeps no history; use chat, or VLM.answer_all with whole conversations")
        tiles = _tile_counts(pixel_values, num_patches_list if num_patches_list is not None else image_counts)
        if pixel_values is not None:
            questions = [q if IMAGE_MARK in q else f"{IMAGE_MARK}\n{q}" for q in questions]
        marks = [question.count(IMAGE_MARK) for question in questions]
        _check_marks(sum(marks), len(tiles))
        params, requests = card_sampling(generation_config), []
        for question, given in zip(questions, marks, strict=True):
            own, tiles = tiles[:given], tiles[given:]
            pixels = None
            if pixel_values is not None and own:
                pixels, pixel_values = pixel_values[: sum(own)], pixel_values[sum(own) :]
            requests.append(Request(self.prepare(tokenizer, [(question, None)], pixels, own), params))
        return [reply.text for reply in self._engine_for(tokenizer).generate(requests)]

    @torch.inference_mode()
    def extract_feature(self, pixel_values: Tensor) -> Tensor:
        """Tiles [T,3,S,S] -> visual tokens [T,V,D]."""
        return self.model.encode_tiles(pixel_values)

    def generate(
        self,
        pixel_values: Tensor | None = None,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        tokenizer: Tokenizer,
        eos_token_id: int,
        **generation_config: Any,
    ) -> list[list[int]]:
        """New tokens for prompts [B,L] that hold placeholders already; padding is what `attention_mask` marks with 0."""
        if input_ids is None:
            raise PromptError("generate needs input_ids")
        keep = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        placeholder, requests, used = tokenizer.token_id(PLACEHOLDER), [], 0
        for row, mask in zip(input_ids, keep, strict=True):
            ids = row[mask.bool()].cpu()
            tiles = int((ids == placeholder).sum()) // self.num_image_token
            pixels = None if pixel_values is None or not tiles else pixel_values[used : used + tiles]
            used += tiles
            requests.append(Request(self._model_inputs(ids.tolist(), placeholder, pixels), card_sampling(generation_config)))
        engine = Engine(self.model, tokenizer, stop_ids=frozenset({eos_token_id}))
        return [list(reply.ids) for reply in engine.generate(requests)]

    def _run(self, tokenizer: Tokenizer, request: Request, streamer: Any) -> str:
        """Generate, continuing the previous call's cache where the prompts agree: a second turn reads only what is new."""
        prefix, self._prefix = self._prefix, None
        generation = self._engine_for(tokenizer).stream(request, prefix=prefix)
        if streamer is not None:
            streamer.put(torch.tensor([], dtype=torch.long))
        sent = 0
        for _ in generation:
            if streamer is not None:
                ids = generation.reply.ids
                streamer.put(torch.tensor(ids[sent:]))
                sent = len(ids)
        reply = self.last_reply = generation.reply
        if streamer is not None:
            streamer.put(torch.tensor(reply.ids[sent:]))
            streamer.end()
        self._prefix = generation.prefix
        return reply.text

    def prepare(
        self, tokenizer: Tokenizer, pairs: Sequence[tuple[str, str | None]], pixel_values: Tensor | None, tiles: Sequence[int]
    ) -> ModelInputs:
        """A conversation of (question, answer) pairs, the last answer None, with its tiles and tiles per picture -> ModelInputs."""
        processor = self._processor(tokenizer)
        marks = sum((question + (answer or "")).count(IMAGE_MARK) for question, answer in pairs)
        _check_marks(marks, len(tiles))
        remaining = iter(tiles)
        turns = []
        for question, answer in pairs:
            turns.append(Turn("user", tuple(self._content(tokenizer, question, remaining))))
            if answer is not None:
                turns.append(Turn("assistant", tuple(self._content(tokenizer, answer, remaining))))
        return self._model_inputs(processor.encode(turns), processor.placeholder_id, pixel_values)

    def _content(self, tokenizer: Tokenizer, text: str, tiles: Iterator[int]) -> Iterator[Piece]:
        first, *rest = text.split(IMAGE_MARK)
        yield Typed(first, GROUNDING_MARKS)
        for stretch in rest:
            yield from slot_ids(tokenizer, next(tiles) * self.num_image_token)
            yield Typed(stretch, GROUNDING_MARKS)

    def _model_inputs(self, ids: list[int], placeholder_id: int, pixel_values: Tensor | None) -> ModelInputs:
        return ModelInputs(
            ids=torch.tensor(ids, dtype=torch.long),
            placeholder_id=placeholder_id,
            tokens_per_tile=self.num_image_token,
            pixels=pixel_values,
            tile_keys=() if pixel_values is None else tuple(_content_key(tile) for tile in pixel_values),
        )

    def _processor(self, tokenizer: Tokenizer) -> Processor:
        processor = Processor.of(self.config, tokenizer)
        processor.system_message = self.system_message
        return processor

    def _engine_for(self, tokenizer: Tokenizer) -> Engine:
        if self._engine is None or self._engine.tokenizer is not tokenizer:
            stop = self._processor(tokenizer).stop_id
            self._engine, self._prefix = Engine(self.model, tokenizer, stop_ids=frozenset({stop})), None
        return self._engine


def _tile_counts(pixel_values: Tensor | None, num_patches_list: Sequence[int] | None) -> list[int]:
    """Tiles of each picture; all of them are one picture when nothing is said."""
    given = 0 if pixel_values is None else int(pixel_values.shape[0])
    if num_patches_list is None:
        return [given] if given else []
    counts = list(num_patches_list) if pixel_values is not None else []
    if sum(counts) != given or any(count < 1 for count in counts):
        raise PlaceholderCountError(
            f"num_patches_list {counts} adds up to {sum(counts)} tiles, but pixel_values has {given}",
            expected=sum(counts),
            given=given,
        )
    return counts


def _check_marks(marks: int, pictures: int) -> None:
    if marks != pictures:
        raise PlaceholderCountError(
            f"the questions and history have {marks} {IMAGE_MARK} marks, but {pictures} pictures were given "
            "(one entry of num_patches_list each)",
            expected=marks,
            given=pictures,
        )


def _content_key(tile: Tensor) -> str:
    data = tile.detach().to("cpu").contiguous().view(torch.uint8).numpy()
    return hashlib.blake2b(data.tobytes(), digest_size=16, person=str(tile.dtype)[6:22].encode()).hexdigest()


def _dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    if dtype is None or dtype == "auto" or isinstance(dtype, torch.dtype):
        return None if dtype == "auto" else dtype  # type: ignore[return-value]
    named = getattr(torch, str(dtype), None)
    if not isinstance(named, torch.dtype):
        raise ConfigError(f"torch_dtype must be a torch type, its name, or 'auto', not {dtype!r}")
    return named
