"""Answers of a given form are valid: for every tokenizer, greedy and sampled, alone, beside others, streamed, and cut short."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from tiny import KINDS, ONE, conversation, fresh, picture, vlm

from internvl.engine.engine import Engine
from internvl.engine.request import Reply, Request
from internvl.engine.sampling import SamplingParams
from internvl.engine.scheduler import Scheduler
from internvl.engine.vlm import VLM
from internvl.errors import GrammarError, GrammarLimitError, MissingDependencyError, SamplingError
from internvl.prompt.placeholders import GROUNDING_MARKS

RECEIPT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "store": {"type": "string"},
        "date": {"type": "string", "pattern": "^20[0-9]{2}-[01][0-9]$"},
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string", "maxLength": 12}, "price": {"type": "number", "minimum": 0}},
                "required": ["name", "price"],
                "additionalProperties": False,
            },
        },
        "paid": {"type": ["boolean", "null"]},
        "currency": {"enum": ["EUR", "USD", "人民币"]},
    },
    "required": ["store", "date", "items", "paid", "currency"],
    "additionalProperties": False,
}
EXPRESSION = r"[A-Z][a-z]{2,8} (no|yes)?, \d{2,4}[.!]"
CHOICES = ("yes", "no", "no way", "Ünter , Wegs?")
SAMPLED = {"temperature": 1.2, "top_k": 50, "top_p": 0.95, "seed": 5}
WAYS: tuple[dict[str, Any], ...] = (
    {},
    SAMPLED,
    {"repetition_penalty": 1.4},
    {"logprobs": 2},
    {"lookup_tokens": 4},
    {"lookup_tokens": 0},
)


def answer(model: VLM, *parts: Any, **options: Any) -> Reply:
    return model.answer(conversation(*(parts or ("Read the receipt.",))), **options)


def fits(text: str, options: dict[str, Any]) -> bool:
    if "json_schema" in options:
        jsonschema.validate(json.loads(text), options["json_schema"])
        return True
    return text in options["choice"] if "choice" in options else re.fullmatch(options["regex"], text) is not None


FORMS: tuple[dict[str, Any], ...] = (
    {"json_schema": RECEIPT, "max_new_tokens": 90},
    {"regex": EXPRESSION, "max_new_tokens": 30},
    {"choice": CHOICES, "max_new_tokens": 20},
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(way) or "greedy")
def test_answers_are_valid(kind: str, way: dict[str, Any]) -> None:
    for form in FORMS:
        reply = answer(vlm(kind), **form, **way)
        assert fits(reply.text, form), reply.text
        if "logprobs" in way:
            assert reply.logprobs is not None
            assert [each.token for each in reply.logprobs] == list(reply.ids)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_runs_out_of_tokens_is_valid_and_says_so(kind: str) -> None:
    model = vlm(kind)
    grammar = model.engine.grammars.check(SamplingParams(json_schema=RECEIPT), room=1000)
    assert grammar is not None
    assert grammar.shortest is not None
    for seed, room in enumerate((grammar.shortest, grammar.shortest + 1, grammar.shortest + 7, 90)):
        reply = answer(model, json_schema=RECEIPT, max_new_tokens=room, temperature=1.5, seed=seed)
        assert fits(reply.text, {"json_schema": RECEIPT}), reply.text
        assert len(reply.ids) <= room
        assert reply.finish_reason == "length", "random weights never end a string in time"
    with pytest.raises(GrammarError, match=f"about {grammar.shortest} tokens, and the answer may have {grammar.shortest - 1}"):
        answer(model, json_schema=RECEIPT, max_new_tokens=grammar.shortest - 1)


def test_a_complete_answer_ends_without_an_end_token() -> None:
    model = vlm()
    reply = answer(model, regex="[0-9]{3}")
    assert reply.finish_reason == "stop"
    assert not model.engine.stop_ids.intersection(reply.ids)
    open_ended = answer(model, regex="[0-9]{3}[0-9]*", max_new_tokens=6)
    assert re.fullmatch("[0-9]{3,}", open_ended.text)


def test_any_object_is_a_form() -> None:
    reply = answer(vlm(), json_schema={"type": "object"}, max_new_tokens=40, temperature=1.0, seed=1)
    assert isinstance(json.loads(reply.text), dict)
    assert fits(answer(vlm(), json_schema=True, max_new_tokens=9).text, {"json_schema": True})


class Receipt:
    """Something with pydantic's method."""

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        return RECEIPT


