"""Requests in, replies out: encode tiles, read the prompt, decode token by token, one loop for one request or many.

    Request -> tiles -> visual tokens (VisionCache) -> prefill into a KVCache -> first token -> decode -> Reply

Every prompt is read alone and without padding; a batch shares only the decoding. So each member gets the positions, and up to
rounding the numbers, that it would have by itself.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from internvl.engine.answer import Answer
from internvl.engine.beam import beam_search
from internvl.engine.generation import Generation
from internvl.engine.prefix import Prefix, angle_limit
from internvl.engine.request import Reply, Request
from internvl.engine.sampling import Sampler, next_tokens
from internvl.engine.text_stream import Decoder, TextStream
from internvl.engine.vision_cache import VisionCache
from internvl.errors import ContextLengthError, SamplingError
from internvl.inputs import ModelInputs
from internvl.models.internvl import InternVL
from internvl.models.language.cache import KVCache
from internvl.prompt.placeholders import GROUNDING_MARKS
from internvl.prompt.tokenizer import Tokenizer

MAX_BATCH = 8
UNBOUNDED = 1 << 30


@dataclass
class _Read:
    """A prompt that was read: its keys and values, and the logits [vocabulary] behind its last token."""

    answer: Answer
    cache: KVCache
    logits: Tensor
    first_prompt: int


class Engine:
    """Runs requests on one model, one call at a time. `stop_ids` end an answer. Without a tokenizer replies hold ids and no text."""

    def __init__(
        self, model: InternVL, tokenizer: Tokenizer | None, *, stop_ids: frozenset[int], vision_cache: VisionCache | None = None
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.stop_ids = stop_ids
        self.vision_cache = VisionCache() if vision_cache is None else vision_cache

    def generate(self, requests: Sequence[Request], *, max_batch: int = MAX_BATCH) -> list[Reply]:
        """Answer all requests, at most `max_batch` at a time; replies come in the order of the requests.

        Raises ContextLengthError, SamplingError, NumericError.
        """
        replies: dict[int, Reply] = {}
        for members in self._batches(requests, max_batch):
            replies.update(zip(members, self._generate_batch([requests[i] for i in members]), strict=True))
        return [replies[i] for i in range(len(requests))]

    def stream(self, request: Request, *, prefix: Prefix | None = None) -> Generation:
        """Read one request; the answer comes piece by piece. A `prefix` of an earlier turn is continued, and its cache taken over.

        When the prompt is too long (ContextLengthError) the prefix is left as it was.
        """
        read = self._start(request, prefix)
        return Generation(self._pieces(read), read.answer, read.cache, first_prompt=read.first_prompt)

    def _batches(self, requests: Sequence[Request], max_batch: int) -> Iterator[list[int]]:
        """Numbers of the requests that are decoded together.

        One that may outgrow the limit of its rotary angles goes alone: these follow the longest member, and change for all.
        """
        limit = angle_limit(self.model.config.language) or UNBOUNDED
        together = []
        for number, request in enumerate(requests):
            if request.inputs.tokens + request.params.max_new_tokens > limit:
                yield [number]
            else:
                together.append(number)
        for start in range(0, len(together), max_batch):
            yield together[start : start + max_batch]

    @torch.inference_mode()
    def _generate_batch(self, requests: Sequence[Request]) -> list[Reply]:
        answers, live, caches = [], [], []
        for request in requests:
            read = self._start(request, None)
            self._first(read)
            answers.append(read.answer)
            if read.answer.finish_reason is None:
                live.append(read.answer)
                caches.append(read.cache)
            del read
        if live:
            # The list is emptied so that the caches of single prompts are freed before decoding begins.
            stacked = caches[0] if len(caches) == 1 else KVCache.stack(caches)
            caches.clear()
            self._decode_batch(live, stacked)
        return [answer.reply() for answer in answers]

    def _decode_batch(self, answers: list[Answer], cache: KVCache) -> None:
        while answers:
            self._step(answers, cache)
            alive = [row for row, answer in enumerate(answers) if answer.finish_reason is None]
            if 0 < len(alive) < len(answers):
                cache = cache.select(alive)
            answers = [answers[row] for row in alive]

    def _pieces(self, read: _Read) -> Generator[str]:
        answer, cache = read.answer, read.cache
        with torch.inference_mode():
            piece = self._first(read)
        del read
        while True:
            if piece:
                yield piece
            if answer.finish_reason is not None:
                return
            # Not around the yield: the mode would leak into the caller's code.
            with torch.inference_mode():
                [piece] = self._step([answer], cache)

    def _first(self, read: _Read) -> str:
        """The first token, or with beams the whole answer -> its text."""
        answer = read.answer
        if answer.request.params.num_beams == 1:
            [token] = next_tokens(read.logits[None], [answer.sampler], [answer.ids])
            return answer.take(token)
        began = time.perf_counter()
        answer.first_token_s = began - answer.started
        params = answer.request.params
        pieces = []
        for token in beam_search(self.model, read.cache, read.logits, params, self.stop_ids, room=answer.room):
            pieces.append(answer.take(token))
            if answer.finish_reason is not None:
                break
        answer.decode_s = time.perf_counter() - began
        return "".join(pieces)

    def _step(self, answers: Sequence[Answer], cache: KVCache) -> list[str]:
        """Append each answer's last token to its row, choose the next one -> the text that this made certain."""
        began = time.perf_counter()
        ids = torch.tensor([answer.ids[-1] for answer in answers])[:, None]
        logits = self.model(ids, cache=cache)[:, -1]
        tokens = next_tokens(logits, [answer.sampler for answer in answers], [answer.ids for answer in answers])
        spent_s = time.perf_counter() - began
        for answer in answers:
            answer.decode_s += spent_s
        return [answer.take(token) for answer, token in zip(answers, tokens, strict=True)]

    @torch.inference_mode()
    def _start(self, request: Request, prefix: Prefix | None) -> _Read:
        started = time.perf_counter()
        inputs, params = request.inputs, request.params
        room = min(params.max_new_tokens, self._room(inputs))
        stream = TextStream(self._decoder(request), params.stop)
        shared = 0 if prefix is None else prefix.shared_with(inputs, self.model.config.language)
        cache = self.model.new_cache() if prefix is None or shared == 0 else prefix.cache
        cache.truncate(shared)
        visual = self._visual(inputs, shared)
        encoded = self._now()
        ids = inputs.ids[None, shared:]
        logits = self.model(ids, visual, placeholder_id=inputs.placeholder_id, cache=cache, last_only=True)[0, -1]
        answer = Answer(
            request=request,
            sampler=Sampler(params, self.stop_ids),
            stream=stream,
            room=room,
            started=started,
            cached_tokens=shared,
            encode_s=encoded - started,
            prefill_s=self._now() - encoded,
        )
        return _Read(answer, cache, logits, prefix.first_prompt if prefix is not None and shared else inputs.tokens)

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
            return UNBOUNDED
        room = language.max_positions - inputs.tokens
        if room < 1:
            raise ContextLengthError(
                f"the prompt has {inputs.tokens} tokens ({inputs.tokens - inputs.visual_tokens} of text, {inputs.visual_tokens} "
                f"visual in {inputs.tiles} tiles), but the model has {language.max_positions} positions and an answer needs 1 or more; "
                "use fewer tiles, pictures, frames or words"
            )
        return room

    def _decoder(self, request: Request) -> Decoder:
        if self.tokenizer is None:
            if request.params.stop:
                raise SamplingError("stop strings need a tokenizer, and this engine has none")
            return _Wordless()
        return self.tokenizer.stream(keep=_marks(self.tokenizer) if request.params.show_marks else frozenset())

    def _now(self) -> float:
        """The clock, once a GPU has done what it was given."""
        if self.model.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


class _Wordless:
    """Stands in for a decoder where nobody wants text."""

    def push(self, token_id: int) -> str:
        return ""

    def finish(self) -> str:
        return ""


def _marks(tokenizer: Tokenizer) -> frozenset[int]:
    return frozenset(tokenizer.token_id(mark) for mark in GROUNDING_MARKS if tokenizer.has(mark))
