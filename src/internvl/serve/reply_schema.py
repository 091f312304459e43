"""What the server answers, as data: for /openapi.json, and for tests that hold every reply to it. `replies` and `about` build them.

Fields may be added, so unknown ones are allowed here; those named here are always there.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Told(BaseModel):
    """Part of a reply."""

    model_config = ConfigDict(extra="allow")


class ErrorText(Told):
    """What is wrong, in a sentence; `param` names the field at fault where there is one."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorReply(Told):
    """Any status from 400 on."""

    error: ErrorText


class PromptDetails(Told):
    """What the prompt is made of, in tokens; `image_tiles` counts tiles."""

    cached_tokens: int = Field(ge=0)
    image_tokens: int = Field(ge=0)
    image_tiles: int = Field(ge=0)


class UsageReply(Told):
    """What an answer cost."""

    prompt_tokens: int = Field(ge=1)
    completion_tokens: int = Field(ge=0)
    total_tokens: int = Field(ge=1)
    prompt_tokens_details: PromptDetails


class Said(Told):
    """What the model said."""

    role: Literal["assistant"]
    content: str


class ChatChoice(Told):
    """One answer of a chat."""

    index: int = Field(ge=0)
    message: Said
    logprobs: dict[str, Any] | None
    finish_reason: Literal["stop", "length"]


class ChatReply(Told):
    """POST /v1/chat/completions without a stream."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice] = Field(min_length=1)
    usage: UsageReply


class TextChoice(Told):
    """One answer of a completion."""

    index: int = Field(ge=0)
    text: str
    logprobs: dict[str, Any] | None
    finish_reason: Literal["stop", "length"]


class TextReply(Told):
    """POST /v1/completions without a stream."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[TextChoice] = Field(min_length=1)
    usage: UsageReply


class ModelReply(Told):
    """GET /v1/models/NAME."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    max_model_len: int = Field(ge=1)
    internvl: dict[str, Any]


class ModelsReply(Told):
    """GET /v1/models."""

    object: Literal["list"]
    data: list[ModelReply]


class CountReply(Told):
    """POST /tokenize and /page/count: tokens; `tokens` are the ids of a plain text, `media` the cost of each picture and still."""

    count: int = Field(ge=0)
    max_model_len: int = Field(ge=1)
    tokens: list[int] | None = None
    text_tokens: int | None = None
    image_tokens: int | None = None
    media: list[dict[str, Any]] | None = None


class StateReply(Told):
    """GET /health and /ready."""

    status: str


class InfoReply(Told):
    """GET /page/info."""

    model: str
    context: int = Field(ge=1)
    tokens_per_tile: int = Field(ge=1)
    tiles: dict[str, Any]
    detail: dict[str, int]
    limits: dict[str, Any]
