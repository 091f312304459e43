"""VLM: the model as people use it. Sentences, pictures and clips in, sentences out.

vlm = VLM.load("internvl-nano")
vlm.chat("What is the total?", Image("receipt.png"))
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import torch

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.hub import resolve
from internvl.checkpoint.load import load_weights
from internvl.checkpoint.placement import Devices
from internvl.engine.engine import MAX_BATCH, Engine
from internvl.engine.generation import Generation
from internvl.engine.grammar import Grammars
from internvl.engine.request import Reply, Request
from internvl.engine.runner import Runner
from internvl.engine.sampling import SamplingParams
from internvl.engine.session import Session
from internvl.engine.vision_cache import VisionCache
from internvl.errors import ConfigError
from internvl.media.tiling import TilePolicy
from internvl.messages import Image, Message, Video
from internvl.messages import system as system_turn
from internvl.models.config import InternVLConfig
from internvl.models.internvl import InternVL
from internvl.processor import Processor, TokenCount, compose
from internvl.prompt.tokenizer import Tokenizer, load_tokenizer
from internvl.quantize.layer import layers_of
from internvl.quantize.plan import PRESETS

Media: TypeAlias = Image | Video
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class VLM:
    """A chat model with its processor and engine. `engine`, `processor` and `model` are the layers below, each usable alone."""

    def __init__(
        self,
        model: InternVL,
        tokenizer: Tokenizer,
        *,
        policy: TilePolicy | None = None,
        name: str = "model",
        vision_cache: VisionCache | None = None,
        grammars: Grammars | None = None,
        runner: Runner | None = None,
    ) -> None:
        self.name = name
        self.model = model
        self.processor = Processor.of(model.config, tokenizer, policy=policy)
        stop_ids = frozenset({self.processor.stop_id})
        self.engine = Engine(model, tokenizer, stop_ids=stop_ids, vision_cache=vision_cache, grammars=grammars, runner=runner)

    @classmethod
    def load(
        cls,
        name: str | Path,
        *,
        device: Devices = "auto",
        dtype: str | torch.dtype | None = None,
        policy: TilePolicy | None = None,
        max_tiles: int | None = None,
    ) -> VLM:
        """Load a model: a folder, an embedded name such as "internvl-nano", or a hub name such as "OpenGVLab/InternVL2-8B".

        device: "auto" uses all CUDA devices, else the CPU; or one device; or a map of released module names to devices.
        dtype: "bfloat16", "float32" or "float16"; None keeps what is stored. "int8" and "int4" quantise the weights while they are read
        (to the nearest, without calibration: `internvl quantize` does better, and once for all). A quantised folder is taken as it is.
        policy, max_tiles: instead of the checkpoint's own.
        Raises CheckpointError, ConfigError, TokenizerError, DeviceError.
        """
        folder = resolve(name)
        checkpoint = Checkpoint(folder, quantised=True)
        tokenizer = load_tokenizer(folder)
        plan = PRESETS.get(dtype) if isinstance(dtype, str) else None
        model = load_weights(checkpoint, devices=device, dtype=None if plan else dtype_named(dtype), plan=plan)
        vlm = cls(model, tokenizer, policy=policy, name=str(name))
        return vlm if max_tiles is None else vlm.with_policy(vlm.policy.with_max_tiles(max_tiles))

    @property
    def config(self) -> InternVLConfig:
        """Sizes and kinds of the model."""
        return self.model.config

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer."""
        return self.processor.tokenizer

    @property
    def policy(self) -> TilePolicy:
        """How pictures are cut into tiles."""
        return self.processor.policy

    def with_policy(self, policy: TilePolicy) -> VLM:
        """The same weights with another tile policy."""
        shared = {name: getattr(self.engine, name) for name in ("vision_cache", "grammars", "runner")}
        return VLM(self.model, self.tokenizer, policy=policy, name=self.name, **shared)

    def chat(self, question: str, *media: Media, system: str | None = None, **options: Any) -> str:
        """The answer to one question. `options` are the fields of SamplingParams: max_new_tokens, temperature, json_schema, ..."""
        return self.answer(as_conversation(question, media, system), **options).text

    def stream(self, question: str, *media: Media, system: str | None = None, **options: Any) -> Generation:
        """The answer piece by piece; the pieces joined are what `chat` returns. The iterator's `reply` says what it cost."""
        return self.generation(as_conversation(question, media, system), **options)

    def batch(
        self, questions: Sequence[str | tuple[str, *tuple[Media, ...]]], *, system: str | None = None, **options: Any
    ) -> list[str]:
        """Answers to several questions, decoded together. Each question is a tuple of its text and its pictures or clips."""
        conversations = []
        for each in questions:
            question, *media = (each,) if isinstance(each, str) else each
            conversations.append(as_conversation(question, media, system))
        return [reply.text for reply in self.answer_all(conversations, **options)]

    def session(self, *, system: str | None = None) -> Session:
        """A conversation that remembers its turns, its pictures and what the model has read of them."""
        return Session(self.processor, self.engine, system=system)

    def count(self, question: str, *media: Media, system: str | None = None) -> TokenCount:
        """What a question costs in tokens, without opening a pixel."""
        return self.processor.count(as_conversation(question, media, system))

    def answer(self, conversation: Sequence[Message], **options: Any) -> Reply:
        """The reply to a conversation, with token use and timings."""
        return self.answer_all([conversation], **options)[0]

    def answer_all(self, conversations: Sequence[Sequence[Message]], **options: Any) -> list[Reply]:
        """Replies to several conversations, decoded together. Pictures are opened a batch at a time, so any number fits in memory."""
        params = SamplingParams.of(options)
        replies: list[Reply] = []
        for start in range(0, len(conversations), MAX_BATCH):
            batch = conversations[start : start + MAX_BATCH]
            replies += self.engine.generate([Request(self.processor.prepare(each), params) for each in batch])
        return replies

    def generation(self, conversation: Sequence[Message], **options: Any) -> Generation:
        """A reply that is being written: iterate for pieces, then read `.reply`."""
        return self.engine.stream(Request(self.processor.prepare(conversation), SamplingParams.of(options)))

    @property
    def number_type(self) -> str:
        """What it computes in: `bfloat16`, or with packed layers `int4+int8+bfloat16`."""
        packed = sorted({layer.kind for layer in layers_of(self.model).values()})
        return "+".join([*packed, str(self.model.dtype).removeprefix("torch.")])

    def __repr__(self) -> str:
        return f"VLM({self.name!r}, {self.number_type}, {self.model.device}, {self.policy})"


def as_conversation(question: str, media: Sequence[Media], system: str | None = None) -> list[Message]:
    """One user turn, and a system turn if there is one."""
    turn = compose(question, media)
    return [turn] if system is None else [system_turn(system), turn]


def dtype_named(dtype: str | torch.dtype | None) -> torch.dtype | None:
    """A torch type from its name."""
    if isinstance(dtype, str):
        if dtype not in DTYPES:
            raise ConfigError(f"dtype must be one of {', '.join(DTYPES)}, or to load a model int8 or int4, not {dtype!r}")
        return DTYPES[dtype]
    return dtype
