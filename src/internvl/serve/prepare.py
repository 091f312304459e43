"""From a checked request to what the engine takes, in worker threads: media opened, tokens counted, then pixels decoded.

    ChatRequest --headers--> TokenCount --fits?--> Planned --pixels--> one Request for each choice

The cost is known before a pixel is decoded, so a request that can't fit costs no memory. Files are opened by decoder processes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from internvl.engine.request import Request
from internvl.engine.sampling import SamplingParams
from internvl.errors import ContextLengthError, GrammarError, MissingDependencyError
from internvl.media.opening import Opener
from internvl.messages import Message
from internvl.processor import Processor, TokenCount
from internvl.serve.answer_form import asked_by
from internvl.serve.config import ServeConfig
from internvl.serve.errors import ApiError
from internvl.serve.fetch import Fetcher
from internvl.serve.media import MediaReader
from internvl.serve.schema import ChatRequest, CompletionRequest, CountRequest
from internvl.serve.served import Served
from internvl.serve.translate import check_length, choices, conversation, decoding

BYTES_OF_A_NUMBER = 4  # pixels are float32


@dataclass(frozen=True)
class Planned:
    """A request that fits. `ready` decodes its pixels, `pixel_bytes` of them, and gives one request of the engine for each choice."""

    choices: int
    pixel_bytes: int
    ready: Callable[[], Sequence[Any]]


@dataclass(frozen=True)
class Preparer:
    """Prepares requests for one model. Safe to use from several threads."""

    served: Served
    config: ServeConfig
    fetcher: Fetcher

    @property
    def context(self) -> int:
        """How many tokens prompt and answer may have together."""
        return self.config.max_context_tokens or self.served.language.max_positions

    def chat(self, request: ChatRequest, opener: Opener) -> Planned:
        """A chat, its cost checked. Raises the typed errors of media, prompts and decoding."""
        messages = self._messages(request)
        processor = self.served.processor.with_opener(opener)
        counted = processor.count(messages)
        params = self._decoding(request, self._room(counted.text, counted.visual))
        return Planned(
            choices=choices(request, self.config),
            pixel_bytes=self._pixel_bytes(counted),
            ready=lambda: self._requests(request, messages, processor, params),
        )

    def completion(self, request: CompletionRequest, opener: Opener) -> Planned:
        """The same for plain text."""
        check_length(len(request.text), self.config)
        inputs = self.served.processor.plain(request.text)
        params = self._decoding(request, self._room(inputs.tokens, 0))
        wanted = choices(request, self.config)
        return Planned(choices=wanted, pixel_bytes=0, ready=lambda: _for_choices(Request(inputs, params), wanted))

    def count(self, request: CountRequest, opener: Opener) -> TokenCount:
        """What a question would cost, from file headers."""
        return self.served.processor.with_opener(opener).count(self._messages(request))

    def ids(self, text: str) -> list[int]:
        """The ids of plain text, as a completion would read it."""
        check_length(len(text), self.config)
        return self.served.tokenizer.encode_text(text)

    def _decoding(self, request: ChatRequest | CompletionRequest, room: int) -> SamplingParams:
        params = decoding(request, self.config, room=room)
        try:
            self.served.check_form(params)
        except (GrammarError, MissingDependencyError) as error:
            raise ApiError(" ".join(str(error).split()), param=asked_by(request)) from error
        return params

    def _requests(
        self, request: ChatRequest, messages: Sequence[Message], processor: Processor, params: SamplingParams
    ) -> Sequence[Any]:
        return _for_choices(Request(processor.prepare(messages), params), choices(request, self.config))

    def _messages(self, request: ChatRequest | CountRequest) -> list[Message]:
        media = MediaReader(self.config, self.served.processor.policy, self.fetcher)
        return conversation(request.messages, media, max_tiles=request.internvl.max_tiles)

    def _pixel_bytes(self, counted: TokenCount) -> int:
        tiles = sum(each.tiles for each in counted.media)
        return tiles * 3 * self.served.processor.policy.tile_size**2 * BYTES_OF_A_NUMBER

    def _room(self, text: int, visual: int) -> int:
        room = self.context - text - visual
        if room < 1:
            raise ContextLengthError(
                f"the prompt has {text + visual} tokens ({text} of text, {visual} visual), but prompt and answer together may have "
                f"{self.context}; use fewer tiles, pictures, frames or words"
            )
        return room


def _for_choices(first: Request, number: int) -> list[Request]:
    """The same prompt for every choice; with a seed, each choice has its own, so that they differ and can be repeated."""
    seed = first.params.seed
    if seed is None:
        return [first] * number
    return [Request(first.inputs, replace(first.params, seed=shifted(seed, index))) for index in range(number)]


def shifted(seed: int, index: int) -> int:
    """The seed of choice number `index`; it wraps around instead of leaving the 64 bits that a seed has."""
    return (seed + index) % (1 << 64) if seed + index >= 1 << 64 else seed + index
