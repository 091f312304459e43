"""One answer that is being written: its tokens so far, its text, what it has cost, and why it ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from internvl.engine.logprobs import TokenLogprob
from internvl.engine.lookup import Lookup
from internvl.engine.request import FinishReason, Reply, Request, Timings, Usage, Work
from internvl.engine.sampling import Sampler
from internvl.engine.text_stream import TextStream


@dataclass(kw_only=True)
class Answer:
    """`room` is how many tokens it may have; `started` the clock when its request began to be read; `lookup` guesses tokens of it."""

    request: Request
    sampler: Sampler
    stream: TextStream
    room: int
    started: float
    cached_tokens: int
    lookup: Lookup | None = None
    encode_s: float = 0.0
    prefill_s: float = 0.0
    first_token_s: float = 0.0
    decode_s: float = 0.0
    encoded_tiles: int = 0
    guessed_tokens: int = 0
    agreed_tokens: int = 0
    preemptions: int = 0
    ids: list[int] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    text: str = ""
    finish_reason: FinishReason | None = None

    def guess(self, most: int) -> list[int]:
        """At most so many tokens that may follow the last one; never so many that the answer would outgrow its room."""
        if self.lookup is None:
            return []
        guess = self.lookup.guess(self.ids, min(most, self.room - len(self.ids) - 1))
        return guess[: self.sampler.allowed(self.ids, guess)] if guess else guess

    def learn(self, guessed: int, agreed: int) -> None:
        """Count what came of a guess."""
        self.guessed_tokens += guessed
        self.agreed_tokens += agreed
        if self.lookup is not None and guessed:
            self.lookup.learn(guessed, agreed)

    def take(self, token: int) -> str:
        """Add a token; return the text it made certain. Sets `finish_reason` when the answer is complete."""
        self.ids.append(token)
        self.first_token_s = self.first_token_s or time.perf_counter() - self.started
        self.finish_reason = self.sampler.finished(self.ids)
        piece = "" if token in self.sampler.stop_ids else self.stream.push(token)
        if self.stream.stopped:
            self.finish_reason = "stop"
        elif not self.finish_reason and len(self.ids) >= self.room:
            self.finish_reason = "length"
        if self.finish_reason:
            piece += self.stream.finish()
        self.text += piece
        return piece

    def reply(self) -> Reply:
        """The answer as it stands."""
        inputs = self.request.inputs
        return Reply(
            text=self.text,
            ids=tuple(self.ids),
            finish_reason=self.finish_reason or "length",
            usage=Usage(
                prompt_tokens=inputs.tokens,
                visual_tokens=inputs.visual_tokens,
                tiles=inputs.tiles,
                cached_tokens=self.cached_tokens,
                answer_tokens=len(self.ids),
            ),
            timings=Timings(
                encode_s=self.encode_s,
                prefill_s=self.prefill_s,
                first_token_s=self.first_token_s,
                decode_s=self.decode_s,
            ),
            logprobs=None if self.request.params.logprobs is None else tuple(self.logprobs),
            work=Work(
                encoded_tiles=self.encoded_tiles,
                guessed_tokens=self.guessed_tokens,
                agreed_tokens=self.agreed_tokens,
                preemptions=self.preemptions,
            ),
        )
