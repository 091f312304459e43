"""The form an answer is held to, in any of the words clients have for it.

    response_format (OpenAI) | structured_outputs, guided_json, guided_regex, guided_choice (vLLM) -> SamplingParams' fields

One of them may be given. A schema is always kept to the letter, with `strict` or without.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from internvl.engine.form import ANY_OBJECT, Form
from internvl.serve.errors import ApiError
from internvl.serve.schema import Decoding, ResponseFormat


def form_options(request: Decoding) -> dict[str, Any]:
    """json_schema, regex or choice of SamplingParams; empty where the answer is free. Raises ApiError."""
    given = list(_given(request))
    if len(given) > 1:
        raise ApiError(f"an answer has one form: {given[0][0]} and {given[1][0]} ask for two", param=given[1][0])
    return dict(given[0][1]) if given else {}


def asked_by(request: Decoding) -> str | None:
    """The field in which the form stands."""
    return next((name for name, _ in _given(request)), None)


def for_vllm(form: Form | None) -> dict[str, Any]:
    """The same form as vLLM takes it."""
    if form is None:
        return {}
    if form.kind == "regex":
        return {"structured_outputs": {"regex": form.source}}
    return {"structured_outputs": {"json" if form.kind == "json_schema" else "choice": json.loads(form.source)}}


def _given(request: Decoding) -> Iterator[tuple[str, dict[str, Any]]]:
    """(field, options) of every form that is asked for."""
    form = _response_format(request.response_format)
    if form:
        yield "response_format", form
    outer = request.structured_outputs
    if outer is not None:
        told = {"json_schema": outer.json_schema, "regex": outer.regex, "choice": outer.choice}
        if outer.json_object:
            told["json_schema"] = told["json_schema"] or ANY_OBJECT
        found = {name: value for name, value in told.items() if value is not None}
        if len(found) != 1:
            raise ApiError("structured_outputs needs one of json, regex, choice and json_object", param="structured_outputs")
        yield "structured_outputs", found
    for name in ("json", "regex", "choice"):
        value = getattr(request, f"guided_{name}")
        if value is not None:
            yield f"guided_{name}", {"json_schema" if name == "json" else name: value}


def _response_format(form: ResponseFormat | None) -> dict[str, Any]:
    if form is None or form.type == "text":
        return {}
    if form.type == "json_object":
        return {"json_schema": ANY_OBJECT}
    if form.type == "regex":
        return {"regex": _needed(form.regex, "regex")}
    described = _needed(form.json_schema, "json_schema")
    return {"json_schema": _needed(described.get("schema"), "json_schema.schema")}


def _needed(value: Any, name: str) -> Any:
    if value is None:
        raise ApiError(f"response_format needs {name}", param=f"response_format.{name}")
    return value
