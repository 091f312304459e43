"""Requests in, replies out: encode tiles, read the prompt, decode token by token, one loop for one request or many.

    Request -> tiles -> visual tokens (VisionCache) -> prefill into a KVCache -> first token -> decode -> Reply

Every prompt is read alone and without padding; a batch shares only the decoding. So each member gets the positions, and up to
rounding the numbers, that it would have by itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from internvl.engine.beam import beam_search
from internvl.engine.prefix import Prefix
from internvl.engine.request import FinishReason, Reply, Request, Timings, Usage
from internvl.engine.sampling import Sampler
from internvl.engine.text_stream import TextStream
from internvl.engine.vision_cache import VisionCache
from internvl.errors import ContextLengthError
from internvl.inputs import ModelInputs
from internvl.models.internvl import InternVL
from internvl.models.language.cache import KVCache
from internvl.prompt.placeholders import GROUNDING_MARKS
from internvl.prompt.tokenizer import Tokenizer

MAX_BATCH = 8


@dataclass
class Answer:
    """One request on its way: its tokens so far, its text, its place in the batch."""

    request: Request
    sampler: Sampler
    stream: TextStream
    room: int  # tokens the answer may have
    cached_tokens: int
    encode_s: float
    prefill_s: float
    started: float
    ids: list[int] = field(default_factory=list)
    text: str = ""
    first_token_s: float = 0.0
    finish_reason: FinishReason | None = None

    def take(self, token: int) -> str:
        """Add a token; return the text it made certain. Sets `finish_reason` when the answer is complete."""
        self.ids.append(token)
        self.first_token_s = self.first_token_s or time.perf_counter() - self.started
        if token in self.sampler.stop_ids:
            self.finish_reason = "stop"
        piece = "" if self.finish_reason else self.stream.push(token)
        if self.stream.stopped:
            self.finish_reason = "stop"
        elif not self.finish_reason and len(self.ids) >= self.room:
            self.finish_reason = "length"
        if self.finish_reason:
            piece += self.stream.finish()
        self.text += piece
        return piece

    def reply(self) -> Reply:
        """The finished answer."""
        inputs = self.request.inputs
        total_s = time.perf_counter() - self.started
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
                decode_s=total_s - self.first_token_s,
            ),
        )


class Generation:
    """An answer that is being written: iterate for its pieces; `reply` is complete when the iteration ended or was closed."""

    def __init__(self, pieces: Iterator[str], answer: Answer, cache: KVCache) -> None:
        self._pieces = pieces
        self._answer = answer
        self._cache = cache

    def __iter__(self) -> Iterator[str]:
        return self._pieces

    @property
    def reply(self) -> Reply:
        """What has been answered so far."""
        return self._answer.reply()

    @property
    def prefix(self) -> Prefix:
        """What the model has read by now, for a next turn."""
        inputs = self._answer.request.inputs
        ids = (*inputs.ids.tolist(), *self._answer.ids)
        return Prefix(ids[: self._cache.length], inputs.tile_keys, self._cache)


class Engine:
    """Runs requests on one model. `stop_ids` end an answer."""

    def __init__(
        self, model: InternVL, tokenizer: Tokenizer, *, stop_ids: frozenset[int], vision_cache: VisionCache | None = None
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.stop_ids = stop_ids
        self.vision_cache = VisionCache() if vision_cache is None else vision_cache

    def generate(self, requests: Sequence[Request], *, max_batch: int = MAX_BATCH) -> list[Reply]:
        """Answer all requests, at most `max_batch` at a time; replies come in the order of the requests."""
        replies: list[Reply] = []
        for start in range(0, len(requests), max_batch):
            replies += self._generate_batch(requests[start : start + max_batch])
        return replies

    def stream(self, request: Request, *, prefix: Prefix | None = None) -> Generation:
        """Answer one request piece by piece. A `prefix` of an earlier turn is continued, and its cache taken over."""
        answer, cache, logits = self._start(request, prefix)
        return Generation(self._pieces(answer, cache, logits), answer, cache)

    @torch.inference_mode()
    def _generate_batch(self, requests: Sequence[Request]) -> list[Reply]:
        started = [self._start(request, None) for request in requests]
        answers = [answer for answer, _, _ in started]
        for answer, cache, logits in started:
            self._first(answer, cache, logits)
        live = [i for i, answer in enumerate(answers) if answer.finish_reason is None]
        caches = [started[i][1] for i in live]
        del started
        if live:
            self._decode_batch([answers[i] for i in live], caches[0] if len(live) == 1 else KVCache.stack(caches))
        return [answer.reply() for answer in answers]

    def _decode_batch(self, answers: list[Answer], cache: KVCache) -> None:
        while answers:
            logits = self._step([answer.ids[-1] for answer in answers], cache)
            for row, answer in enumerate(answers):
                answer.take(answer.sampler.next(logits[row], answer.ids))
            alive = [row for row, answer in enumerate(answers) if answer.finish_reason is None]
            if 0 < len(alive) < len(answers):
                cache = cache.select(alive)
            answers = [answers[row] for row in alive]

    def _pieces(self, answer: Answer, cache: KVCache, logits: Tensor) -> Iterator[str]:
        with torch.inference_mode():
            piece = self._first(answer, cache, logits)
        while True:
            if piece:
                yield piece
            if answer.finish_reason is not None:
                return
            with torch.inference_mode():
                logits = self._step([answer.ids[-1]], cache)[0]
                piece = answer.take(answer.sampler.next(logits, answer.ids))

    def _first(self, answer: Answer, cache: KVCache, logits: Tensor) -> str:
        """The first token, or with beams the whole answer."""
        if answer.request.params.num_beams == 1:
            return answer.take(answer.sampler.next(logits, answer.ids))
        ids = beam_search(self.model, cache, logits, answer.request.params, self.stop_ids, room=answer.room)
        return "".join([answer.take(token) for token in ids])

    def _step(self, tokens: Sequence[int], cache: KVCache) -> Tensor:
        """Append one token to every row -> logits [rows, vocabulary]."""
        ids = torch.tensor(tokens, dtype=torch.long)[:, None]
        return self.model(ids, cache=cache)[:, -1]

    @torch.inference_mode()
    def _start(self, request: Request, prefix: Prefix | None) -> tuple[Answer, KVCache, Tensor]:
        started = time.perf_counter()
        inputs, params = request.inputs, request.params
        room = min(params.max_new_tokens, self._room(inputs))
        shared = 0 if prefix is None else prefix.shared_with(inputs)
        cache = self.model.new_cache() if prefix is None or shared == 0 else prefix.cache
        cache.truncate(shared)
        visual = self._visual(inputs, shared)
        encoded = time.perf_counter()
        ids = inputs.ids[None, shared:]
        logits = self.model(ids, visual, placeholder_id=inputs.placeholder_id, cache=cache, last_only=True)[0, -1]
        keep = _marks(self.tokenizer) if params.show_marks else frozenset()
        answer = Answer(
            request=request,
            sampler=Sampler(params, self.stop_ids),
            stream=TextStream(self.tokenizer.stream(keep=keep), params.stop),
            room=room,
            cached_tokens=shared,
            encode_s=encoded - started,
            prefill_s=time.perf_counter() - encoded,
            started=started,
        )
        return answer, cache, logits

    def _visual(self, inputs: ModelInputs, shared: int) -> Tensor | None:
        """Visual tokens [n,D] of the placeholders behind the first `shared` tokens; only their tiles are encoded."""
        if inputs.pixels is None:
            return None
        read = int((inputs.ids[:shared] == inputs.placeholder_id).sum())
        tile, inside = divmod(read, inputs.tokens_per_tile)
        if tile == inputs.tiles:
            return None
        tokens = self.vision_cache.encode(self.model, inputs.pixels[tile:], inputs.tile_keys[tile:])
        return tokens.flatten(0, 1)[inside:]

    def _room(self, inputs: ModelInputs) -> int:
        """Tokens an answer may have. Dynamic rope reaches beyond the trained length; for the others it is the limit."""
        language = self.model.config.language
        if language.rope.kind == "dynamic":
            return 1 << 30
        room = language.max_positions - inputs.tokens
        if room < 1:
            raise ContextLengthError(
                f"the prompt has {inputs.tokens} tokens ({inputs.visual_tokens} of them visual, {inputs.tiles} tiles), "
                f"but the model has {language.max_positions} positions; use fewer tiles, pictures or words"
            )
        return room


def _marks(tokenizer: Tokenizer) -> frozenset[int]:
    return frozenset(tokenizer.token_id(mark) for mark in GROUNDING_MARKS if tokenizer.has(mark))
