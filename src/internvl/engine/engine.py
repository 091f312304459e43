"""Requests in, replies out: encode tiles, read the prompt, decode token by token, one loop for one request or many.

    Request -> begin -> Reading -> read: tiles -> visual tokens (VisionCache) -> into a KVCache -> first token -> step ... -> Reply

Every prompt is read alone and without padding; a batch shares only the decoding, and in it each member keeps its own cache. So it
gets the positions, and up to rounding the numbers, that it would have by itself. A step writes a token, or several where a guess of
`engine.lookup` was what the answer would have said anyway. `engine.scheduler` takes the same steps for many.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from internvl.engine.answer import Answer
from internvl.engine.beam import beam_search
from internvl.engine.generation import Generation
from internvl.engine.grammar import Grammars
from internvl.engine.logprobs import token_logprob
from internvl.engine.lookup import Lookup
from internvl.engine.prefix import Prefix
from internvl.engine.prefix_pool import best_of, worth_sharing
from internvl.engine.reading import Reading
from internvl.engine.request import Reply, Request
from internvl.engine.runner import Runner, make_runner
from internvl.engine.sampling import Sampler, SamplingParams, next_tokens
from internvl.engine.shown import Eye, Shown
from internvl.engine.text_stream import Decoder, TextStream
from internvl.engine.vision_cache import VisionCache
from internvl.errors import ContextLengthError, NumericError, SamplingError
from internvl.inputs import ModelInputs
from internvl.models.config import LanguageConfig
from internvl.models.internvl import InternVL
from internvl.prompt.placeholders import GROUNDING_MARKS
from internvl.prompt.tokenizer import Tokenizer

MAX_BATCH = 8
UNBOUNDED = 1 << 30
# Guessed tokens a step, where the request says nothing. More gain where text repeats word for word, and cost more where it does not.
LOOKUP_TOKENS = 8
# Of a batch together, about: beyond some dozens of tokens a step is bound by arithmetic, and a guess costs what a token does.
BATCH_GUESSES = 32


class Engine:
    """Runs requests on one model, one call at a time. `stop_ids` end an answer. Without a tokenizer replies hold ids and no text."""

    def __init__(
        self,
        model: InternVL,
        tokenizer: Tokenizer | None,
        *,
        stop_ids: frozenset[int],
        vision_cache: VisionCache | None = None,
        grammars: Grammars | None = None,
        runner: Runner | None = None,
    ) -> None:
        self.model = model
        self.runner = make_runner(model) if runner is None else runner
        self.tokenizer = tokenizer
        self.stop_ids = stop_ids
        self.vision_cache = VisionCache() if vision_cache is None else vision_cache
        self.grammars = Grammars(tokenizer, stop_ids) if grammars is None else grammars
        self._eye = Eye(self.runner.encode, self.vision_cache, self.vision_cache.scope(model))

    def generate(self, requests: Sequence[Request], *, max_batch: int = MAX_BATCH) -> list[Reply]:
        """Answer all requests, at most `max_batch` at a time; replies come in the order of the requests.

        What a request shares with those that are being answered, a picture perhaps, it need not read again.
        Raises ContextLengthError, SamplingError, NumericError.
        """
        answers: list[Answer] = []
        running: list[Reading] = []
        for request in requests:
            reading = self._begun(request, running)
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
        room = min(request.params.max_new_tokens, self._positions_left(request.inputs))
        self.grammars.check(request.params, room=room)
        return room

    def begin(self, request: Request, prefix: Prefix | None = None, *, answer: Answer | None = None) -> Reading:
        """Take a request on, with what it shares with a `prefix`, whose cache is taken over unless it is lent. Computes nothing.

        answer: what was said already, by a reading whose cache was given up: it goes on. Raises as `room`.
        """
        inputs, room = request.inputs, self.room(request)
        shared = 0 if prefix is None else prefix.shared_with(inputs, self.language)
        soon, most = inputs.tokens, inputs.tokens + room
        if prefix is None or shared == 0:
            cache = self.model.new_cache()
        else:
            cache = prefix.cache.copy(shared, soon=soon, most=most) if prefix.lent else prefix.cache
        cache.truncate(shared)
        cache.foresee(soon=soon, most=most)
        if answer is None:
            answer = self._new_answer(request, room, shared)
        return Reading(answer, cache, prefix.first_prompt if prefix is not None and shared else inputs.tokens, Shown(inputs))

    @torch.inference_mode()
    def read(self, reading: Reading, tokens: int = UNBOUNDED, *, tiles: int | None = None) -> int:
        """Read at most `tokens` more of the prompt -> how many were read.

        Tiles among them are encoded first, at most `tiles` of them now: as long as that does not suffice, nothing is read.
        """
        answer, cache, inputs = reading.answer, reading.cache, reading.answer.request.inputs
        start, stop = cache.length, min(cache.length + tokens, inputs.tokens)
        if start >= inputs.tokens:
            return self._read_answer(reading, tokens)
        began = self._now()
        ready = reading.shown.prepare(self._eye, start, stop, limit=tiles)
        encoded = self._now()
        answer.encode_s += encoded - began
        answer.encoded_tiles, reading.shown.encoded = answer.encoded_tiles + reading.shown.encoded, 0
        if not ready:
            return 0
        visual = reading.shown.take(start, stop)
        # In parts too, rotary angles are those of the whole prompt: its length selects them.
        logits = self.runner.read(
            inputs.ids[None, start:stop], visual, placeholder_id=inputs.placeholder_id, cache=cache, total=inputs.tokens
        )
        reading.logits = logits if cache.length == inputs.tokens and not answer.ids else None
        answer.prefill_s += self._now() - encoded
        return stop - start

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
        """Append each answer's last token to its cache, choose the next one, or several -> the text that this made certain.

        Raises NumericError when one of them has no next token; then no answer has changed, and caches are as they were.
        """
        began = time.perf_counter()
        answers, caches = [reading.answer for reading in readings], [reading.cache for reading in readings]
        starts = [cache.length for cache in caches]
        most = UNBOUNDED if len(answers) == 1 else max(2, BATCH_GUESSES // len(answers))
        guesses = [answer.guess(most) for answer in answers]
        logits = self.runner.decode([answer.ids[-1:] + guess for answer, guess in zip(answers, guesses, strict=True)], caches)
        try:
            pieces = self._take_guessed(answers, guesses, logits) if any(guesses) else self._take(answers, logits)
        except NumericError:
            for cache, start in zip(caches, starts, strict=True):
                cache.truncate(start)
                cache.wipe()
            if not any(guesses):
                raise
            # A guess that means no number spoils what stands before it too, where attention is one product: without guesses, then.
            for answer in answers:
                answer.lookup = None
            return self.step(readings)
        for reading in readings:
            reading.cache.truncate(reading.goal)  # without the guesses that were wrong
        spent_s = time.perf_counter() - began
        for answer in answers:
            answer.decode_s += spent_s
        return pieces

    @property
    def language(self) -> LanguageConfig:
        """The language model's sizes."""
        return self.model.config.language

    @property
    def token_bytes(self) -> int:
        """Bytes of one token's keys and values in a cache."""
        return 2 * self.language.num_layers * self.language.kv_width * self.model.language_model.norm.weight.dtype.itemsize

    def _new_answer(self, request: Request, room: int, cached_tokens: int) -> Answer:
        inputs, params = request.inputs, request.params
        guessed = _lookup_tokens(params)
        return Answer(
            request=request,
            sampler=Sampler(params, self.stop_ids, self.grammars.begin(params, room=room)),
            stream=TextStream(self._decoder(request), params.stop, exact=params.form is not None),
            room=room,
            started=time.perf_counter(),
            cached_tokens=cached_tokens,
            lookup=Lookup(inputs.ids[inputs.ids != inputs.placeholder_id].tolist(), most=guessed) if guessed else None,
        )

    def _read_answer(self, reading: Reading, tokens: int) -> int:
        """Read what was already answered: as it was when it was written, each token by the angles of its own length."""
        answer, cache, began = reading.answer, reading.cache, self._now()
        start = cache.length - answer.request.inputs.tokens
        again = answer.ids[start : start + min(tokens, reading.left)]
        self.runner.decode([again], [cache])
        answer.prefill_s += self._now() - began
        return len(again)

    def _begun(self, request: Request, running: Sequence[Reading]) -> Reading:
        shared, best = best_of([reading.prefix for reading in running], request.inputs, self.language)
        reading = self.begin(request, replace(best, lent=True) if best is not None and worth_sharing(shared) else None)
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
        """One token for each answer, from its row of logits [B,vocabulary]."""
        tokens = next_tokens(logits, [answer.sampler for answer in answers], [answer.ids for answer in answers])
        for row, (answer, token) in enumerate(zip(answers, tokens, strict=True)):
            top = answer.request.params.logprobs
            if top is not None:
                answer.logprobs.append(token_logprob(logits[row], token, top))
        return [answer.take(token) for answer, token in zip(answers, tokens, strict=True)]

    def _take_guessed(self, answers: Sequence[Answer], guesses: Sequence[Sequence[int]], logits: Tensor) -> list[str]:
        """For each answer the next token, and as long as it is the guessed one, those behind it. logits: [n,vocabulary], all rows."""
        rows = logits.split([1 + len(guess) for guess in guesses])
        pieces = self._take(answers, torch.cat([own[:1] for own in rows]))
        for number, (answer, guess, own) in enumerate(zip(answers, guesses, rows, strict=True)):
            agreed = 0
            for token, row in zip(guess, own[1:], strict=True):
                if answer.finish_reason is not None or answer.ids[-1] != token:
                    break
                agreed += 1
                try:
                    [piece] = self._take([answer], row[None])
                except NumericError:
                    break  # the next step meets it again, as its own first token
                pieces[number] += piece
            answer.learn(len(guess), agreed)
        return pieces

    def _positions_left(self, inputs: ModelInputs) -> int:
        """Positions behind the prompt. Dynamic rope reaches beyond the trained length; for the others it is the limit."""
        language = self.language
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
        exact = self.grammars.decoder(request.params)
        if exact is not None:
            return exact
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


def _lookup_tokens(params: SamplingParams) -> int:
    """How many tokens may be guessed a step: 0 where answers are sampled, or searched with beams, unless the request says a number."""
    if params.num_beams > 1:
        return 0
    if params.lookup_tokens is None:
        return LOOKUP_TOKENS if params.greedy else 0
    return params.lookup_tokens


def _marks(tokenizer: Tokenizer) -> frozenset[int]:
    return frozenset(tokenizer.token_id(mark) for mark in GROUNDING_MARKS if tokenizer.has(mark))
