"""A conversation: turns, pictures that are cut once, visual tokens that are encoded once, and keys that are computed once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from internvl.engine.engine import Engine, Generation
from internvl.engine.prefix import Prefix
from internvl.engine.request import Reply, Request
from internvl.engine.sampling import SamplingParams
from internvl.errors import PromptError
from internvl.messages import Image, Message, Video, assistant
from internvl.messages import system as system_turn
from internvl.processor import Processor, Tiled, compose


class Session:
    """Ask again and again; only what is new is read. `messages` is the history, `reply` what the last answer cost."""

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
        """The same, piece by piece. If the caller stops early, what was said so far becomes the turn."""
        turn = compose(question, media)
        request = Request(self._processor.prepare([*self.messages, turn], tiled=self._tiled), SamplingParams.of(options))
        # The cache is taken over by the generation: if that fails, the next turn reads the conversation anew.
        prefix, self._prefix = self._prefix, None
        generation = self._engine.stream(request, prefix=prefix)
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
        if len(self.messages) < 2:
            raise PromptError("there is no turn to take back")
        del self.messages[-2:]

    def _record(self, turn: Message, generation: Generation) -> None:
        self.reply = generation.reply
        self._prefix = generation.prefix
        self.messages += [turn, assistant(self.reply.text)]
