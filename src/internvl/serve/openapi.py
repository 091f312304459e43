"""/openapi.json: the routes read their bodies and write their replies themselves, so the description is given by hand.

described(ChatRequest, ChatReply) --openapi_extra--> the entry of a route
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from internvl.serve.reply_schema import ErrorReply

STREAM = {"text/event-stream": {"schema": {"type": "string"}}}
TEXT = {"text/plain": {"schema": {"type": "string"}}}


def described(
    body: type[BaseModel] | None, reply: type[BaseModel] | None, *, streams: bool = False, summary: str | None = None
) -> dict[str, Any]:
    """The OpenAPI entry of a route: the kind of its body, if it takes one, and of its reply; None is plain text."""
    content = TEXT if reply is None else _json(reply) | (STREAM if streams else {})
    error = {"description": "what is wrong, in a sentence", "content": _json(ErrorReply)}
    entry: dict[str, Any] = {"responses": {"200": {"description": "OK", "content": content}, "4XX": error, "5XX": error}}
    if body is not None:
        entry["requestBody"] = {"required": True, "content": _json(body)}
    return entry | ({} if summary is None else {"summary": summary})


def _json(kind: type[BaseModel]) -> dict[str, Any]:
    schema = kind.model_json_schema()
    return {"application/json": {"schema": _inlined(schema, schema.get("$defs", {}))}}


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """The schema with every reference replaced by what it points to: OpenAPI keeps definitions elsewhere than pydantic."""
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    # A discriminator's mapping points at the definitions too, and says nothing that the alternatives don't.
    return {key: _inlined(value, definitions) for key, value in schema.items() if key not in ("$defs", "discriminator")}
