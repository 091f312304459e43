"""Replies of the engine in OpenAI's form, whole or in chunks.

Reply... --whole--> one JSON object        Event --chunk--> one line of a stream
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from internvl.engine.request import Reply


@dataclass(frozen=True, kw_only=True)
class Form:
    """What all pieces of one answer share. `chat`: the form of chat completions, else that of text completions."""

    model: str
    chat: bool
    created: int = field(default_factory=lambda: int(time.time()))
    number: str = field(default_factory=lambda: uuid.uuid4().hex)

    def whole(self, replies: Sequence[Reply], logprobs: Sequence[list[dict[str, Any]] | None]) -> dict[str, Any]:
        """The reply to a request that did not ask for a stream."""
        choices = [
            {
                "index": index,
                **({"message": {"role": "assistant", "content": reply.text}} if self.chat else {"text": reply.text}),
                "logprobs": self._logprobs(entries, 0),
                "finish_reason": reply.finish_reason,
            }
            for index, (reply, entries) in enumerate(zip(replies, logprobs, strict=True))
        ]
        return self._envelope("chat.completion", choices) | {"usage": usage(replies)}

    def opening(self, index: int) -> dict[str, Any]:
        """The first chunk of a choice in a chat: who speaks."""
        return self._chunk(index, {"delta": {"role": "assistant", "content": ""}}, None, None)

    def piece(
        self,
        index: int,
        text: str,
        *,
        logprobs: list[dict[str, Any]] | None = None,
        finish_reason: str | None = None,
        offset: int = 0,
    ) -> dict[str, Any]:
        """A chunk with new text, and why the answer ended if this is its last. offset: characters of the tokens before it."""
        said: dict[str, Any] = {"delta": {"content": text} if text else {}} if self.chat else {"text": text}
        return self._chunk(index, said, self._logprobs(logprobs, offset), finish_reason)

    def closing(self, replies: Sequence[Reply]) -> dict[str, Any]:
        """The chunk behind all others that says what the answer cost."""
        return self._envelope("chat.completion.chunk", []) | {"usage": usage(replies)}

    def _chunk(self, index: int, said: dict[str, Any], logprobs: dict[str, Any] | None, finish_reason: str | None) -> dict[str, Any]:
        choice = {"index": index, **said, "logprobs": logprobs, "finish_reason": finish_reason}
        return self._envelope("chat.completion.chunk", [choice])

    def _envelope(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        prefix = "chatcmpl" if self.chat else "cmpl"
        kind = kind if self.chat else "text_completion"
        return {"id": f"{prefix}-{self.number}", "object": kind, "created": self.created, "model": self.model, "choices": choices}

    def _logprobs(self, entries: list[dict[str, Any]] | None, offset: int) -> dict[str, Any] | None:
        if entries is None:
            return None
        return {"content": entries, "refusal": None} if self.chat else _flat(entries, offset)


def usage(replies: Sequence[Reply]) -> dict[str, Any]:
    """Tokens of one prompt and all its answers."""
    first = replies[0].usage
    answered = sum(reply.usage.answer_tokens for reply in replies)
    return {
        "prompt_tokens": first.prompt_tokens,
        "completion_tokens": answered,
        "total_tokens": first.prompt_tokens + answered,
        "prompt_tokens_details": {
            "cached_tokens": first.cached_tokens,
            "image_tokens": first.visual_tokens,
            "image_tiles": first.tiles,
        },
    }


def line(data: dict[str, Any]) -> str:
    """JSON on one line."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def characters(entries: Sequence[dict[str, Any]]) -> int:
    """Characters of the tokens' texts."""
    return sum(len(entry["token"]) for entry in entries)


def _flat(entries: Sequence[dict[str, Any]], offset: int) -> dict[str, Any]:
    """The older form of completions: parallel lists; `offset` is where the first token begins in the answer."""
    return {
        "tokens": [entry["token"] for entry in entries],
        "token_logprobs": [entry["logprob"] for entry in entries],
        "top_logprobs": [{top["token"]: top["logprob"] for top in entry["top_logprobs"]} for entry in entries],
        "text_offset": [offset + characters(entries[:number]) for number in range(len(entries))],
    }
