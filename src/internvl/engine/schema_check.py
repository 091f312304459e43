"""What is looked at in a JSON schema before a grammar is made of it: size, references, and what a grammar could not keep.

    JSON text --checked_schema--> the schema as an object, without keys that are addressed to the grammar library

The walk has no recursion and no cost beyond the text's own length, so a hostile schema is refused before anything is built from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from internvl.errors import GrammarError

MAX_DEPTH = 64
MAX_NODES = 20_000
MAX_REPEATS = 10_000
COUNT = re.compile(r"(?<=[{,])\d+(?=[,}])")
DATA = frozenset({"const", "enum", "default", "example", "examples"})
"""Keywords whose values are data and no schemas."""
LIBRARY_OPTIONS = "x-guidance"
REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


def checked_schema(text: str) -> dict[str, Any]:
    """The schema, ready for the grammar library. Raises GrammarError that says what can't be kept."""
    try:
        schema = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise GrammarError(f"json_schema is not JSON: {error}") from error
    if schema is True:
        schema = {}
    if not isinstance(schema, dict):
        raise GrammarError(f"json_schema must be an object, not {type(schema).__name__}")
    schema.pop(LIBRARY_OPTIONS, None)  # to anyone but the library it is an unknown key, which means nothing
    for node in _nodes(schema):
        _check_reference(node)
        _check_counts(node)
        for pattern in _patterns(node):
            check_repeats(pattern)
    return schema


def bytes_to_open(schema: dict[str, Any]) -> int:
    """How many bytes one more token may make necessary, generously: all names, fixed values and least lengths, each once."""
    total = 0
    for node in _nodes(schema):
        names = node.get("properties")
        total += sum(len(name.encode()) + 8 for name in (names if isinstance(names, dict) else ()))
        total += sum(len(json.dumps(node[key], ensure_ascii=False).encode()) for key in ("const", "enum") if key in node)
        total += sum(2 * min(value, MAX_REPEATS) for key in ("minLength", "minItems") if isinstance(value := node.get(key), int))
        total += sum(bytes_of_pattern(pattern) for pattern in _patterns(node))
    return total


def bytes_of_pattern(pattern: str) -> int:
    """The same for an expression."""
    return min(MAX_REPEATS, len(pattern.encode()) * max((int(digits) for digits in COUNT.findall(pattern)), default=1))


def check_repeats(pattern: str) -> None:
    """Raise GrammarError for a count in a regular expression that is larger than any grammar is built for."""
    for digits in COUNT.findall(pattern):
        if len(digits) > len(str(MAX_REPEATS)) or int(digits) > MAX_REPEATS:
            raise GrammarError(f"a regular expression repeats something {digits[:20]} times, the limit is {MAX_REPEATS}")


def _nodes(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every object of the schema that is not data, level by level."""
    level: list[Any] = [schema]
    seen = 0
    for _ in range(MAX_DEPTH):
        seen += len(level)
        if seen > MAX_NODES:
            raise GrammarError(f"json_schema has more than {MAX_NODES} parts")
        yield from (node for node in level if isinstance(node, dict))
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise GrammarError(f"json_schema is nested deeper than {MAX_DEPTH} levels")


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        # A property may be called "enum" too; then its value is an object.
        return [child for key, child in node.items() if key not in DATA or (isinstance(child, dict) and key in ("enum", "examples"))]
    return node if isinstance(node, list) else []


def _patterns(node: dict[str, Any]) -> list[str]:
    keyed = node.get("patternProperties")
    return [each for each in (node.get("pattern"), *(keyed if isinstance(keyed, dict) else ())) if isinstance(each, str)]


def _check_reference(node: dict[str, Any]) -> None:
    for key in REFERENCES:
        target = node.get(key, "#")
        if isinstance(target, str) and not target.startswith("#"):
            raise GrammarError(
                f"json_schema refers to {target[:80]!r}; nothing is fetched: copy it into $defs and refer to '#/$defs/...'"
            )


def _check_counts(node: dict[str, Any]) -> None:
    """A grammar can't tell that a free key came before, so it can't count different ones; nor does it read the oldest drafts."""
    least, required = node.get("minProperties"), node.get("required")
    if isinstance(least, int) and least > 1 + len(required if isinstance(required, list) else []):
        raise GrammarError(f"minProperties {least} can't be kept: list the properties under 'required' instead")
    for key in ("exclusiveMinimum", "exclusiveMaximum"):
        if isinstance(node.get(key), bool):
            raise GrammarError(f"{key} must be a number, as in the present drafts of JSON Schema")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
