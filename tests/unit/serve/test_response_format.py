"""Answers of a given form through the real `openai` client: JSON of a pydantic model, streams, choices, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from pydantic import BaseModel
from serve_fakes import MODEL, FakeScheduler, body, client_of, decoders, tiny
from starlette.testclient import TestClient

from internvl.serve.answer_form import for_vllm
from internvl.serve.app import create_app
from internvl.serve.config import ServeConfig

openai = pytest.importorskip("openai")
CHAT = "/v1/chat/completions"


class Item(BaseModel):
    name: str
    price: float


class Receipt(BaseModel):
    store: str
    currency: Literal["EUR", "USD"]
    items: list[Item]
    paid: bool | None


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """The client, with an application in this process behind it whose model has random weights."""
    app = create_app(tiny(), ServeConfig(), decoders=decoders())
    with TestClient(app, base_url="http://127.0.0.1") as http:
        yield openai.OpenAI(base_url="http://127.0.0.1/v1", api_key="none", http_client=http, max_retries=0)


def asked(**fields: Any) -> dict[str, Any]:
    return {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Read the receipt."}],
        "max_tokens": 120,
        "temperature": 0,
        **fields,
    }


def strict(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True, **more}}


SMALL = {"type": "object", "properties": {"total": {"type": "integer"}}, "required": ["total"], "additionalProperties": False}


def test_parse_gives_a_pydantic_model(client: Any) -> None:
    """Random weights write strings until the tokens run out, so the answer is ended in time; what is cut short, the client tells."""

    class Short(BaseModel):
        currency: Literal["EUR", "USD"]
        paid: bool | None
        kind: Literal["bill", "receipt"]

    parsed = client.chat.completions.parse(**asked(), response_format=Short).choices[0]
    assert isinstance(parsed.message.parsed, Short)
    assert parsed.finish_reason == "stop"
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(**asked(), response_format=Receipt)
    whole = client.chat.completions.create(
        **asked(temperature=1.0, seed=1), response_format=strict(Receipt.model_json_schema(), description="A receipt.")
    )
    Receipt.model_validate_json(whole.choices[0].message.content)
    assert whole.choices[0].finish_reason == "length"


def test_a_stream_says_the_same(client: Any) -> None:
    with client.chat.completions.stream(**asked(max_tokens=60), response_format=strict(SMALL)) as stream:
        for _ in stream:
            pass
        said = stream.get_final_completion().choices[0].message.content
    assert json.loads(said).keys() == {"total"}
    assert said == client.chat.completions.create(**asked(max_tokens=60), response_format=strict(SMALL)).choices[0].message.content


def test_any_object_and_our_own_forms(client: Any) -> None:
    def said(**fields: Any) -> str:
        return str(client.chat.completions.create(**asked(max_tokens=30), **fields).choices[0].message.content)

    assert isinstance(json.loads(said(response_format={"type": "json_object"})), dict)
    assert re.fullmatch("[0-9]{2} (EUR|USD)", said(extra_body={"response_format": {"type": "regex", "regex": "[0-9]{2} (EUR|USD)"}}))
    assert re.fullmatch("[a-c]{3}", said(extra_body={"guided_regex": "[a-c]{3}"}))
    assert re.fullmatch("[a-c]{3}", said(extra_body={"structured_outputs": {"regex": "[a-c]{3}"}}))
    assert said(extra_body={"guided_choice": ["yes", "no"]}) in ("yes", "no")
    assert said(extra_body={"structured_outputs": {"choice": ["yes", "no"]}}) in ("yes", "no")
    assert json.loads(said(extra_body={"guided_json": SMALL})).keys() == {"total"}
    assert json.loads(said(extra_body={"structured_outputs": {"json": json.dumps(SMALL)}})).keys() == {"total"}
    assert isinstance(json.loads(said(extra_body={"structured_outputs": {"json_object": True}})), dict)
    assert said(response_format={"type": "text"})


def test_several_choices_logprobs_and_text_completions(client: Any) -> None:
    answers = client.chat.completions.create(
        **asked(temperature=1.0, seed=3, n=3, logprobs=True, top_logprobs=1), response_format=strict({"enum": ["a", "b", 12]})
    )
    assert {json.loads(choice.message.content) for choice in answers.choices} <= {"a", "b", 12}
    for choice in answers.choices:
        assert b"".join(bytes(each.bytes) for each in choice.logprobs.content).decode() == choice.message.content
    text = client.completions.create(model=MODEL, prompt="Total:", max_tokens=8, extra_body={"guided_regex": " [0-9]+"}).choices[0].text
    assert re.fullmatch(" [0-9]+", text)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"response_format": strict({"$ref": "http://169.254.169.254/"})}, "response_format"),
        ({"response_format": strict({"type": "object", "minProperties": 9})}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "response_format.json_schema.schema"),
        ({"response_format": {"type": "regex"}}, "response_format.regex"),
        ({"response_format": {"type": "grammar"}}, "response_format.type"),
        ({"guided_regex": "("}, "guided_regex"),
        ({"guided_regex": ""}, "guided_regex"),
        ({"guided_regex": "a" * 70_000}, "guided_regex"),
        ({"guided_choice": []}, "guided_choice"),
        ({"guided_choice": [""]}, "guided_choice.0"),
        ({"guided_choice": ["a"], "guided_regex": "a"}, "guided_choice"),
        ({"structured_outputs": {}}, "structured_outputs"),
        ({"structured_outputs": {"regex": "a", "choice": ["a"]}}, "structured_outputs"),
        ({"response_format": strict(SMALL), "guided_regex": "a"}, "guided_regex"),
        ({"response_format": strict(SMALL), "max_tokens": 2}, "response_format"),
        ({"response_format": strict(SMALL), "stop": ["}"]}, None),
    ],
)
def test_what_is_no_form_is_refused_before_the_engine_sees_it(fields: dict[str, Any], param: str | None) -> None:
    scheduler = FakeScheduler()
    with client_of(scheduler) as client:
        answer = client.post(CHAT, json=body("Hm?", **fields))
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param
    assert not scheduler.submitted


def test_forms_reach_the_engine() -> None:
    scheduler = FakeScheduler()
    with client_of(scheduler) as client:
        for fields in ({"response_format": strict(SMALL)}, {"guided_regex": "a+"}, {"guided_choice": ["b", "a"]}, {}):
            assert client.post(CHAT, json=body("Hm?", **fields)).status_code == 200
    forms = [request.params.form for request in scheduler.submitted]
    assert [form and form.kind for form in forms] == ["json_schema", "regex", "choice", None]
    assert [for_vllm(form) for form in forms] == [
        {"structured_outputs": {"json": SMALL}},
        {"structured_outputs": {"regex": "a+"}},
        {"structured_outputs": {"choice": ["b", "a"]}},
        {},
    ]


def test_a_server_without_the_library_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from internvl.engine.grammar import Grammars
    from internvl.errors import MissingDependencyError

    def missing(*_: object, **__: object) -> None:
        raise MissingDependencyError("answers of a given form need llguidance: pip install 'internvl[grammar]'")

    monkeypatch.setattr(Grammars, "check", missing)
    with client_of() as client:
        error = client.post(CHAT, json=body("Hm?", guided_choice=["a"])).json()["error"]
    assert "internvl[grammar]" in error["message"]
    assert error["param"] == "guided_choice"
