"""Whatever small schema or expression comes: the answer of a model with random weights is valid, at any length it may have."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tiny import KINDS, conversation, vlm

from internvl.engine.sampling import SamplingParams

some = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
names = st.sampled_from(["a", "b", "name", "Größe", "x y", 'q"'])
leaves = st.one_of(
    st.sampled_from(
        [{"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}, {"type": "null"}, {"type": "object"}]
    ),
    st.builds(lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more}, st.integers(-99, 99), st.integers(0, 50)),
    st.builds(lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more}, st.integers(0, 3), st.integers(0, 4)),
    st.builds(
        lambda values: {"enum": values}, st.lists(st.one_of(names, st.integers(-9, 9), st.none()), min_size=1, max_size=3, unique=True)
    ),
    st.sampled_from([{"type": "string", "pattern": "^[a-f]{2,4}$"}, {"type": "string", "pattern": "x"}, {"const": {"k": [1, " . "]}}]),
)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def built(properties: dict[str, Any], left_out: int, closed: bool) -> dict[str, Any]:
        required = list(properties)[left_out:]
        return {"type": "object", "properties": properties, "required": required, **({"additionalProperties": False} if closed else {})}

    return st.builds(built, st.dictionaries(names, inner, max_size=3), st.integers(0, 2), st.booleans())


def arrays(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    sizes = st.integers(0, 2)
    return st.builds(
        lambda items, low, more: {"type": "array", "items": items, "minItems": low, "maxItems": low + more}, inner, sizes, sizes
    )


def either(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(lambda options: {"anyOf": options}, st.lists(inner, min_size=1, max_size=2))


schemas = st.recursive(leaves, lambda inner: st.one_of(objects(inner), arrays(inner), either(inner)), max_leaves=4)
atoms = st.sampled_from(["a", "b", "[0-9]", "[a-f]", r"\.", " ", "é", "(no|yes)", "[^a]", "字"])
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("({}|{})".format, inner, inner),
        st.builds("({}){}".format, inner, st.sampled_from(["?", "*", "+", "{2}", "{1,3}"])),
    ),
    max_leaves=5,
)
choices = st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12), min_size=1, max_size=5)
kinds, seeds, rooms = st.sampled_from(KINDS), st.integers(0, 3), st.integers(0, 25)


def said(kind: str, seed: int, room: int, **form: Any) -> tuple[str, bool]:
    """An answer with a little more room than the shortest needs, greedy for seed 0, and whether an ending was known for it."""
    model = vlm(kind)
    grammar = model.engine.grammars.check(SamplingParams.of(form), room=10_000)
    assert grammar is not None
    shortest = 20 if grammar.shortest is None else grammar.shortest
    way = {"temperature": 1.3, "seed": seed} if seed else {}
    reply = model.answer(conversation("Hi"), max_new_tokens=max(1, shortest + room), **form, **way)
    return reply.text, grammar.shortest is not None


@some
@given(kinds, schemas, seeds, rooms)
def test_any_schema(kind: str, schema: Any, seed: int, room: int) -> None:
    text, known = said(kind, seed, room, json_schema=schema)
    assert known, "the shortest text of any such schema is found"
    jsonschema.validate(json.loads(text), schema)


@some
@given(kinds, expressions, seeds, rooms)
def test_any_expression(kind: str, expression: str, seed: int, room: int) -> None:
    text, known = said(kind, seed, room, regex=expression)
    assert re.fullmatch(expression, text, re.DOTALL) or not known


@some
@given(kinds, choices, seeds, rooms)
def test_any_choice(kind: str, texts: list[str], seed: int, room: int) -> None:
    assert said(kind, seed, room, choice=texts)[0] in texts


@some
@given(kinds, seeds, rooms)
@example("v1-1-llama2", 0, 16)
@example("internvl2-internlm2", 0, 12)
def test_what_may_be_left_out_counts_once_it_is_begun(kind: str, seed: int, room: int) -> None:
    large = {"type": "object", "properties": {"Größe": {"const": {"k": [1, " . "]}}, "b": {"type": "string"}}, "required": ["b"]}
    schema = {"type": "array", "items": large, "maxItems": 2}
    jsonschema.validate(json.loads(said(kind, seed, room, json_schema=schema)[0]), schema)
    assert re.fullmatch("(x|y[0-9]{20}z)*!", said(kind, seed, room, regex="(x|y[0-9]{20}z)*!")[0])


@pytest.mark.parametrize("room", [30, 90, 150, 260])
def test_a_jump_into_something_large_is_foreseen(room: int) -> None:
    """One token may open an object that needs many more: it is not taken when they would have no room."""
    large = {
        "type": "object",
        "properties": {f"some_long_key_{n}": {"type": "integer"} for n in range(12)},
        "additionalProperties": False,
    }
    large["required"] = list(large["properties"])
    schema = {"type": "array", "items": large}
    for seed in range(1, 5):
        text, known = said(KINDS[0], seed, room, json_schema=schema)
        assert known
        jsonschema.validate(json.loads(text), schema)
