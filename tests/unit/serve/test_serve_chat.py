"""Chat and text completions around a scripted scheduler: forms, streams, choices, settings, counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from serve_fakes import MODEL, WORDS, FakeScheduler, body, client_of, png, shown, tiny

ANSWER = "".join(WORDS)
CHAT = "/v1/chat/completions"


def events(text: str) -> list[dict[str, Any]]:
    """The data of a stream, which must end with [DONE]."""
    lines = [line.removeprefix("data: ") for line in text.strip().split("\n\n")]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_an_answer_has_openais_form_and_says_what_it_cost() -> None:
    with client_of() as client:
        answer = client.post(CHAT, json=body("How many?", shown(png(900, 900)))).json()
    assert answer["object"] == "chat.completion"
    assert answer["model"] == MODEL
    [choice] = answer["choices"]
    assert choice["message"] == {"role": "assistant", "content": ANSWER}
    assert choice["finish_reason"] == "stop"
    usage = answer["usage"]
    details = usage["prompt_tokens_details"]
    assert details["image_tiles"] > 1
    assert details["image_tokens"] == details["image_tiles"] * tiny().processor.tokens_per_tile
    assert details["cached_tokens"] == 3
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_a_stream_says_the_same_in_pieces() -> None:
    with client_of() as client:
        response = client.post(CHAT, json=body("Hm?", stream=True))
    assert response.headers["content-type"].startswith("text/event-stream")
    chunks = events(response.text)
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == ANSWER
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * len(WORDS) + ["stop"]
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert not any("usage" in chunk for chunk in chunks)


def test_usage_comes_last_where_it_is_asked_for() -> None:
    with client_of() as client:
        chunks = events(client.post(CHAT, json=body("Hm?", stream=True, stream_options={"include_usage": True})).text)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == len(WORDS)
    assert all(chunk["usage"] is None for chunk in chunks[:-1])


def test_several_choices_have_seeds_of_their_own() -> None:
    scheduler = FakeScheduler()
    with client_of(scheduler) as client:
        answer = client.post(CHAT, json=body("Hm?", n=3, seed=7)).json()
        chunks = events(client.post(CHAT, json=body("Hm?", n=2, stream=True)).text)
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert [request.params.seed for request in scheduler.submitted] == [7, 8, 9, None, None]
    assert answer["usage"]["completion_tokens"] == 3 * len(WORDS)
    for index in range(2):
        said = [chunk["choices"][0] for chunk in chunks if chunk["choices"][0]["index"] == index]
        assert "".join(choice["delta"].get("content", "") for choice in said) == ANSWER


def test_settings_reach_the_engine() -> None:
    scheduler = FakeScheduler()
    with client_of(scheduler) as client:
        client.post(CHAT, json=body("Hm?", temperature=0.5, top_p=0.9, top_k=-1, seed=3, stop=["a", "b"], max_completion_tokens=9))
        client.post(CHAT, json=body("Hm?", stop="end", max_tokens=5, temperature=0))
        client.post(CHAT, json=body("Hm?"))
    first, second, third = (request.params for request in scheduler.submitted)
    assert (first.temperature, first.top_p, first.top_k, first.seed) == (0.5, 0.9, 0, 3)
    assert (first.stop, first.max_new_tokens) == (("a", "b"), 9)
    assert (second.stop, second.max_new_tokens, second.greedy) == (("end",), 5, True)
    assert third.temperature == 1.0


@pytest.mark.parametrize(
    ("fields", "own", "tiles"),
    [
        ({"detail": "low"}, {}, 1),
        ({"detail": "high"}, {}, 10),
        ({}, {}, 10),
        ({"max_tiles": 4}, {}, 5),
        ({}, {"max_tiles": 4}, 5),
        ({"max_tiles": 1}, {"max_tiles": 4}, 1),
    ],
)
def test_detail_and_max_tiles_choose_tiles(fields: dict[str, Any], own: dict[str, Any], tiles: int) -> None:
    scheduler = FakeScheduler()
    with client_of(scheduler) as client:
        response = client.post(CHAT, json=body("?", shown(png(3000, 3000), **fields), internvl=own))
    assert response.status_code == 200, response.text
    assert scheduler.submitted[0].inputs.tiles == tiles


def test_text_completions_go_on_without_a_template() -> None:
    scheduler = FakeScheduler()
    with client_of(scheduler) as client:
        answer = client.post("/v1/completions", json={"model": MODEL, "prompt": "Once upon"}).json()
        chunks = events(client.post("/v1/completions", json={"model": MODEL, "prompt": "Once", "stream": True}).text)
    assert answer["object"] == "text_completion"
    assert answer["choices"][0]["text"] == ANSWER
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == ANSWER
    assert scheduler.submitted[0].inputs.ids.tolist() == tiny().tokenizer.encode_text("Once upon")


def test_counts_are_what_the_answer_costs() -> None:
    scheduler = FakeScheduler()
    asked = body("How many?", shown(png(900, 500)))
    with client_of(scheduler) as client:
        usage = client.post(CHAT, json=asked).json()["usage"]
        counted = client.post("/page/count", json=asked).json()
        same = client.post("/tokenize", json=asked).json()
        plain = client.post("/tokenize", json={"prompt": "some words"}).json()
    assert counted["count"] == usage["prompt_tokens"]
    assert counted["image_tokens"] == usage["prompt_tokens_details"]["image_tokens"]
    assert counted["media"][0]["size"] == [900, 500]
    assert same == counted
    assert plain["tokens"] == tiny().tokenizer.encode_text("some words")
    assert plain["count"] == len(plain["tokens"])


def test_models_say_what_detail_means() -> None:
    with client_of() as client:
        [model] = client.get("/v1/models").json()["data"]
        assert client.get(f"/v1/models/{MODEL}").json() == model
        missing = client.get("/v1/models/other")
    assert model["id"] == MODEL
    assert model["internvl"]["detail"]["low"] == 1
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "model_not_found"


def test_states_and_metrics() -> None:
    with client_of() as client:
        assert client.get("/health").json() == {"status": "ok"}
        assert client.get("/ready").status_code == 200
        client.post(CHAT, json=body("Hm?", shown(png(64, 64))))
        client.post(CHAT, json=body("Hm?", shown(b"GIF?")))
        told = client.get("/metrics").text
    assert 'internvl_request_success_total{finished_reason="stop"} 1.0' in told
    assert f"internvl_generation_tokens_total {float(len(WORDS))}" in told
    assert 'internvl_requests_rejected_total{code="unsupported_media"} 1.0' in told
    assert "internvl_image_tiles_total 1.0" in told
    assert "internvl_num_requests_running 0.0" in told


def test_the_description_of_the_api_names_every_field() -> None:
    with client_of() as client:
        paths = client.get("/openapi.json").json()["paths"]
    schema = paths[CHAT]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"messages", "max_tokens", "internvl", "seed"} <= set(schema["properties"])
    assert "$ref" not in json.dumps(schema)


def test_logprobs_have_openais_form() -> None:
    with client_of() as client:
        told = client.post(CHAT, json=body("Hm?", logprobs=True, top_logprobs=2)).json()["choices"][0]["logprobs"]["content"]
        chunks = events(client.post(CHAT, json=body("Hm?", logprobs=True, stream=True)).text)
        asked = {"model": MODEL, "prompt": "Hm", "logprobs": 1}
        flat = client.post("/v1/completions", json=asked).json()["choices"][0]["logprobs"]
        none = client.post(CHAT, json=body("Hm?")).json()["choices"][0]["logprobs"]
    token = tiny().tokenizer.token_bytes(65)
    assert len(told) == len(WORDS)
    assert (told[0]["bytes"], told[0]["logprob"], len(told[0]["top_logprobs"])) == (list(token), -0.5, 2)
    assert sum(len((chunk["choices"][0]["logprobs"] or {"content": []})["content"]) for chunk in chunks) == len(WORDS)
    assert flat["token_logprobs"] == [-0.5] * len(WORDS)
    assert none is None
