"""This package as people use it: `internvl.load`, a session a chat, pictures as files. Its caches stay on, as they are by default."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from benchmarks.machine import peak_memory_mb
from benchmarks.peers.peer import Picture, Setup
from benchmarks.turn import Turn

# Answers of random weights run in circles, which prompt look-up would write many tokens a step: no answer of a real model does.
PLAIN = {"lookup_tokens": 0}
DTYPES = {"bf16": "bfloat16", "fp32": "float32", "int8": "int8", "int4": "int4"}


class Ours:
    """internvl, with weights of the number type that `variant` names, or of the quantised folder that was prepared for it."""

    def __init__(self, setup: Setup) -> None:
        import torch

        import internvl

        torch.set_num_threads(setup.threads)
        self._library, self._setup = internvl, setup

    def load(self) -> None:
        """Model and tokenizer; nothing may end an answer early."""
        prepared = self._setup.extra.get("quantised")
        dtype = None if prepared else DTYPES[self._setup.variant]
        self.vlm: Any = self._library.load(prepared or self._setup.folder, dtype=dtype)
        self.vlm.engine.stop_ids = frozenset()

    def ask(self, picture: Picture, question: str, *, tokens: int) -> Turn:
        """A new session."""
        self.talk: Any = self.vlm.session(system=picture.system)
        return self._turn(question, self._library.Image(picture.path), tokens=tokens)

    def again(self, question: str, *, tokens: int, by_hand: bool = False) -> Turn | None:
        """The session keeps what was read."""
        return None if by_hand else self._turn(question, tokens=tokens)

    def batch(self, pictures: Sequence[Picture], question: str, *, tokens: int) -> float:
        """The engine's own batch."""
        began = time.perf_counter()
        questions = [(question, self._library.Image(picture.path)) for picture in pictures]
        self.vlm.batch(questions, system=pictures[0].system, max_new_tokens=tokens, **PLAIN)
        return time.perf_counter() - began

    def peak_mb(self) -> float:
        """Of this process."""
        return peak_memory_mb()

    def close(self) -> None:
        """Nothing was started."""

    def _turn(self, question: str, *media: Any, tokens: int) -> Turn:
        began = time.perf_counter()
        self.talk.ask(question, *media, max_new_tokens=tokens, **PLAIN)
        reply, spent_s = self.talk.reply, time.perf_counter() - began
        # By the clock on the wall, so that opening and cutting the picture counts.
        return Turn(
            tokens=list(reply.ids),
            first_token_s=spent_s - reply.timings.decode_s,
            decode_s=reply.timings.decode_s,
            encode_s=reply.timings.encode_s,
            prompt_tokens=reply.usage.prompt_tokens,
        )
