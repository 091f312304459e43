"""A conversation: turns, pictures that are cut once, visual tokens that are encoded once, and keys that are computed once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from internvl.engine.engine import Engine
from internvl.engine.generation import Generation
from internvl.engine.prefix import Prefix
from internvl.engine.request import Reply, Request
from internvl.engine.sampling import SamplingParams
from internvl.errors import ContextLengthError, PromptError
from internvl.messages import Image, Message, Video, assistant
from internvl.messages import system as system_turn
from internvl.processor import Processor, Tiled, compose


class Session:
    """Ask again and again; only what is new is read. `messages` is the history, `reply` what the last answer cost.

    A picture keeps the tiles it was first cut into, also when later ones share a tile budget with it.
    """

    def __init__(self, processor: Processor, engine: Engine, *, system: str | None = None) -> None:
        self._processor = processor
        self._engine = engine
        self._system = system
        self._prefix: Prefix | None = None
        self._tiled: dict[int, Tiled] = {}
        self.messages: list[Message] = [] if system is None else [system_turn(system)]
        self.reply: Reply | None = None

    def ask(self, question: str, *media: Image | Video, **options: Any) -> str:
        """The answer to the next question; pictures given earlier are still in view."""
        return "".join(self.stream(question, *media, **options))

    def stream(self, question: str, *media: Image | Video, **options: Any) -> Iterator[str]:
        """The same, piece by piece. If the caller stops early, what was said so far becomes the turn; after an error there is none."""
        turn = compose(question, media)
        params = SamplingParams.of(options)
        request = Request(self._processor.prepare([*self.messages, turn], tiled=self._tiled), params)
        generation = self._start(request)
        try:
            yield from generation
        except GeneratorExit:
            self._record(turn, generation)
            raise
        self._record(turn, generation)

    def forget(self) -> None:
        """Start over, with the same system message."""
        self.messages = [] if self._system is None else [system_turn(self._system)]
        self.reply = self._prefix = None
        self._tiled.clear()

    def undo(self) -> None:
        """Take the last question and answer back."""
        if not any(message.role == "user" for message in self.messages):
            raise PromptError("there is no turn to take back")
        del self.messages[-2:]
        shown = {id(part) for message in self.messages for part in message.media}
        self._tiled = {key: tiled for key, tiled in self._tiled.items() if key in shown}

    def _start(self, request: Request) -> Generation:
        # The cache is taken over by the generation: if that fails, the next turn reads the conversation anew.
        prefix, self._prefix = self._prefix, None
        try:
            return self._engine.stream(request, prefix=prefix)
        except ContextLengthError:
            self._prefix = prefix  # found out before anything was read
            raise

    def _record(self, turn: Message, generation: Generation) -> None:
        self.reply = generation.reply
        self._prefix = generation.prefix
        self.messages += [turn, assistant(self.reply.text)]
