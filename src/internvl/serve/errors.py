"""Errors as clients of OpenAI's interface know them: a status and {"error": {message, type, param, code}}.

    a typed error of the library --api_error--> ApiError --body--> JSON

What a client sees is a sentence of ours. Tracebacks and the words of foreign exceptions stay on the server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from internvl.errors import (
    ConfigError,
    ContextLengthError,
    DeadlineError,
    InternVLError,
    MediaError,
    MissingDependencyError,
    NumericError,
    PromptError,
    QueueFullError,
    RequestTooLargeError,
    SamplingError,
)

BAD_REQUEST = "invalid_request_error"
ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")
"""A memory address, as words of foreign libraries hold them: it tells an attacker where things are."""


@dataclass
class ApiError(InternVLError):
    """What goes wrong with one request. `retry_after_s` becomes the header Retry-After."""

    message: str
    status: int = 400
    code: str = "invalid_value"
    param: str | None = None
    retry_after_s: int | None = None

    def __post_init__(self) -> None:
        super().__init__(self.message)

    @property
    def kind(self) -> str:
        """The `type` of OpenAI's form."""
        kinds = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
        return kinds.get(self.status, BAD_REQUEST if self.status < 500 else "server_error")

    def body(self) -> dict[str, Any]:
        """The JSON of the reply."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}

    def headers(self) -> dict[str, str]:
        """Headers beside the body."""
        found = {} if self.retry_after_s is None else {"retry-after": str(self.retry_after_s)}
        return found | ({"www-authenticate": "Bearer"} if self.status == 401 else {})


# The first row that fits counts: subclasses stand above what they derive from.
STATUS: tuple[tuple[type[InternVLError], int, str], ...] = (
    (ContextLengthError, 400, "context_length_exceeded"),
    (RequestTooLargeError, 400, "context_length_exceeded"),
    (DeadlineError, 504, "timeout"),
    (QueueFullError, 429, "queue_full"),
    (MediaError, 422, "unsupported_media"),
    (MissingDependencyError, 422, "unsupported_media"),
    (SamplingError, 400, "invalid_value"),
    (PromptError, 400, "invalid_messages"),
    (ConfigError, 400, "invalid_value"),
    (NumericError, 500, "numeric_error"),
)


def api_error(error: InternVLError) -> ApiError:
    """Any error of the library as one for clients; what is not in the table is ours, a 500 without details."""
    if isinstance(error, ApiError):
        return error
    for kind, status, code in STATUS:
        if isinstance(error, kind):
            words = ADDRESS.sub("...", " ".join(str(error).split()))
            return ApiError(words, status=status, code=code, retry_after_s=1 if status == 429 else None)
    return ApiError("the server failed on this request; its log says why", status=500, code="internal_error")


def queue_full(waiting: int) -> ApiError:
    """429: as many requests wait as may."""
    return ApiError(
        f"the server is busy: {waiting} requests run or wait, which is its limit; try again shortly",
        status=429,
        code="queue_full",
        retry_after_s=1,
    )


def too_much_held(most: int) -> ApiError:
    """413: one request alone needs more memory than the server gives to all."""
    return ApiError(f"the body and pixels of this request take more than {most} bytes", status=413, code="request_too_large")


def unavailable(reason: str) -> ApiError:
    """503: the server is starting, stopping or broken."""
    return ApiError(reason, status=503, code="unavailable", retry_after_s=5)


def too_slow(timeout_s: float) -> ApiError:
    """504: the answer was not complete in time."""
    return ApiError(f"the request took longer than {timeout_s:g} s and was ended", status=504, code="timeout")
