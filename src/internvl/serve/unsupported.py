"""Fields of OpenAI's form that this server has no use for: taken where they change nothing, refused by name where they would.

A field that nobody knows is refused by the schema; nothing is ever passed over in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from internvl.serve.errors import ApiError

NO_TOOLS = "the model calls no tools; describe in words what is wanted, or ask for JSON with response_format"
NO_SPEECH = "answers are text only"
HARMLESS: Mapping[str, tuple[tuple[Any, ...], str]] = {
    "tools": (([],), NO_TOOLS),
    "tool_choice": (("none", "auto"), NO_TOOLS),
    "functions": (([],), NO_TOOLS),
    "function_call": (("none", "auto"), NO_TOOLS),
    "tool_calls": (([],), NO_TOOLS),
    "modalities": ((["text"],), NO_SPEECH),
    "audio": ((), NO_SPEECH),
    "reasoning_effort": (("none",), "the model has no separate reasoning to set the effort of"),
    "verbosity": (("medium",), "ask for a short or a long answer in words, or set max_tokens"),
    "web_search_options": ((), "the model searches nothing"),
    "moderation": ((), "answers are not moderated"),
    "presence_penalty": ((0,), "use repetition_penalty, which makes repeats less likely"),
    "frequency_penalty": ((0,), "use repetition_penalty, which makes repeats less likely"),
    "logit_bias": (({},), "use response_format to hold an answer to a form"),
    "echo": ((False,), "the prompt is not repeated in the answer; put it in front yourself"),
    "suffix": (("",), "the model writes on from the end of a prompt, not towards a text behind it"),
    "best_of": ((1,), "use n, which gives every choice"),
}
"""By field: the values, beside null, that change nothing, and what to do instead of any other."""


def refuse_unsupported(given: BaseModel) -> None:
    """Raise ApiError 400 for the first field whose value would change the answer."""
    for name, (harmless, instead) in HARMLESS.items():
        value = getattr(given, name, None)
        if value is not None and not any(type(value) is type(each) and value == each for each in _numbers(harmless, value)):
            raise ApiError(f"{name} is not supported: {instead}", param=name, code="not_supported")


def _numbers(harmless: tuple[Any, ...], value: object) -> tuple[Any, ...]:
    """The harmless values, whole numbers as fractions where the field holds fractions."""
    return tuple(float(each) if isinstance(value, float) and type(each) is int else each for each in harmless)
