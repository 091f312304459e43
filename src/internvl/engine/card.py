"""The chat class of the released model card. Its quick start runs after changing only the import lines:

    from internvl import AutoTokenizer, InternVLChatModel as AutoModel, load_image

    model = AutoModel.from_pretrained(path, torch_dtype=torch.bfloat16, low_cpu_mem_usage=True, trust_remote_code=True).eval().cuda()
    tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=True, use_fast=False)
    pixel_values = load_image("examples/image1.jpg", max_num=12).to(torch.bfloat16).cuda()
    response, history = model.chat(tokenizer, pixel_values, question, generation_config, history=None, return_history=True)

Nothing remote is ever run: `trust_remote_code` is accepted and means nothing here. Where the original is known to fail silently
(counts that don't match, an empty history) this raises or does the expected thing; otherwise replies are the same, token for token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.hub import resolve
from internvl.checkpoint.load import load_weights
from internvl.checkpoint.placement import Devices
from internvl.engine.card_options import card_dtype, card_sampling, check_marks_kept, end_ids
from internvl.engine.card_prompt import Pair, card_inputs, check_marks, model_inputs, tile_counts
from internvl.engine.card_stream import ending, feed
from internvl.engine.card_tokenizer import AutoTokenizer, CardTokenizer, plain_tokenizer
from internvl.engine.engine import Engine
from internvl.engine.prefix import Prefix
from internvl.engine.request import Reply, Request
from internvl.engine.runner import Runner, make_runner
from internvl.errors import ConfigError, DeviceError, PlaceholderCountError, PromptError, SamplingError
from internvl.inputs import ModelInputs
from internvl.models.internvl import InternVL
from internvl.processor import Processor
from internvl.prompt.placeholders import IMAGE_END, IMAGE_MARK, IMAGE_START, PLACEHOLDER
from internvl.prompt.templates import template_named
from internvl.prompt.tokenizer import Tokenizer
from internvl.quantize.plan import PRESETS

__all__ = ["AutoTokenizer", "ConversationTemplate", "InternVLChatModel"]

AnyTokenizer = Tokenizer | CardTokenizer


@dataclass(frozen=True)
class ConversationTemplate:
    """What the card's streaming loop asks of `model.conv_template`: `sep` closes a turn."""

    name: str
    sep: str
    system_message: str


