"""One answer on its way to the terminal: streamed as text, or as one JSON object when it is complete."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any

from internvl.cli.console import note, write, write_json, write_line
from internvl.messages import Image, Video

if TYPE_CHECKING:
    from internvl.engine.request import Reply
    from internvl.engine.session import Session
    from internvl.engine.vlm import VLM


@dataclass
class Answerer:
    """Asks a session and shows what comes. `load_s` is told once, with the first JSON object."""

    vlm: VLM
    session: Session
    sampling: Mapping[str, Any] = field(default_factory=dict)
    load_s: float = 0.0
    as_json: bool = False
    quiet: bool = False

    def answer(self, question: str, media: Sequence[Image | Video]) -> None:
        """Stream the answer to stdout, and what it cost to stderr. Ctrl-C ends the program."""
        for piece in self.session.stream(question, *media, **self.sampling):
            self._show(piece)
        self._close()

    def answer_stoppable(self, question: str, media: Sequence[Image | Video]) -> None:
        """The same inside a conversation: Ctrl-C ends the answer, and what was said until then is the turn.

        A second Ctrl-C doesn't wait for the next word; the turn is then forgotten. Raises KeyboardInterrupt in that case.
        """
        with _stop_asked() as asked:
            pieces = self.session.stream(question, *media, **self.sampling)
            for piece in pieces:
                self._show(piece)
                if asked():
                    pieces.close()  # type: ignore[attr-defined]  # the session's stream is a generator
                    break
        self._close()

    def _show(self, piece: str) -> None:
        if not self.as_json:
            write(piece)

    def _close(self) -> None:
        reply = self.session.reply
        if reply is None:
            return
        if self.as_json:
            write_json(self._as_json(reply))
            self.load_s = 0.0
            return
        write_line()
        if not self.quiet:
            note(cost(reply))

    def _as_json(self, reply: Reply) -> dict[str, Any]:
        values = reply.to_dict()
        values["timings"] = {"load_s": self.load_s, **values["timings"]}
        return {"model": self.vlm.name, **values, "tiles": self.vlm.policy.to_dict()}


def cost(reply: Reply) -> str:
    """One line: tiles, tokens, speed."""
    usage, timings = reply.usage, reply.timings
    cached = f", {usage.cached_tokens} of them cached" if usage.cached_tokens else ""
    visual = f"{usage.visual_tokens} visual in {usage.tiles} tiles" if usage.tiles else "no picture"
    cut = ", cut at its length limit" if reply.finish_reason == "length" else ""
    return (
        f"read {usage.prompt_tokens} tokens ({visual}{cached}), wrote {usage.answer_tokens} "
        f"at {timings.tokens_per_s(usage.answer_tokens):.1f}/s, first after {timings.first_token_s:.2f} s{cut}"
    )


@contextmanager
def _stop_asked() -> Iterator[Callable[[], bool]]:
    """Inside, a first Ctrl-C only sets a flag: raised in the middle of a step, it would lose what the session has read."""
    asked = False

    def on_interrupt(signum: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
