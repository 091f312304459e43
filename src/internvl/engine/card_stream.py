"""Text of an answer that is written in another thread, as the model card streams it.

    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True, timeout=10)
    Thread(target=model.chat, kwargs=dict(..., generation_config=dict(max_new_tokens=1024, streamer=streamer))).start()
    for text in streamer: ...

Any object with `put(ids)` and `end()` serves as a streamer, that of transformers too. `VLM.stream` needs no thread.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor

from internvl.engine.card_tokenizer import CardTokenizer, plain_tokenizer
from internvl.engine.generation import Generation
from internvl.errors import InternVLError
from internvl.prompt.tokenizer import Tokenizer


class Streamer(Protocol):
    """Takes ids as they come: first the prompt (empty here), then the answer, then `end` once."""

    def put(self, value: Tensor) -> None:
        """Ids [n]."""

    def end(self) -> None:
        """Nothing more comes."""


class TextIteratorStreamer:
    """Pass it as `streamer` in `generation_config` and iterate over it.

    An answer that fails raises its error here too, instead of leaving the loop waiting. After `timeout` seconds of silence
    iterating raises `queue.Empty`, as the card's streamer does.
    """

    def __init__(
        self,
        tokenizer: Tokenizer | CardTokenizer,
        skip_prompt: bool = False,
        timeout: float | None = None,
        *,
        skip_special_tokens: bool = False,
    ) -> None:
        self._decoder = plain_tokenizer(tokenizer).stream(skip_special=skip_special_tokens)
        self._skip_next = skip_prompt
        self._timeout = timeout
        self._queue: queue.Queue[str | InternVLError | None] = queue.Queue()

    def put(self, value: Tensor | Sequence[int]) -> None:
        """Ids from the writing thread; the first call brings the prompt."""
        if self._skip_next:
            self._skip_next = False
            return
        ids = value.reshape(-1).tolist() if isinstance(value, Tensor) else list(value)
        self._say("".join([self._decoder.push(int(token)) for token in ids]))

    def end(self) -> None:
        """The answer is complete."""
        self._say(self._decoder.finish())
        self._queue.put(None)

    def fail(self, error: InternVLError) -> None:
        """There is no answer, for this reason."""
        self._queue.put(error)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        text = self._queue.get(timeout=self._timeout)
        if isinstance(text, InternVLError):
            raise text
        if text is None:
            raise StopIteration
        return text

    def _say(self, text: str) -> None:
        if text:
            self._queue.put(text)


@contextmanager
def ending(streamer: Streamer | None) -> Iterator[None]:
    """Whatever happens inside, whoever waits for the streamer's text is told that it is over."""
    try:
        yield
    except InternVLError as error:
        if isinstance(streamer, TextIteratorStreamer):
            streamer.fail(error)
        raise
    finally:
        if streamer is not None:
            streamer.end()


def feed(streamer: Streamer | None, generation: Generation) -> None:
    """Run a generation to its end; its ids go to the streamer as soon as they make text certain."""
    if streamer is not None:
        streamer.put(torch.tensor([], dtype=torch.long))  # the prompt, of which `skip_prompt` skips the first call
    sent = 0
    for _ in generation:
        sent = _put_new(streamer, generation, sent)
    _put_new(streamer, generation, sent)


def _put_new(streamer: Streamer | None, generation: Generation, sent: int) -> int:
    new = generation.ids[sent:]
    if streamer is not None and new:
        streamer.put(torch.tensor(new))
    return sent + len(new)
