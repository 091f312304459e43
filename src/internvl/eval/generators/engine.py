"""Our own engine as a generator: asks of one protocol are decoded together, with the tiles that the protocol allows.

Ask [messages, protocol] -> VLM with the protocol's TilePolicy -> answer_all -> Answer [text, tokens, seconds]
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from internvl.checkpoint.hub import resolve
from internvl.engine.request import Reply
from internvl.engine.vlm import VLM
from internvl.errors import CheckpointError
from internvl.eval.fingerprint import folder_hash
from internvl.eval.generator import Ask
from internvl.eval.sample import Answer
from internvl.eval.task import Protocol
from internvl.media.tiling import TilePolicy
from internvl.messages import Message, Part, Video


class EngineGenerator:
    """Answers with a loaded model. folder: the checkpoint its hash is taken from; found by the model's name unless given."""

    def __init__(self, vlm: VLM, *, batch_size: int = 8, folder: Path | None = None) -> None:
        self.vlm = vlm
        self.name = vlm.name
        self.batch_size = batch_size
        self._model_hash = _model_hash(vlm, folder)
        self._with_policy: dict[TilePolicy, VLM] = {vlm.policy: vlm}

    def describe(self) -> dict[str, Any]:
        """Model hash, number type, and the tile policy that a protocol changes."""
        import torch

        runtime = {"device": str(self.vlm.model.device), "torch": torch.__version__, "batch_size": self.batch_size}
        dtype, tiling = self.vlm.number_type, self.vlm.policy.to_dict()
        return {"kind": "engine", "model_hash": self._model_hash, "dtype": dtype, "tile_policy": tiling, "runtime": runtime}

    def generate(self, asks: Sequence[Ask]) -> list[Answer]:
        """Answers in order. Raises MediaError, PromptError, ContextLengthError where one ask can't be answered."""
        answers: dict[int, Answer] = {}
        by_protocol: dict[Protocol, list[int]] = {}
        for number, ask in enumerate(asks):
            by_protocol.setdefault(ask.protocol, []).append(number)
        for protocol, members in by_protocol.items():
            answers.update(zip(members, self._answer([asks[i] for i in members], protocol), strict=True))
        return [answers[number] for number in range(len(asks))]

    def _answer(self, asks: Sequence[Ask], protocol: Protocol) -> list[Answer]:
        policy = policy_for(self.vlm.policy, protocol)
        if policy not in self._with_policy:
            self._with_policy[policy] = self.vlm.with_policy(policy)
        conversations = [with_frames(ask.messages, protocol.frames) for ask in asks]
        started = time.perf_counter()
        replies = self._with_policy[policy].answer_all(conversations, **asdict(protocol.decoding))
        seconds = (time.perf_counter() - started) / len(asks)
        return [_as_answer(reply, seconds) for reply in replies]


def policy_for(policy: TilePolicy, protocol: Protocol) -> TilePolicy:
    """A model's tile policy under a protocol: its thumbnail and tile size, the protocol's limits.

    A model that knows one tile only is shown one, whatever the protocol allows.
    """
    if not (policy.dynamic and protocol.dynamic):
        return replace(policy, dynamic=False)
    return replace(policy, min_tiles=1, max_tiles=protocol.max_tiles)


def with_frames(messages: Sequence[Message], frames: int | None) -> tuple[Message, ...]:
    """The conversation with the protocol's number of stills for clips that don't say how many."""
    if frames is None:
        return tuple(messages)
    return tuple(Message(message.role, tuple(_sampled(part, frames) for part in message.parts)) for message in messages)


def _sampled(part: Part, frames: int) -> Part:
    if not isinstance(part, Video) or part.sampling.frames is not None or part.sampling.fps is not None:
        return part
    return Video(part.source, **{**vars(part.sampling), "frames": frames})


def _as_answer(reply: Reply, seconds: float) -> Answer:
    return Answer(
        text=reply.text,
        seconds=seconds,
        prompt_tokens=reply.usage.prompt_tokens,
        image_tokens=reply.usage.visual_tokens,
        new_tokens=reply.usage.answer_tokens,
        finish_reason=reply.finish_reason,
    )


def _model_hash(vlm: VLM, folder: Path | None) -> str:
    """Of the checkpoint's files, or of the weights themselves for a model that was built in memory."""
    try:
        return folder_hash(resolve(vlm.name) if folder is None else folder)
    except CheckpointError:
        return _weights_hash(vlm)


def _weights_hash(vlm: VLM) -> str:
    import torch

    digest = hashlib.sha256(repr(vlm.config).encode())
    for name, tensor in sorted(vlm.model.state_dict().items()):
        values = tensor.detach().to("cpu").contiguous().flatten().view(torch.uint8)
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode() + values.numpy().tobytes())
    return f"weights:{digest.hexdigest()}"
