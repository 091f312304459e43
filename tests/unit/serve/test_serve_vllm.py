"""vLLM as the engine, played by a program that speaks its interface: what arrives there is what our own engine would read."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import PIL.Image
import pytest
from serve_fakes import FIXTURES, body, data_url, linked, png, shown
from starlette.testclient import TestClient

from internvl.cli.loading import load_processor
from internvl.errors import ConfigError, MissingDependencyError
from internvl.messages import Image, Message, assistant, system, user
from internvl.processor import Processor
from internvl.serve import vllm_process
from internvl.serve.config import ServeConfig
from internvl.serve.served import Served
from internvl.serve.vllm_app import create_vllm_app, served_from
from internvl.serve.vllm_engine import VllmEngine, wait_until_ready
from internvl.serve.vllm_process import NOT_INSTALLED, VllmProcess, check_policy, program
from internvl.serve.vllm_request import VllmRequest

pytest.importorskip("jinja2")
CHAT = "/v1/chat/completions"
FOLDER = FIXTURES / "internvl2-qwen2"
SAID = "Yes, <ref>it</ref> is 好."
CONFIG = ServeConfig(max_images=4, max_running=3, workers=1)


@pytest.fixture(scope="module")
def processor() -> Processor:
    return load_processor(str(FOLDER), policy={}, max_tiles=None)[0]


@pytest.fixture(scope="module")
def engine(processor: Processor) -> Iterator[VllmEngine]:
    served = served_from(str(FOLDER), processor, load_processor(str(FOLDER), policy={}, max_tiles=None)[1])
    extra = ["--tokens-per-tile", str(processor.tokens_per_tile), "--tile-size", str(processor.policy.tile_size)]
    called = [sys.executable, str(Path(__file__).parent / "fake_vllm.py")]
    process = VllmProcess(served, CONFIG, folder=FOLDER, layout="original", extra=extra, called=called)
    engine = VllmEngine(process.url, model=served.name, key=process.key, process=process)
    try:
        asyncio.run(wait_until_ready(engine, 120))
        yield engine
    finally:
        process.end()


@pytest.fixture
def client(engine: VllmEngine, processor: Processor) -> Iterator[TestClient]:
    served = served_from(str(FOLDER), processor, load_processor(str(FOLDER), policy={}, max_tiles=None)[1])
    front = VllmEngine(engine.url, model=engine.model, key=engine.key)  # the process belongs to all tests
    app = create_vllm_app(served, CONFIG, front, "original")
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client


def seen(engine: VllmEngine) -> dict[str, Any]:
    told: dict[str, Any] = httpx.get(f"{engine.url}/seen", trust_env=False).json()
    return told


def test_vllm_is_started_with_our_policy_template_and_limits(engine: VllmEngine, processor: Processor) -> None:
    options = seen(engine)["options"]
    policy = processor.policy
    assert (options["host"], options["max_num_seqs"], options["chat_template_content_format"]) == ("127.0.0.1", "3", "string")
    assert json.loads(options["mm_processor_kwargs"]) == {
        "min_dynamic_patch": policy.min_tiles, "max_dynamic_patch": policy.max_tiles, "dynamic_image_size": True,
    }  # fmt: skip
    assert json.loads(options["limit_mm_per_prompt"])["image"] >= CONFIG.max_images
    assert engine.key not in json.dumps(options), "a key in the arguments is there for everybody to read"


@pytest.mark.parametrize(
    ("messages", "fields"),
    [
        ((user("How many?"),), {}),
        ((system("Be brief."), user("a"), assistant("b 好"), user("c\n d ")), {}),
        ((user(Image(png(900, 500)), "\n", "What is it?"),), {}),
        ((user("Image-1: ", Image(png(900, 500)), "\n", "Image-2: ", Image(png(64, 300)), "\n", "Which?"),), {"max_tiles": 4}),
    ],
    ids=["words", "turns", "picture", "two pictures"],
)
def test_the_prompt_is_read_id_for_id_as_our_own(
    client: TestClient, engine: VllmEngine, processor: Processor, messages: tuple[Message, ...], fields: dict[str, int]
) -> None:
    sent = [{"role": message.role, "content": _parts(message)} for message in messages]
    response = client.post(CHAT, json={**body("x"), "messages": sent, "internvl": fields, "max_tokens": 7})
    assert response.status_code == 200, response.text
    if fields:
        processor = processor.with_policy(processor.policy.with_max_tiles(fields["max_tiles"]))
    inputs = processor.prepare(messages)
    assert seen(engine)["ids"] == inputs.ids.tolist()
    usage = response.json()["usage"]
    assert usage["prompt_tokens"] == inputs.tokens
    assert usage["prompt_tokens_details"] == {"cached_tokens": 2, "image_tokens": inputs.visual_tokens, "image_tiles": inputs.tiles}


def _parts(message: Message) -> list[dict[str, Any]]:
    """The message as a client sends it: our layout is added by the server, and left out here."""
    texts = [part for part in message.parts if isinstance(part, str) and not re.fullmatch(r"\n|Image-\d: ", part)]
    return [shown(part.source) for part in message.media] + [{"type": "text", "text": text} for text in texts]  # type: ignore[arg-type]


def test_answers_have_the_same_form_as_ever(client: TestClient) -> None:
    whole = client.post(CHAT, json=body("Hm?", logprobs=True, top_logprobs=1)).json()
    [choice] = whole["choices"]
    assert choice["message"]["content"] == SAID
    assert choice["finish_reason"] == "stop"
    assert [each["logprob"] for each in choice["logprobs"]["content"]] == [-0.25] * 3
    assert len(choice["logprobs"]["content"][0]["top_logprobs"]) == 1
    text = client.post(CHAT, json=body("Hm?", stream=True, n=2, stream_options={"include_usage": True})).text
    chunks = [json.loads(line[6:]) for line in text.split("\n\n") if line.startswith("data: {")]
    for index in (0, 1):
        said = [
            each["choices"][0]["delta"].get("content", "")
            for each in chunks
            if each["choices"] and each["choices"][0]["index"] == index
        ]
        assert "".join(said) == SAID
    assert chunks[-1]["usage"]["completion_tokens"] == 6
    plain = client.post("/v1/completions", json={"model": whole["model"], "prompt": "Once <|im_end|>", "logprobs": 1}).json()
    assert plain["choices"][0]["text"] == SAID
    assert plain["choices"][0]["logprobs"]["text_offset"] == [0, 1, 2]


def test_settings_arrive_by_their_names(client: TestClient, engine: VllmEngine, processor: Processor) -> None:
    client.post(CHAT, json=body("Hm?", temperature=0.5, top_p=0.9, top_k=0, seed=(1 << 64) - 1, stop=["x"], max_completion_tokens=9))
    sent = seen(engine)["body"]
    assert (sent["temperature"], sent["top_p"], sent["top_k"], sent["seed"], sent["max_tokens"]) == (0.5, 0.9, -1, -1, 9)
    assert (sent["stop"], sent["stop_token_ids"], sent["n"]) == (["x"], [processor.stop_id], 1)


def test_a_prompt_that_vllm_reads_otherwise_is_an_error_not_an_answer(client: TestClient) -> None:
    response = client.post(CHAT, json=body("!wrong"))
    assert (response.status_code, response.json()["error"]["code"]) == (502, "engine_mismatch")


@pytest.mark.parametrize("order", ["!refuse", "!cut"])
def test_what_goes_wrong_behind_us_is_told_without_its_words(client: TestClient, order: str) -> None:
    response = client.post(CHAT, json=body(order))
    assert (response.status_code, response.json()["error"]["code"]) == (502, "engine_failed")
    assert "secret" not in response.text
    assert "engine_failed" in client.post(CHAT, json=body(order, stream=True)).text
    assert client.post(CHAT, json=body("Hm?")).status_code == 200


@pytest.mark.parametrize("mark", ["<image>", "<IMG_CONTEXT>", "<|im_start|>system", "</img>"])
def test_marks_that_vllm_would_believe_are_refused(client: TestClient, mark: str) -> None:
    response = client.post(CHAT, json=body(f"Look {mark} here", shown(png())))
    assert (response.status_code, response.json()["error"]["code"]) == (400, "forged_mark")


def test_our_checks_stand_in_front(client: TestClient, engine: VllmEngine) -> None:
    client.post(CHAT, json=body("the last"))
    for sent, status in (
        (body("x", shown(b"broken")), 422),
        (body("x", linked("http://127.0.0.1/")), 422),
        (body("x", temperature=9), 400),
        (body("word " * 9000), 400),
        (body("x", shown(png(900, 900)), shown(png(900, 900), detail="low")), 400),
    ):
        assert client.post(CHAT, json=sent).status_code == status
    assert seen(engine)["body"]["messages"][-1]["content"][0]["text"] == "the last", "none of them reached vLLM"


def test_pictures_arrive_upright_and_without_loss(client: TestClient, engine: VllmEngine) -> None:
    original = PIL.Image.new("RGB", (64, 32), (10, 200, 30))
    file = io.BytesIO()
    original.save(file, "JPEG", exif=_turned())
    assert client.post(CHAT, json=body("x", linked(data_url(file.getvalue(), "image/jpeg")))).status_code == 200
    [part] = [each for each in seen(engine)["body"]["messages"][-1]["content"] if each["type"] == "image_url"]
    assert part["image_url"]["url"].startswith("data:image/png;base64,")
    arrived = PIL.Image.open(io.BytesIO(base64.b64decode(part["image_url"]["url"].partition(",")[2])))
    assert arrived.size == (32, 64)


def _turned() -> bytes:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


def test_a_client_that_goes_away_is_told_to_vllm(engine: VllmEngine, processor: Processor) -> None:
    before = seen(engine)["gone"]
    turns = [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in (("system", "s"), ("user", "!endless"))]
    tokens = processor.prepare((system("s"), user("!endless"))).tokens
    request = VllmRequest(path=CHAT, body={"messages": turns}, prompt_tokens=tokens, visual_tokens=0, tiles=0)

    async def work() -> None:
        front = VllmEngine(engine.url, model=engine.model, key=engine.key)
        front.start()
        events = front.submit(request)
        assert (await anext(events)).text == "Yes, "
        assert front.counts == (1, 0)
        await events.aclose()
        assert front.counts == (0, 0)

    asyncio.run(work())
    deadline = time.monotonic() + 20
    while seen(engine)["gone"] == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert seen(engine)["gone"] == before + 1


def test_a_vllm_that_ends_is_told(processor: Processor) -> None:
    served = Served(name="x", processor=processor, language=load_processor(str(FOLDER), policy={}, max_tiles=None)[1].language)
    called = [sys.executable, "-c", "raise SystemExit(3)"]
    process = VllmProcess(served, CONFIG, folder=FOLDER, layout="original", extra=[], called=called)
    engine = VllmEngine(process.url, model="x", key=process.key, process=process)
    with pytest.raises(Exception, match="ended while it was starting"):
        asyncio.run(wait_until_ready(engine, 60))
    app = create_vllm_app(served, CONFIG, engine, "original")
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert client.get("/health").status_code == 503
        assert client.get("/ready").status_code == 503
        assert client.post(CHAT, json={**body("Hm?"), "model": "x"}).status_code == 503
    process.end()


def test_without_vllm_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_process.shutil, "which", lambda _: None)
    monkeypatch.setattr(vllm_process.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError, match=re.escape(NOT_INSTALLED)):
        program()


def test_a_policy_that_vllm_can_not_be_told_is_refused_at_the_start(processor: Processor) -> None:
    served = Served(name="x", processor=processor, language=load_processor(str(FOLDER), policy={}, max_tiles=None)[1].language)
    with pytest.raises(ConfigError, match="thumbnail"):
        check_policy(served, thumbnail=not processor.policy.thumbnail)
    padded = processor.with_policy(replace(processor.policy, dynamic=False, max_tiles=1, pad_to_square=True))
    with pytest.raises(ConfigError, match="pad_to_square"):
        check_policy(replace(served, processor=padded), thumbnail=processor.policy.thumbnail)
