"""Queues, deadlines, clients that go away, a model that fails, shutdown: every slot is freed and nobody waits for ever."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from serve_fakes import FakeScheduler, app_of, body, client_of

from internvl.errors import QueueFullError, RequestTooLargeError
from internvl.serve.config import ServeConfig
from internvl.serve.run import Server, serve

CHAT = "/v1/chat/completions"


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def until(is_so: Callable[[], bool], what: str) -> None:
    for _ in range(400):
        if is_so():
            return
        await asyncio.sleep(0.005)
    pytest.fail(f"{what} did not come about")


def in_loop(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 30))  # type: ignore[arg-type]


def closed() -> FakeScheduler:
    """A scheduler that takes requests and says nothing until `open` is set."""
    scheduler = FakeScheduler()
    scheduler.open.clear()
    return scheduler


def test_more_requests_than_places_are_turned_away_and_the_rest_answered() -> None:
    scheduler = closed()
    app = app_of(scheduler, max_running=2, max_waiting=6)

    async def work() -> None:
        async with running(app) as client:
            asked = [asyncio.create_task(client.post(CHAT, json=body(f"Number {i}?"))) for i in range(200)]
            await until(lambda: len(scheduler.submitted) == 8, "eight requests inside")
            assert (await client.get("/health")).status_code == 200
            scheduler.open.set()
            answers = await asyncio.gather(*asked)
            codes = [answer.status_code for answer in answers]
            assert (codes.count(200), codes.count(429)) == (8, 192)
            assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if answer.status_code == 429)
            assert app.state.service.gate.inside == 0
            assert (await client.post(CHAT, json=body("Again?"))).status_code == 200

    in_loop(work)


def test_choices_take_a_place_each() -> None:
    with client_of(max_running=1, max_waiting=1) as client:
        assert client.post(CHAT, json=body("Hm?", n=3)).status_code == 429
        assert client.post(CHAT, json=body("Hm?", n=2)).status_code == 200


class Hangup:
    """An ASGI client that hangs up after `chunks` pieces of the answer's body, or at once."""

    def __init__(self, sent: dict[str, Any], *, chunks: int) -> None:
        self.sent, self.chunks = sent, chunks
        self.seen = asyncio.Event()
        self.asked = False

    async def call(self, app: FastAPI) -> None:
        headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": CHAT, "raw_path": b"",
                 "query_string": b"", "headers": headers, "scheme": "http",
                 "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2)}  # fmt: skip
        if not self.chunks:
            self.seen.set()
        await app(scope, self.receive, self.send)

    async def receive(self) -> dict[str, Any]:
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": json.dumps(self.sent).encode(), "more_body": False}
        await self.seen.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.chunks -= message["type"] == "http.response.body"
        if self.chunks <= 0:
            self.seen.set()


@pytest.mark.parametrize(("stream", "chunks"), [(False, 0), (True, 0), (True, 2)])
def test_a_client_that_goes_away_frees_its_place(stream: bool, chunks: int) -> None:
    scheduler = closed()
    scheduler.words = ("word ",) * 10**6
    if chunks:
        scheduler.open.set()
    app = app_of(scheduler)

    async def work() -> None:
        async with running(app) as client:
            for _ in range(20):
                await Hangup(body("Hm?", stream=stream, n=2), chunks=chunks).call(app)
                assert app.state.service.gate.inside == 0
            await until(lambda: scheduler.idle, "an idle scheduler")
            assert "internvl_client_disconnects_total 20.0" in (await client.get("/metrics")).text

    in_loop(work)


def test_a_request_has_a_deadline() -> None:
    scheduler = closed()
    with client_of(scheduler, timeout_s=1.0) as client:
        response = client.post(CHAT, json=body("Hm?"))
        assert (response.status_code, response.json()["error"]["code"]) == (504, "timeout")
        scheduler.words = ("word ",) * 10**6
        scheduler.open.set()
        said = client.post(CHAT, json=body("Hm?", stream=True)).text
        assert '"timeout"' in said.split("\n\n")[-3]
        assert said.endswith("data: [DONE]\n\n")
        assert client.app.state.service.gate.inside == 0  # type: ignore[attr-defined]


def test_a_body_has_a_deadline() -> None:
    app = app_of(FakeScheduler(), body_timeout_s=0.05)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)
        yield b"}"

    async def work() -> None:
        async with running(app) as client:
            response = await client.post(CHAT, content=slowly(), headers={"content-type": "application/json"})
            assert response.status_code == 408
            assert app.state.service.gate.inside == 0

    in_loop(work)


