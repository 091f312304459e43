"""From the bytes of a request to plain data: at most so many bytes, in at most so many seconds, JSON and nothing near it.

Refused are NaN and Infinity, a key given twice, numbers of thousands of digits, nesting that exhausts the stack, and bytes that are
no UTF-8: each has meant different things to different readers, and that is how checks are passed by.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.requests import ClientDisconnect, Request

from internvl.serve.config import ServeConfig
from internvl.serve.errors import ApiError
from internvl.serve.gate import Slot

MAX_DEPTH = 32
MAX_DIGITS = 400
LARGE_BYTES = 1 << 16
COPIES = 3
"""A body is there as bytes, as text and as the files in it, until the request is prepared."""


async def read_json(request: Request, config: ServeConfig, slot: Slot) -> Any:
    """The body as plain data; while it lasts the slot holds what it takes. Raises ApiError 400, 408, 413, 415, 429."""
    # A page of another site can post text or forms without asking the browser's leave, but not JSON.
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError("send application/json", status=415, code="unsupported_content_type")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ApiError("send the body without compression", status=415, code="unsupported_content_encoding")
    try:
        async with asyncio.timeout(config.body_timeout_s):
            raw = await _read(request, config.max_body_bytes, slot)
    except TimeoutError:
        raise ApiError(f"the body did not arrive within {config.body_timeout_s:g} s", status=408, code="timeout") from None
    except ClientDisconnect:
        raise ApiError("the client went away", status=499, code="client_closed_request") from None
    return await asyncio.to_thread(parse, raw) if len(raw) > LARGE_BYTES else parse(raw)


def parse(raw: bytes) -> Any:
    """Strict JSON of at most `MAX_DEPTH` levels. Raises ApiError 400."""
    try:
        text = raw.decode("utf-8")
        data = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_once, parse_int=_whole)
    except UnicodeDecodeError:
        raise _bad("the body is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise _bad(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise _bad(f"the body is nested deeper than {MAX_DEPTH} levels") from None
    _check(data)
    return data


async def _read(request: Request, limit: int, slot: Slot) -> bytes:
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        slot.hold(len(chunk) * COPIES)
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _check(data: Any) -> None:
    """Refuse deep nesting and lone surrogates, which JSON can spell but no tokenizer can read; without recursion."""
    level = [data]
    for _ in range(MAX_DEPTH):
        for value in level:
            if isinstance(value, str) and not _encodable(value):
                raise _bad("a text holds a lone surrogate, which is no character")
        level = [
            item
            for value in level
            if isinstance(value, dict | list)
            for item in ((*value, *value.values()) if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise _bad(f"the body is nested deeper than {MAX_DEPTH} levels")


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _bad("a key of the body is given twice")
    return found


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise _bad(f"a number of the body has more than {MAX_DIGITS} digits")
    return int(digits)


def _refuse_constant(name: str) -> Any:
    raise _bad(f"{name} is no JSON")


def _bad(message: str) -> ApiError:
    return ApiError(message, code="invalid_json")


def _too_large(limit: int) -> ApiError:
    return ApiError(f"the body is larger than {limit} bytes", status=413, code="body_too_large")
