"""The form an answer is held to, as a caller asks for it: a JSON schema, a regular expression, or one of some texts.

    dict | JSON text | pydantic model | str | list[str]  ->  Form(kind, source): plain text, equal for equal wishes

Whether a grammar can be made of it is found out later (`engine.grammar`); here its Python type is settled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from internvl.errors import GrammarError

Kind: TypeAlias = Literal["json_schema", "regex", "choice"]
ANY_OBJECT = '{"type": "object"}'
"""The schema of any JSON object."""
MAX_SOURCE_CHARS = 1 << 18


@dataclass(frozen=True)
class Form:
    """`source`: the schema as JSON, the expression, or the texts as a JSON list."""

    kind: Kind
    source: str


def form_of(schema: str | None, regex: str | None, choice: tuple[str, ...]) -> Form | None:
    """The one form that is asked for, or None. Raises GrammarError when there are two."""
    choices = json.dumps(choice) if choice else None
    sources: dict[Kind, str | None] = {"json_schema": schema, "regex": regex, "choice": choices}
    asked = [Form(kind, source) for kind, source in sources.items() if source is not None]
    if len(asked) > 1:
        raise GrammarError(f"an answer has one form: give {asked[0].kind} or {asked[1].kind}, not both")
    for form in asked:
        if len(form.source) > MAX_SOURCE_CHARS:
            raise GrammarError(f"{form.kind} has {len(form.source)} characters, the limit is {MAX_SOURCE_CHARS}")
        if any("\ud800" <= character <= "\udfff" for text in (form.source, *choice) for character in text):
            raise GrammarError(f"{form.kind} holds a lone surrogate, which is no character")
    return asked[0] if asked else None


def schema_text(schema: object) -> str:
    """A schema as JSON text: from such a text, a dict, True, or a class with pydantic's `model_json_schema`. Raises GrammarError.

    The order of keys is kept: it is the order in which the answer names them.
    """
    if isinstance(schema, str):
        return schema
    of_model = getattr(schema, "model_json_schema", None)
    plain: Any = of_model() if callable(of_model) else schema
    if not isinstance(plain, Mapping | bool):
        raise GrammarError(f"json_schema must be a dict, JSON text or a pydantic model, not {type(schema).__name__}")
    try:
        return json.dumps(plain if isinstance(plain, bool) else dict(plain), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise GrammarError(f"json_schema can't be written as JSON: {error}") from error