@pytest.mark.parametrize("schema", [RECEIPT, json.dumps(RECEIPT, ensure_ascii=False), Receipt])
def test_a_schema_may_be_given_in_several_ways(schema: Any) -> None:
    params = SamplingParams(json_schema=schema)
    assert params.form == SamplingParams(json_schema=RECEIPT).form
    assert hash(params) == hash(replace(params))


def test_keys_come_in_the_order_of_the_schema() -> None:
    text = answer(vlm(), json_schema=RECEIPT, max_new_tokens=100).text
    assert list(json.loads(text)) == RECEIPT["required"]


@pytest.mark.parametrize("kind", KINDS)
def test_text_is_exact_where_free_text_is_tidied(kind: str) -> None:
    """InternLM2's clean-up takes blanks before signs away, and free answers lose theirs at both ends."""
    for text in (" two  blanks .", "it 's ? ", "a , b", "é 😀 字"):
        assert answer(vlm(kind), choice=[text]).text == text
        assert "".join(vlm(kind).stream("Hi", choice=[text])) == text
    assert answer(vlm(kind), regex=" {2}x {2}").text == "  x  "


@pytest.mark.parametrize("kind", ["internvl2-phi3", "v1-1-llama2"])
def test_a_first_blank_that_the_tokenizer_adds_is_no_part_of_the_answer(kind: str) -> None:
    model = vlm(kind)
    held = SamplingParams(choice=("a",))
    grammar = model.engine.grammars.check(held, room=5)
    assert grammar is not None
    assert grammar.drops_blank
    blank = model.tokenizer.encode_text("a")
    decoder = model.engine.grammars.decoder(held)
    assert decoder is not None
    assert "".join([decoder.push(id) for id in blank]) + decoder.finish() == "a"
    assert grammar.matcher.deep_copy().try_consume_tokens(blank) == len(blank)


@pytest.mark.parametrize("kind", KINDS)
def test_control_tokens_stay_out_unless_marks_are_shown(kind: str) -> None:
    model = vlm(kind)
    tokenizer, marks = model.tokenizer, {model.tokenizer.token_id(mark) for mark in GROUNDING_MARKS}
    for shown in (False, True):
        sampler = model.engine.grammars.begin(SamplingParams(regex="(?s).*", show_marks=shown), room=9)
        assert sampler is not None
        allowed = set((sampler.bias([], 4096) == 0).nonzero().flatten().tolist())
        control = set(tokenizer.added_tokens.values()) | tokenizer.special_ids
        assert allowed & control == (marks if shown else set()) | model.engine.stop_ids, "an empty text is one, so it may end"
        assert len(allowed) > 250


def test_a_box_can_be_asked_for() -> None:
    asked = r"<ref>[a-z]{1,3}</ref><box>\[\[[1-9], [1-9]\]\]</box>"
    reply = answer(vlm(), regex=asked, show_marks=True, max_new_tokens=40)
    assert re.fullmatch(asked, reply.text)


@pytest.mark.parametrize("least", [3, 30])
def test_a_form_comes_before_a_minimal_length(least: int) -> None:
    assert answer(vlm(), choice=["no"], min_new_tokens=least, max_new_tokens=40).text == "no"
    for way in ({}, SAMPLED):
        reply = answer(vlm(), regex="[0-9]{1,60}", min_new_tokens=least, max_new_tokens=60, **way)
        assert len(reply.ids) > least
        assert fits(reply.text, {"regex": "[0-9]{1,60}"})


def request(model: VLM, *parts: Any, **options: Any) -> Request:
    return Request(model.processor.prepare(conversation(*parts)), SamplingParams.of({"max_new_tokens": 40, **options}))


def mixed(model: VLM) -> list[Request]:
    """Free and held ones, of several kinds, with and without a picture."""
    asked = [request(model, "Hello"), request(model, picture(0), "\nWhat?", **SAMPLED)]
    for form in FORMS:
        asked += [request(model, "Read it.", **form), request(model, picture(1), "\nRead it.", **form, **SAMPLED)]
    return asked