class InternVLChatModel:
    """The released chat class: `chat`, `batch_chat`, `extract_feature`, `generate`.

    `system_message` may be set; None means the template's own. `last_reply` is what the last `chat` cost.
    """

    def __init__(self, model: InternVL) -> None:
        template = template_named(model.config.template)
        self.model = model
        self.config = model.config
        self.num_image_token = model.config.tokens_per_tile
        self.system_message: str | None = model.config.system_message
        sep = template.user_suffix if template.user_suffix.startswith(template.stop) else template.stop
        self.conv_template = ConversationTemplate(template.name, sep, self.system_message or template.system_message)
        self.img_context_token_id: int | None = None
        self.last_reply: Reply | None = None
        self._engine: Engine | None = None
        self._runner: Runner | None = None  # of all engines: what it has recorded and laid out serves them all
        self._prefix: Prefix | None = None

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
        `low_cpu_mem_usage`, `use_flash_attn` and `trust_remote_code` are accepted and change nothing. `device_map`: None is the
        CPU, "auto" all GPUs, or a map such as `split_model` gives. `load_in_8bit` and `load_in_4bit` quantise the weights while they
        are read, as `dtype="int8"` and `"int4"` of `internvl.load` do. Raises DeviceError for a device that is absent.
        """
        if unknown:
            raise ConfigError(f"unknown argument {sorted(unknown)[0]!r} for from_pretrained")
        if load_in_8bit and load_in_4bit:
            raise ConfigError("load_in_8bit and load_in_4bit exclude each other")
        plan = PRESETS["int8"] if load_in_8bit else PRESETS["int4"] if load_in_4bit else None
        wanted = card_dtype(torch_dtype if torch_dtype is not None else dtype)
        devices = "cpu" if device_map is None else device_map
        return cls(load_weights(Checkpoint(resolve(path), quantised=True), devices=devices, dtype=wanted, plan=plan))

    def eval(self) -> InternVLChatModel:
        """Evaluation mode, which it is in already."""
        self.model.eval()
        return self

    def to(self, *args: Any, **kwargs: Any) -> InternVLChatModel:
        """Move or convert, as torch modules do."""
        self.model.to(*args, **kwargs)
        self._prefix = self._engine = self._runner = None
        return self

    def cuda(self, device: int | None = None) -> InternVLChatModel:
        """Move to a CUDA device. Raises DeviceError where there is none."""
        present = torch.cuda.device_count()
        if (device or 0) >= present:
            raise DeviceError(
                f"cuda:{device or 0} was asked for, but this machine has {present} CUDA devices; without .cuda() the CPU runs"
            )
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
        tokenizer: AnyTokenizer,
        pixel_values: Tensor | None,
        question: str,
        generation_config: Mapping[str, Any],
        history: Sequence[tuple[str, str]] | None = None,
        return_history: bool = False,
        num_patches_list: Sequence[int] | None = None,
        IMG_START_TOKEN: str = IMAGE_START,
        IMG_END_TOKEN: str = IMAGE_END,
        IMG_CONTEXT_TOKEN: str = PLACEHOLDER,
        verbose: bool = False,
    ) -> Any:
        """One turn. `history` is a list of (question, answer); all pictures are passed again, as the card does.

        Returns the reply, or (reply, history) with `return_history`. The caller's history list and generation_config are not
        changed. Raises PlaceholderCountError when `<image>` marks, tiles and `num_patches_list` don't agree.
        """
        check_marks_kept(IMG_START_TOKEN, IMG_END_TOKEN, IMG_CONTEXT_TOKEN)
        streamer = generation_config.get("streamer")
        with ending(streamer):
            tiles = tile_counts(pixel_values, num_patches_list)
            earlier = list(history or [])
            if pixel_values is not None and not earlier and IMAGE_MARK not in question:
                question = f"{IMAGE_MARK}\n{question}"
            params = card_sampling(generation_config)
            inputs = self.prepare(tokenizer, [*earlier, (question, None)], pixel_values, tiles)
            reply = self._run(plain_tokenizer(tokenizer), Request(inputs, params), streamer)
        return (reply, [*earlier, (question, reply)]) if return_history else reply

    def batch_chat(
        self,
        tokenizer: AnyTokenizer,
        pixel_values: Tensor | None,
        questions: Sequence[str],
        generation_config: Mapping[str, Any],
        num_patches_list: Sequence[int] | None = None,
        history: None = None,
        return_history: bool = False,
        IMG_START_TOKEN: str = IMAGE_START,
        IMG_END_TOKEN: str = IMAGE_END,
        IMG_CONTEXT_TOKEN: str = PLACEHOLDER,
        verbose: bool = False,
        image_counts: Sequence[int] | None = None,
    ) -> list[str]:
        """Several questions at once, each with as many pictures as it has `<image>` marks; one without marks gets one in front."""
        check_marks_kept(IMG_START_TOKEN, IMG_END_TOKEN, IMG_CONTEXT_TOKEN)
        if history is not None or return_history:
            raise PromptError("batch_chat keeps no history; use chat, or VLM.answer_all with whole conversations")
        if generation_config.get("streamer") is not None:
            raise SamplingError("batch_chat can't stream; use chat with a streamer, one question at a time")
        if isinstance(questions, str):
            raise PromptError("batch_chat takes a list of questions; use chat for one")
        tiles = tile_counts(pixel_values, num_patches_list if num_patches_list is not None else image_counts)
        if pixel_values is not None:
            questions = [each if IMAGE_MARK in each else f"{IMAGE_MARK}\n{each}" for each in questions]
        marks = [question.count(IMAGE_MARK) for question in questions]
        check_marks(sum(marks), len(tiles))
        params, requests = card_sampling(generation_config), []
        for question, own, pixels in zip(questions, *_shares(marks, tiles, pixel_values), strict=True):
            requests.append(Request(self.prepare(tokenizer, [(question, None)], pixels, own), params))
        return [reply.text for reply in self._engine_for(plain_tokenizer(tokenizer)).generate(requests)]

    @torch.inference_mode()
    def extract_feature(self, pixel_values: Tensor) -> Tensor:
        """Tiles [T,3,S,S] -> visual tokens [T,V,D]."""
        return self.model.encode_tiles(pixel_values)

    def generate(
        self,
        pixel_values: Tensor | None = None,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        generation_config: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Tensor:
        """New ids int64[B,longest answer] for prompts [B,L] that hold placeholders already; shorter answers are padded on the right.

        `attention_mask` is 0 at padding. `options` and `generation_config` together are the card's decoding options, with
        `eos_token_id`, one id or several; `img_context_token_id` must be set when there are pixel values. The prompt is not repeated.
        """
        if input_ids is None:
            raise PromptError("generate needs input_ids [B,L]; tokenizer(prompts, return_tensors='pt', padding=True) makes them")
        config = {**(generation_config or {}), **options}
        ends, streamer, params = end_ids(config), config.get("streamer"), card_sampling(config)
        if streamer is not None and len(input_ids) != 1:
            raise SamplingError(f"a streamer takes one prompt, not {len(input_ids)}")
        engine = self._new_engine(None, frozenset(ends))
        requests = [Request(inputs, params) for inputs in self._rows(input_ids, attention_mask, pixel_values)]
        if streamer is None:
            answers = [torch.tensor(reply.ids) for reply in engine.generate(requests)]
        else:
            with ending(streamer):
                generation = engine.stream(requests[0])
                feed(streamer, generation)
            answers = [torch.tensor(list(generation.ids))]
        padding = config.get("pad_token_id")
        filler = float(ends[0] if padding is None else padding)
        return torch.nn.utils.rnn.pad_sequence(answers, batch_first=True, padding_value=filler).to(input_ids.device)

    def prepare(self, tokenizer: AnyTokenizer, pairs: Sequence[Pair], pixel_values: Tensor | None, tiles: Sequence[int]) -> ModelInputs:
        """A conversation of (question, answer) pairs, the last answer None, with its tiles and tiles per picture -> ModelInputs."""
        return card_inputs(self._processor(plain_tokenizer(tokenizer)), pairs, pixel_values, tiles)

    def _run(self, tokenizer: Tokenizer, request: Request, streamer: Any) -> str:
        """Generate, continuing the previous call's cache where the prompts agree: a second turn reads only what is new."""
        engine = self._engine_for(tokenizer)
        prefix, self._prefix = self._prefix, None
        generation = engine.stream(request, prefix=prefix)
        feed(streamer, generation)
        self.last_reply = generation.reply
        self._prefix = generation.prefix
        return self.last_reply.text

    def _rows(self, input_ids: Tensor, attention_mask: Tensor | None, pixel_values: Tensor | None) -> Iterator[ModelInputs]:
        """Each prompt without its padding, with the tiles that its placeholders stand for."""
        placeholder = self.img_context_token_id
        if placeholder is None and pixel_values is not None:
            raise PromptError("set model.img_context_token_id = tokenizer.convert_tokens_to_ids('<IMG_CONTEXT>') before generate")
        given = 0 if pixel_values is None else len(pixel_values)
        expected = int((input_ids == placeholder).sum()) if placeholder is not None else 0
        if expected != given * self.num_image_token:
            raise PlaceholderCountError(
                f"input_ids hold {expected} placeholders, but {given} tiles of {self.num_image_token} tokens were given",
                expected=expected,
                given=given * self.num_image_token,
            )
        keep = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        used = 0
        for row, mask in zip(input_ids, keep, strict=True):
            ids = row[mask.bool()].tolist()
            tiles = ids.count(placeholder) // self.num_image_token
            own = None if pixel_values is None or not tiles else pixel_values[used : used + tiles]
            used += tiles
            yield model_inputs(ids, -1 if placeholder is None else placeholder, self.num_image_token, own)

    def _processor(self, tokenizer: Tokenizer) -> Processor:
        processor = Processor.of(self.config, tokenizer)
        processor.system_message = self.system_message
        self.img_context_token_id = processor.placeholder_id
        return processor

    def _engine_for(self, tokenizer: Tokenizer) -> Engine:
        if self._engine is None or self._engine.tokenizer is not tokenizer:
            stop = self._processor(tokenizer).stop_id
            self._engine, self._prefix = self._new_engine(tokenizer, frozenset({stop})), None
        return self._engine

    def _new_engine(self, tokenizer: Tokenizer | None, stop_ids: frozenset[int]) -> Engine:
        if self._runner is None:
            self._runner = make_runner(self.model)
        return Engine(self.model, tokenizer, stop_ids=stop_ids, runner=self._runner)


def _shares(marks: Sequence[int], tiles: Sequence[int], pixel_values: Tensor | None) -> tuple[list[Sequence[int]], list[Tensor | None]]:
    """Tiles per picture and pixels of each question, which has as many pictures as marks."""
    counts: list[Sequence[int]] = []
    pixels: list[Tensor | None] = []
    picture = tile = 0
    for mark in marks:
        own = tiles[picture : picture + mark]
        counts.append(own)
        pixels.append(pixel_values[tile : tile + sum(own)] if pixel_values is not None and own else None)
        picture, tile = picture + mark, tile + sum(own)
    return counts, pixels