@pytest.mark.parametrize(("error", "status"), [(QueueFullError("full"), 429), (RequestTooLargeError("too many"), 400)])
@pytest.mark.parametrize("stream", [True, False])
def test_what_the_scheduler_refuses_has_a_status(error: Exception, status: int, stream: bool) -> None:
    def refuse(_: object) -> None:
        raise error

    with client_of(FakeScheduler(refuse=refuse)) as client:
        response = client.post(CHAT, json=body("Hm?", stream=stream))
    assert response.status_code == status
    assert ("retry-after" in response.headers) == (status == 429)


def test_a_request_whose_numbers_fail_fails_alone() -> None:
    scheduler = closed()
    app = app_of(scheduler)

    async def work() -> None:
        async with running(app) as client:
            bad = asyncio.create_task(client.post(CHAT, json=body("Hm?", stop=["POISON"])))
            good = asyncio.create_task(client.post(CHAT, json=body("Hm?")))
            await until(lambda: len(scheduler.submitted) == 2, "two requests inside")
            scheduler.open.set()
            assert (await good).status_code == 200
            assert (await bad).status_code == 500
            assert (await bad).json()["error"]["code"] == "numeric_error"
            assert (await client.get("/health")).status_code == 200

    in_loop(work)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_model_that_stops_working_is_told_everywhere() -> None:
    scheduler = FakeScheduler(crash=RuntimeError)
    with client_of(scheduler) as client:
        response = client.post(CHAT, json=body("Hm?"))
        assert response.status_code == 503
        assert "0x" not in response.text
        assert client.get("/health").status_code == client.get("/ready").status_code == 503
        assert client.post(CHAT, json=body("Hm?", stream=True)).status_code == 503
        assert client.get("/v1/models").status_code == 200


def test_draining_turns_new_requests_away_and_finishes_old_ones() -> None:
    scheduler = closed()
    app = app_of(scheduler)

    async def work() -> None:
        async with running(app) as client:
            old = asyncio.create_task(client.post(CHAT, json=body("Old?")))
            await until(lambda: len(scheduler.submitted) == 1, "one request inside")
            app.state.service.gate.draining = True
            new = await client.post(CHAT, json=body("New?"))
            assert (new.status_code, new.headers["retry-after"]) == (503, "5")
            assert (await client.get("/ready")).status_code == 503
            assert (await client.get("/health")).status_code == 200
            scheduler.open.set()
            assert (await old).status_code == 200

    in_loop(work)


def test_what_is_unfinished_when_the_engine_closes_gets_an_error() -> None:
    scheduler = closed()
    app = app_of(scheduler)

    async def work() -> None:
        async with running(app) as client:
            asked = asyncio.create_task(client.post(CHAT, json=body("Hm?")))
            await until(lambda: len(scheduler.submitted) == 1, "one request inside")
            await asyncio.to_thread(app.state.service.engine.close)
            assert (await asked).status_code == 503
            assert (await client.post(CHAT, json=body("Hm?"))).status_code == 503

    in_loop(work)
    assert not any(thread.name == "engine" and thread.is_alive() for thread in threading.enumerate())


@pytest.mark.parametrize(("host", "key", "warned"), [("0.0.0.0", None, True), ("0.0.0.0", "sesame", False), ("127.0.0.1", None, False)])
def test_an_open_port_without_a_key_is_warned_of(
    host: str, key: str | None, warned: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Server, "run", lambda *_, **__: None)
    config = ServeConfig(host=host, port=0, api_key=key)
    serve(app_of(FakeScheduler()), config)
    assert ("without an API key" in caplog.text) is warned
    assert "sesame" not in caplog.text


def test_the_loop_answers_while_a_large_body_is_parsed() -> None:
    app = app_of(FakeScheduler())
    large = json.dumps(body("Hm?") | {"logit_bias": {str(i): 1 for i in range(300_000)}}).encode()

    async def work() -> None:
        async with running(app) as client:
            asked = asyncio.create_task(client.post(CHAT, content=large, headers={"content-type": "application/json"}))
            waits = []
            while not asked.done():
                began = time.perf_counter()
                assert (await client.get("/health")).status_code == 200
                waits.append(time.perf_counter() - began)
                await asyncio.sleep(0)
            assert (await asked).status_code == 400
            assert len(waits) > 1, "health was answered in the meantime"

    in_loop(work)
