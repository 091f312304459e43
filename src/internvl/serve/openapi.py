"""The description of request bodies for /openapi.json: routes read their bodies themselves, so it is given by hand."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


def described(kind: type[BaseModel]) -> dict[str, Any]:
    """The OpenAPI entry of a route whose body is a `kind`."""
    schema = kind.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": _inlined(schema, schema.get("$defs", {}))}}}}


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
