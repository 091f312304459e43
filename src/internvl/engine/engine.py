"""Requests in, replies out: encode tiles, read the prompt, decode token by token, one loop for one request or many.

    Request -> begin -> Reading -> read: tiles -> visual tokens (VisionCache) -> into a KVCache -> first token -> step ... -> Reply

Every prompt is read alone and without padding; a batch shares only the decoding, and in it each member keeps its own cache. So it
gets the positions, and up to rounding the numbers, that it would have by itself. `engine.scheduler` takes the same steps for many.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence

import torch
from torch import Tensor

from internvl.engine.answer import Answer
from internvl.engine.beam import beam_search
from internvl.engine.generation import Generation
from internvl.engine.logprobs import token_logprob
from internvl.engine.prefix import Prefix
from internvl.engine.reading import Reading
from internvl.engine.request import Reply, Request
from internvl.engine.runner import make_runner
from internvl.engine.sampling import Sampler, next_tokens
from internvl.engine.text_stream import Decoder, TextStream
from internvl.engine.vision_cache import VisionCache
from internvl.errors import ContextLengthError, NumericError, SamplingError
from internvl.inputs import ModelInputs
from internvl.models.internvl import InternVL
from internvl.prompt.placeholders import GROUNDING_MARKS
from internvl.prompt.tokenizer import Tokenizer

MAX_BATCH = 8
UNBOUNDED = 1 << 30


class Engine:
    """Runs requests on one model, one call at a time. `stop_ids` end an answer. Without a tokenizer replies hold ids and no text."""

    def __init__(
        self, model: InternVL, tokenizer: Tokenizer | None, *, stop_ids: frozenset[int], vision_cache: VisionCache | None = None
    ) -> None:
        self.model = model
        self.runner = make_runner(model)
        self.tokenizer = tokenizer
        self.stop_ids = stop_ids
        self.vision_cache = VisionCache() if vision_cache is None else vision_cache

    def generate(self, requests: Sequence[Request], *, max_batch: int = MAX_BATCH) -> list[Reply]:
        """Answer all requests, at most `max_batch` at a time; replies come in the order of the requests.

        Raises ContextLengthError, SamplingError, NumericError.
        """
        answers: list[Answer] = []
        running: list[Reading] = []
        for request in requests:
            reading = self._begun(request)
            answers.append(reading.answer)
            running += [] if reading.finished else [reading]
            del reading  # whoever is finished is not held: its cache is free
            while len(running) >= max_batch:
                running = self._stepped(running)
        while running:
            running = self._stepped(running)
        return [answer.reply() for answer in answers]

    def stream(self, request: Request, *, prefix: Prefix | None = None) -> Generation:
        """Read one request; the answer comes piece by piece. A `prefix` of an earlier turn is continued, and its cache taken over.

        When the prompt is too long (ContextLengthError) the prefix is left as it was.
        """
        reading = self.begin(request, prefix)
        self.read(reading)
        return Generation(self._pieces(reading), reading)

    def room(self, request: Request) -> int:
        """Tokens the answer may have. Raises ContextLengthError when the prompt leaves none, SamplingError for stops without text."""
        if self.tokenizer is None and request.params.stop:
            raise SamplingError("stop strings need a tokenizer, and this engine has none")
        return min(request.params.max_new_tokens, self._positions_left(request.inputs))

    def begin(self, request: Request, prefix: Prefix | None = None) -> Reading:
        """Take a request on, with what it shares with a `prefix`, whose cache is taken over. Computes nothing. Raises as `room`."""
        inputs, params = request.inputs, request.params
        room = self.room(request)
        shared = 0 if prefix is None else prefix.shared_with(inputs, self.model.config.language)
        cache = self.model.new_cache() if prefix is None or shared == 0 else prefix.cache
        cache.truncate(shared)
        answer = Answer(
            request=request,
            sampler=Sampler(params, self.stop_ids),
            stream=TextStream(self._decoder(request), params.stop),
            room=room,
            started=time.perf_counter(),
            cached_tokens=shared,
        )
        return Reading(answer, cache, prefix.first_prompt if prefix is not None and shared else inputs.tokens)

    @torch.inference_mode()
    def read(self, reading: Reading, tokens: int = UNBOUNDED) -> int:
        """Read at most `tokens` more of the prompt, and encode the tiles among them -> how many were read."""
        answer, cache, inputs = reading.answer, reading.cache, reading.answer.request.inputs
        began = self._now()
        start, count = cache.length, min(tokens, reading.left)
        visual = self._visual(inputs, start, start + count)
        encoded = self._now()
        ids = inputs.ids[None, start : start + count]
        # In parts too, rotary angles are those of the whole prompt: its length selects them.
        logits = self.runner.read(ids, visual, placeholder_id=inputs.placeholder_id, cache=cache, total=inputs.tokens)
        reading.logits = None if reading.left else logits
        answer.encode_s += encoded - began
        answer.prefill_s += self._now() - encoded
        return count

    @torch.inference_mode()
    def first(self, reading: Reading) -> str:
        """Choose the first token of a prompt that was read, or with beams the whole answer -> its text. Raises NumericError."""
        answer, logits = reading.answer, reading.logits
        if logits is None:
            raise ValueError(f"{reading.left} tokens of the prompt are not read yet")
        reading.logits = None
        if answer.request.params.num_beams == 1:
            return self._take([answer], logits[None])[0]
        began = time.perf_counter()
        answer.first_token_s = began - answer.started
        params = answer.request.params
        pieces = []
        for token in beam_search(self.model, reading.cache, logits, params, self.stop_ids, room=answer.room):
            pieces.append(answer.take(token))
            if answer.finish_reason is not None:
                break
        answer.decode_s = time.perf_counter() - began
        return "".join(pieces)

    @torch.inference_mode()
    def step(self, readings: Sequence[Reading]) -> list[str]:
        """Append each answer's last token to its cache, choose the next one -> the text that this made certain.

        Raises NumericError when one of them has no next token; then no answer has changed, and caches are as they were.
        """
        began = time.perf_counter()
        answers, caches = [reading.answer for reading in readings], [reading.cache for reading in readings]
        logits = self.runner.decode([answer.ids[-1:] for answer in answers], caches)
        try:
            pieces = self._take(answers, logits)
        except NumericError:
            for cache in caches:
                cache.truncate(cache.length - 1)
            raise
        spent_s = time.perf_counter() - began
        for answer in answers:
            answer.decode_s += spent_s
        return pieces

    def _begun(self, request: Request) -> Reading:
        reading = self.begin(request)
        self.read(reading)
        self.first(reading)
        return reading

    def _stepped(self, running: list[Reading]) -> list[Reading]:
        self.step(running)
        return [reading for reading in running if not reading.finished]

    def _pieces(self, reading: Reading) -> Generator[str]:
        # The steps have inference mode within them: around the yield it would leak into the caller's code.
        piece = self.first(reading)
        while True:
            if piece:
                yield piece
            if reading.finished:
                return
            [piece] = self.step([reading])

    def _take(self, answers: Sequence[Answer], logits: Tensor) -> list[str]:
        tokens = next_tokens(logits, [answer.sampler for answer in answers], [answer.ids for answer in answers])
        for answer, token, row in zip(answers, tokens, logits, strict=True):
            top = answer.request.params.logprobs
            if top is not None:
                answer.logprobs.append(token_logprob(row, token, top))
        return [answer.take(token) for answer, token in zip(answers, tokens, strict=True)]

    def _visual(self, inputs: ModelInputs, start: int, stop: int) -> Tensor | None:
        """Visual tokens [n,D] of the placeholders among tokens start...stop; only their tiles are encoded."""
        if inputs.pixels is None:
            return None
        slots = inputs.ids == inputs.placeholder_id
        before, until = int(slots[:start].sum()), int(slots[:stop].sum())
        if before == until:
            return None
        tile, inside = divmod(before, inputs.tokens_per_tile)
        tiles = slice(tile, -(-until // inputs.tokens_per_tile))
        tokens = self.vision_cache.encode(self.runner.encode, inputs.pixels[tiles], inputs.tile_keys[tiles])
        return tokens.flatten(0, 1)[inside : inside + until - before]

    def _positions_left(self, inputs: ModelInputs) -> int:
        """Positions behind the prompt. Dynamic rope reaches beyond the trained length; for the others it is the limit."""
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
