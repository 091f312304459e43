"""From a checked request to what the engine takes, in worker threads: media opened, tokens counted, then pixels decoded.

    ChatRequest --headers--> TokenCount --fits?--> pixels --> Prepared(one Request for each choice)

The cost is known before a pixel is decoded, so a request that can't fit costs no memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from internvl.engine.request import Request
from internvl.engine.vlm import VLM
from internvl.errors import ContextLengthError
from internvl.messages import Message
from internvl.processor import TokenCount
from internvl.serve.config import ServeConfig
from internvl.serve.fetch import Fetcher
from internvl.serve.media import MediaReader
from internvl.serve.schema import ChatRequest, CompletionRequest, CountRequest
from internvl.serve.translate import check_length, choices, conversation, decoding


@dataclass(frozen=True)
class Preparer:
    """Prepares requests for one model. Safe to use from several threads."""

    vlm: VLM
    config: ServeConfig
    fetcher: Fetcher

    @property
    def context(self) -> int:
        """How many tokens prompt and answer may have together."""
        return self.config.max_context_tokens or self.vlm.model.config.language.max_positions

    def chat(self, request: ChatRequest) -> list[Request]:
        """One request of the engine for each choice. Raises the typed errors of media, prompts and decoding."""
        messages = self._messages(request)
        counted = self.vlm.processor.count(messages)
        params = decoding(request, self.config, room=self._room(counted.text, counted.visual))
        first = Request(self.vlm.processor.prepare(messages), params)
        return _for_choices(first, choices(request, self.config))

    def completion(self, request: CompletionRequest) -> list[Request]:
        """The same for plain text."""
        check_length(len(request.prompt), self.config)
        inputs = self.vlm.processor.plain(request.prompt)
        params = decoding(request, self.config, room=self._room(inputs.tokens, 0))
        return _for_choices(Request(inputs, params), choices(request, self.config))

    def count(self, request: CountRequest) -> TokenCount:
        """What a question would cost, from file headers."""
        return self.vlm.processor.count(self._messages(request))

    def ids(self, text: str) -> list[int]:
        """The ids of plain text, as a completion would read it."""
        check_length(len(text), self.config)
        return self.vlm.tokenizer.encode_text(text)

    def _messages(self, request: ChatRequest | CountRequest) -> list[Message]:
        media = MediaReader(self.config, self.vlm.processor.policy, self.fetcher)
        return conversation(request.messages, media, max_tiles=request.internvl.max_tiles)

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
    return [Request(first.inputs, replace(first.params, seed=_shifted(seed, index))) for index in range(number)]


def _shifted(seed: int, index: int) -> int:
    # Wraps around instead of leaving the 64 bits that a seed has.
    return (seed + index) % (1 << 64) if seed + index >= 1 << 64 else seed + index
