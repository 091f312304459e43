"""A service that translates, as the tests script it: words become Chinese characters, or whatever a test says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import chat_service
from chat_service import ChatService, Reply, question_of
from internvl.pipelines.translate.kept import kept_in

ASKED = "Text for translation: "


class TranslationService(ChatService):
    """`translate(text, times)` says what comes for a text when it is asked for the nth time."""

    def __init__(self) -> None:
        super().__init__()
        self.translate: Callable[[str, int], Reply] = lambda text, times: says(in_chinese(text))
        self.reply = lambda body, times: self.translate(text_of(body), times)

    @property
    def texts(self) -> list[str]:
        """The texts that were asked for, one a request."""
        return [text_of(body) for body in self.bodies]

    @property
    def keys(self) -> list[str | None]:
        """What each request said who asks."""
        return [headers.get("authorization") for headers in self.headers]


def says(text: str, **more: Any) -> Reply:
    return chat_service.says(text, prompt=100, new=10, **more)


def text_of(body: dict[str, Any]) -> str:
    """The text in the published prompt's last line."""
    return question_of(body).removeprefix(ASKED)


def in_chinese(text: str) -> str:
    """What looks like a translation: words become Chinese characters, a third as many; what must stay stays."""
    kept = sorted(kept_in(text).named(), key=len, reverse=True)
    pattern = "|".join([*map(re.escape, kept), r"[^\W\d_]+"])
    return re.sub(pattern, lambda word: word[0] if word[0] in kept else "好" * -(-len(word[0]) // 3), text)