@pytest.mark.parametrize("kind", [ONE, "internvl2-internlm2"])
def test_beside_others_an_answer_is_what_it_is_alone(kind: str) -> None:
    model = fresh(kind)
    asked = mixed(model)
    alone = [model.engine.generate([each])[0] for each in asked]
    for together in (model.engine.generate(asked), scheduled(model.engine, asked)):
        assert [(each.text, each.ids, each.finish_reason) for each in together] == [
            (each.text, each.ids, each.finish_reason) for each in alone
        ]


def scheduled(engine: Engine, asked: list[Request]) -> list[Reply]:
    scheduler = Scheduler(engine, max_running=4, prefill_chunk=50)
    tickets = [scheduler.submit(each) for each in asked]
    replies = {}
    while not scheduler.idle:
        replies |= {event.ticket: event.reply for event in scheduler.step() if event.reply is not None}
    return [replies[ticket] for ticket in tickets]


def test_a_scheduler_refuses_a_bad_form_and_goes_on() -> None:
    model = fresh()
    scheduler = Scheduler(model.engine)
    kept = scheduler.submit(request(model, "Hi", choice=["a", "b"]))
    with pytest.raises(GrammarError):
        scheduler.submit(request(model, "Hi", regex="("))
    events = []
    while not scheduler.idle:
        events += scheduler.step()
    assert [event.reply.text in ("a", "b") for event in events if event.reply is not None and event.ticket == kept] == [True]


def test_an_answer_whose_grammar_outgrows_its_limits_leaves_the_others_alone() -> None:
    model = fresh()
    scheduler = Scheduler(model.engine)
    bad = scheduler.submit(request(model, "Hi", regex="((((a{1,100}){1,100}){1,100}){1,100})", max_new_tokens=60))
    good = [scheduler.submit(each) for each in mixed(model)[:3]]
    events = []
    while not scheduler.idle:
        events += scheduler.step()
    assert {event.ticket for event in events if event.reply is not None} == set(good)
    [failed] = [event for event in events if event.error is not None]
    assert failed.ticket == bad
    assert isinstance(failed.error, GrammarLimitError)


def test_turns_of_a_conversation_may_differ_in_form() -> None:
    talk = fresh().session()
    assert talk.ask("Is it so?", choice=["yes", "no"]) in ("yes", "no")
    assert json.loads(talk.ask("How many?", json_schema={"type": "integer"}, max_new_tokens=6)) is not None
    talk.ask("And now?", max_new_tokens=4)
    assert len(talk.messages) == 6


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"regex": "a", "choice": ["b"]}, "one form"),
        ({"regex": "a", "json_schema": {}}, "one form"),
        ({"regex": "a", "stop": "b"}, "stop strings"),
        ({"choice": ["a"], "num_beams": 2}, "beam search"),
        ({"choice": [""]}, "not empty"),
        ({"choice": [3]}, "choice"),
        ({"choice": 3}, "choice"),
        ({"regex": 3}, "regex"),
        ({"json_schema": 3}, "json_schema"),
        ({"json_schema": {"const": float("nan")}}, "JSON"),
        ({"json_schema": {"const": {1, 2}}}, "JSON"),
        ({"lookup_tokens": -1}, "lookup_tokens"),
    ],
)
def test_what_does_not_go_together_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SamplingError, match=words):
        SamplingParams.of(options)


def test_without_a_tokenizer_there_is_no_form() -> None:
    model = vlm()
    engine = Engine(model.model, None, stop_ids=model.engine.stop_ids)
    with pytest.raises(GrammarError, match="tokenizer"):
        engine.generate([request(model, "Hi", choice=["a"])])


def test_without_the_library_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llguidance", None)
    with pytest.raises(MissingDependencyError, match=r"internvl\[grammar\]"):
        answer(fresh(), choice=["a"])
    assert answer(fresh(), max_new_tokens=2).ids


def test_grammars_are_kept_by_content_and_shared_between_policies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("internvl.engine.grammar.KEPT", 4)
    model = fresh()
    made = model.engine.grammars.check(SamplingParams(json_schema=RECEIPT), room=100)
    other = model.with_policy(model.policy.with_max_tiles(1))
    assert other.engine.grammars.check(SamplingParams(json_schema=json.dumps(RECEIPT, ensure_ascii=False)), room=100) is made
    for number in range(5):
        model.engine.grammars.check(SamplingParams(choice=(f"{number}",)), room=9)
    assert model.engine.grammars.check(SamplingParams(json_schema=RECEIPT), room=100) is not made
