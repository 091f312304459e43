"""What goes into the engine and what comes out: a request, and a reply that says what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from internvl.engine.logprobs import TokenLogprob
from internvl.engine.sampling import SamplingParams
from internvl.inputs import ModelInputs

FinishReason: TypeAlias = Literal["stop", "length"]


@dataclass(frozen=True)
class Request:
    """One prompt and how it is to be answered."""

    inputs: ModelInputs
    params: SamplingParams = field(default_factory=SamplingParams)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens: of the prompt (visual ones among them), those found in a cache, and those of the answer."""

    prompt_tokens: int
    visual_tokens: int
    tiles: int
    cached_tokens: int
    answer_tokens: int


@dataclass(frozen=True, kw_only=True)
class Timings:
    """Seconds: encoding tiles, reading the prompt, until the first token, and decoding the rest."""

    encode_s: float
    prefill_s: float
    first_token_s: float
    decode_s: float

    def tokens_per_s(self, answer_tokens: int) -> float:
        """Decoding speed after the first token; 0 when there was nothing to decode."""
        return (answer_tokens - 1) / self.decode_s if answer_tokens > 1 and self.decode_s > 0 else 0.0


@dataclass(frozen=True, kw_only=True)
class Work:
    """What an answer took, beside its tokens: tiles encoded for it (the others were found in a cache), tokens guessed by look-up and
    those of them that were right, and how often it gave its memory to older requests and was read again.
    """

    encoded_tiles: int = 0
    guessed_tokens: int = 0
    agreed_tokens: int = 0
    preemptions: int = 0


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer. `finish_reason` is 'stop' (the model ended, or a stop string came) or 'length'. `logprobs`: one a token, if asked."""

    text: str
    ids: tuple[int, ...]
    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    logprobs: tuple[TokenLogprob, ...] | None = None
    work: Work = field(default_factory=Work, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without the ids."""
        return {
            "answer": self.text,
            "finish_reason": self.finish_reason,
            "usage": vars(self.usage),
            "work": vars(self.work),
            "timings": vars(self.timings) | {"tokens_per_s": self.timings.tokens_per_s(self.usage.answer_tokens)},
        }
