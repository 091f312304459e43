"""Forms that mean harm, or nothing: each ends in a typed error within bounds, and nothing is fetched."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from tiny import vlm

from internvl.engine.form import Form
from internvl.engine.grammar_text import grammar_text, try_out
from internvl.engine.sampling import SamplingParams
from internvl.errors import GrammarError, GrammarLimitError

TEXT = {"type": "string"}


def refused(words: str = "", **form: Any) -> None:
    with pytest.raises(GrammarError, match=words or None):
        vlm().engine.grammars.check(SamplingParams.of(form), room=10_000)


def nested(levels: int, step: Any) -> Any:
    schema: Any = TEXT
    for level in range(levels):
        schema = step(level, schema)
    return schema


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:9/a.json", "https://example.com/s#/x", "file:///etc/passwd", "other.json", "//host/x", "urn:a:b"]
)
def test_nothing_is_fetched(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        pytest.fail("something was fetched")

    monkeypatch.setattr(socket, "create_connection", forbidden)
    monkeypatch.setattr(socket.socket, "connect", forbidden)
    refused("nothing is fetched", json_schema={"type": "object", "properties": {"a": {"$ref": target}}})
    refused("nothing is fetched", json_schema={"$defs": {"a": {"anyOf": [TEXT, {"$dynamicRef": target}]}}, "$ref": "#/$defs/a"})


def test_a_property_may_have_the_name_of_a_keyword() -> None:
    schema = {"type": "object", "properties": {"$ref": TEXT, "enum": TEXT, "minProperties": TEXT}, "const": {"$ref": "http://x"}}
    del schema["const"]
    text = vlm().chat("Hi", json_schema=schema | {"required": ["$ref", "enum", "minProperties"]}, max_new_tokens=60)
    assert {"$ref", "enum", "minProperties"} <= json.loads(text).keys()
    assert json.loads(vlm().chat("Hi", json_schema={"const": {"$ref": "http://x"}}, max_new_tokens=40)) == {"$ref": "http://x"}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("{", "not JSON"),
        ("[1]", "must be an object"),
        ('{"const": NaN}', "NaN"),
        ("[" * 100_000, "not JSON"),
        (nested(70, lambda level, inner: {"type": "array", "items": inner}), "deeper than 64"),
        ({"type": "object", "properties": {f"p{n}": TEXT for n in range(30_000)}}, "characters"),
        ({"enum": [[n] for n in range(21_000)], "type": "array", "items": {}}, ""),
        ({"type": "array", "prefixItems": [{}] * 21_000}, "more than 20000 parts"),
        ({"type": "string", "pattern": "^a{200000}$"}, "repeats"),
        ({"type": "object", "patternProperties": {"^a{1,99999999999999}$": TEXT}}, "repeats"),
        ({"type": "object", "minProperties": 3}, "minProperties"),
        ({"type": "integer", "exclusiveMinimum": True, "minimum": 3}, "exclusiveMinimum"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"not": TEXT}, "not"),
        ({"if": {}, "then": {}}, "if"),
        ({"type": "string", "format": "weird"}, "weird"),
        ({"type": "string", "pattern": "(?=a)b"}, ""),
        ({"type": "string", "pattern": "("}, ""),
        ({"type": "any"}, "any"),
        ({"type": "object", "properties": {"a": False}, "required": ["a"]}, "nsatisfiable"),
        ({"enum": []}, "nsatisfiable"),
        ({"$ref": "#"}, "no text"),
        ({"$ref": "#/$defs/missing"}, ""),
        ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, "no text"),
        ({"type": "integer", "multipleOf": 982451653}, ""),
        ({"type": "object", "x-guidance": {"lenient": True}, "not": TEXT}, "not"),
    ],
)
def test_bad_schemas(schema: Any, words: str) -> None:
    refused(words, json_schema=schema)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("(a", "unclosed"),
        ("a{1000000}", "repeats"),
        ("(?=a)b", "look"),
        (r"(a)\1", "backreferences"),
        (r"\bfoo", ""),
        (r"[^\s\S]", "no text"),
        ("(" * 3000 + "a" + ")" * 3000, ""),
        ("x" * 300_000, "characters"),
    ],
)
def test_bad_expressions(expression: str, words: str) -> None:
    refused(words, regex=expression)


@pytest.mark.parametrize("form", [{"regex": "a\ud800"}, {"choice": ["\udfff"]}, {"json_schema": '{"const": "\ud800"}'}])
def test_half_characters(form: dict[str, Any]) -> None:
    with pytest.raises(GrammarError, match="surrogate"):
        SamplingParams.of(form)


def test_too_many_choices() -> None:
    refused("the limit is 10000", choice=[f"{n}" for n in range(10_001)])


@pytest.mark.parametrize(
    "schema",
    [
        nested(20, lambda level, inner: {"anyOf": [inner, {"type": "object", "properties": {f"k{level}": inner}}]}),
        {"allOf": [{"anyOf": [{"properties": {f"a{n}": {"const": m}}} for m in range(10)]} for n in range(8)]},
    ],
    ids=["doubling", "product"],
)
def test_what_grows_without_bound_is_stopped_elsewhere(schema: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of its own meets its limit of time or memory; this one never begins."""
    monkeypatch.setattr("internvl.engine.grammar.LLMatcher", None, raising=False)
    refused("json_schema", json_schema=schema)
    # Refused once, it is refused at once.
    monkeypatch.setattr("internvl.engine.grammar.try_out", lambda *_: pytest.fail("tried again"))
    refused("json_schema", json_schema=schema)


def test_a_process_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("internvl.engine.grammar_text.TRIAL_WALL_S", 0.01)
    form = Form("regex", "a{2,3}")
    with pytest.raises(GrammarError, match="too long or too much memory"):
        try_out(form, grammar_text(form))


@pytest.mark.parametrize(
    "expression",
    ["(a+)+b", "(.*a.{40}b.*)|(.*b.{40}a.*)", "(a|aa)+$", "(x+x+)+y", "(a|b|c){1,9000}"],
)
def test_expressions_that_choke_a_backtracker_are_no_trouble(expression: str) -> None:
    assert vlm().chat("Hi", regex=expression, max_new_tokens=60)


def test_a_grammar_that_outgrows_its_limits_on_the_way_fails_alone() -> None:
    with pytest.raises(GrammarLimitError, match="too complex"):
        vlm().chat("Hi", regex="((((a{1,100}){1,100}){1,100}){1,100})", max_new_tokens=60)


def test_a_schema_without_end_is_cut() -> None:
    """Every object needs another inside it: no text satisfies it, and that is seen only by trying."""
    endless = {"$defs": {"n": {"type": "object", "properties": {"c": {"$ref": "#/$defs/n"}}, "required": ["c"]}}, "$ref": "#/$defs/n"}
    reply = vlm().answer(_question(), json_schema=endless, max_new_tokens=30)
    assert reply.finish_reason == "length"
    assert len(reply.ids) == 30


def _question() -> list[Any]:
    from internvl.messages import user

    return [user("Hi")]
