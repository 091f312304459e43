"""The application: routes, what they call, and how errors look. One model, one process.

create_app(vlm, ServeConfig) -> FastAPI        Guard -> route -> Answering | count | page
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from internvl import __version__
from internvl.engine.scheduler import Scheduler
from internvl.engine.vlm import VLM
from internvl.errors import InternVLError
from internvl.serve.about import counted, info
from internvl.serve.answering import Answering
from internvl.serve.body import read_json
from internvl.serve.config import ServeConfig
from internvl.serve.decoders import Decoders
from internvl.serve.errors import ApiError, api_error, unavailable
from internvl.serve.fetch import Fetcher
from internvl.serve.gate import Gate
from internvl.serve.guard import Guard
from internvl.serve.loop import BROKEN, Answerer, EngineLoop, Stepping
from internvl.serve.memory import cache_bytes, free_bytes, free_device_bytes, inside_bytes
from internvl.serve.metrics import Metrics
from internvl.serve.openapi import described
from internvl.serve.page_files import page_routes
from internvl.serve.prepare import Preparer
from internvl.serve.reply_schema import ChatReply, CountReply, InfoReply, ModelReply, ModelsReply, StateReply, TextReply
from internvl.serve.schema import ChatRequest, CompletionRequest, CountRequest, TokenizeRequest, validated
from internvl.serve.served import Served

log = logging.getLogger("internvl.serve")


def create_app(
    vlm: VLM,
    config: ServeConfig | None = None,
    *,
    scheduler: Stepping | None = None,
    fetcher: Fetcher | None = None,
    decoders: Decoders | None = None,
) -> FastAPI:
    """The server of one model. `scheduler`, `fetcher` and `decoders` replace the real ones in tests."""
    config = config or ServeConfig()
    served = Served.of(vlm)
    preparer = Preparer(served, config, fetcher or fetcher_of(config))
    engine = EngineLoop(scheduler or _scheduler(vlm, config))
    return app_around(served, config, preparer=preparer, engine=engine, decoders=decoders)


def app_around(
    served: Served, config: ServeConfig, *, preparer: Preparer, engine: Answerer, decoders: Decoders | None = None
) -> FastAPI:
    """The same HTTP surface around whatever computes the answers."""
    service = Service(served, config, preparer, engine, decoders or Decoders(config))
    app = FastAPI(title="internvl", version=__version__, lifespan=service.lifespan, docs_url=None, redoc_url=None)
    service.add_routes(app)
    app.add_exception_handler(InternVLError, service.failed)
    app.add_exception_handler(HTTPException, service.no_route)
    app.add_exception_handler(Exception, service.crashed)
    app.add_middleware(Guard, config=config, metrics=service.metrics, route_of=lambda path: _route(app, path))
    app.state.service = service
    return app


class Service:
    """The routes of one application and what they share."""

    def __init__(self, served: Served, config: ServeConfig, preparer: Preparer, engine: Answerer, decoders: Decoders) -> None:
        self.served, self.config, self.preparer, self.engine, self.decoders = served, config, preparer, engine, decoders
        self.started = int(time.time())
        self.name = config.name or served.name.rstrip("/").rpartition("/")[2]
        self.metrics = Metrics(lambda: self.engine.counts)
        self.gate = Gate(config.max_running + config.max_waiting, config.max_inside_bytes or inside_bytes(free_bytes()))
        self.workers = ThreadPoolExecutor(config.workers, thread_name_prefix="media")
        self.answering = Answering(
            name=self.name,
            config=config,
            preparer=preparer,
            decoders=decoders,
            engine=engine,
            gate=self.gate,
            metrics=self.metrics,
            workers=self.workers,
        )

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """The engine runs from start to shutdown; the HTTP server shuts down when its requests are answered or grace is over."""
        self.engine.start()
        try:
            yield
        finally:
            self.gate.draining = True
            await asyncio.to_thread(self.engine.close)
            self.workers.shutdown(wait=False, cancel_futures=True)
            self.decoders.close()

    def add_routes(self, app: FastAPI) -> None:
        """All routes. Bodies are read by the routes themselves: their limits hold before anything is parsed."""
        post: tuple[tuple[str, Callable[..., Any], type[BaseModel], type[BaseModel]], ...] = (
            ("/v1/chat/completions", self.answering.chat, ChatRequest, ChatReply),
            ("/v1/completions", self.answering.complete, CompletionRequest, TextReply),
            ("/tokenize", self.tokenize, TokenizeRequest, CountReply),
            ("/page/count", self.count, CountRequest, CountReply),
        )
        for path, endpoint, body, reply in post:
            entry = described(body, reply, streams=path.startswith("/v1/"))
            app.add_api_route(path, endpoint, methods=["POST"], response_model=None, openapi_extra=entry)
        get: tuple[tuple[str, Callable[..., Any], type[BaseModel] | None], ...] = (
            ("/v1/models", self.models, ModelsReply),
            ("/v1/models/{name:path}", self.model, ModelReply),
            ("/health", self.health, StateReply),
            ("/ready", self.ready, StateReply),
            ("/metrics", self.prometheus, None),
            ("/page/info", self.info, InfoReply),
        )
        for path, answer, told in get:
            app.add_api_route(path, answer, methods=["GET"], response_model=None, openapi_extra=described(None, told))
        app.router.routes.extend(page_routes())

    async def models(self) -> dict[str, Any]:
        """GET /v1/models."""
        return {"object": "list", "data": [self._model()]}

    async def model(self, name: str) -> dict[str, Any]:
        """GET /v1/models/NAME."""
        self.answering.check_model(name)
        return self._model()

    async def tokenize(self, http: HttpRequest) -> dict[str, Any]:
        """POST /tokenize: the ids of a text, or the count of a conversation."""
        with self.gate.slot() as slot:
            asked = validated(TokenizeRequest, await read_json(http, self.config, slot))
            self.answering.check_model(asked.model)
            if (asked.prompt is None) == (asked.messages is None):
                raise ApiError("either prompt or messages is needed, and not both", param="prompt")
            if asked.messages is not None:
                return await self._counted(CountRequest(messages=asked.messages, internvl=asked.internvl))
            ids = await self.answering.in_worker(self.preparer.ids, asked.prompt)
            return {"count": len(ids), "max_model_len": self.preparer.context, "tokens": ids}

    async def count(self, http: HttpRequest) -> dict[str, Any]:
        """POST /page/count: what a question costs, before it runs."""
        with self.gate.slot() as slot:
            asked = validated(CountRequest, await read_json(http, self.config, slot))
            self.answering.check_model(asked.model)
            return await self._counted(asked)

    async def health(self) -> Response:
        """GET /health: whether the process answers; 503 once the model stopped working."""
        return _state("broken" if self.engine.broken else "ok", 503 if self.engine.broken else 200)

    async def ready(self) -> Response:
        """GET /ready: whether a request sent now would be taken."""
        if self.engine.broken:
            raise unavailable(BROKEN)
        if self.gate.draining or not self.engine.alive:
            raise unavailable("the server is starting or stopping")
        return _state("ready", 200)

    async def prometheus(self) -> Response:
        """GET /metrics."""
        return Response(self.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def info(self) -> dict[str, Any]:
        """GET /page/info."""
        return info(self.served, self.name, self.config, self.preparer.context)

    async def failed(self, _: HttpRequest, error: Exception) -> Response:
        """A typed error becomes its status and sentence."""
        found = api_error(error) if isinstance(error, InternVLError) else api_error(InternVLError())
        if found.status == 500:
            log.error("a request failed: %s", found.code, exc_info=error)
        if found.status == 499:
            self.metrics.disconnected()
        self.metrics.rejected(found.code)
        return JSONResponse(found.body(), found.status, found.headers())

    async def no_route(self, http: HttpRequest, error: Exception) -> Response:
        """No such path, or another method than the path has."""
        status = error.status_code if isinstance(error, HTTPException) else 404
        message = "this path has no such method" if status == 405 else "there is nothing here"
        headers = error.headers if isinstance(error, HTTPException) else None
        found = ApiError(message, status=status, code="method_not_allowed" if status == 405 else "not_found")
        return JSONResponse(found.body(), status, dict(headers or {}))

    async def crashed(self, http: HttpRequest, error: Exception) -> Response:
        """What nobody expected: a 500 without details. The framework raises it again, into the log."""
        self.metrics.rejected("internal_error")
        return JSONResponse(api_error(InternVLError()).body(), 500)

    async def _counted(self, asked: CountRequest) -> dict[str, Any]:
        with self.answering.opener() as opener:
            return counted(await self.answering.in_worker(self.preparer.count, asked, opener), self.preparer.context)

    def _model(self) -> dict[str, Any]:
        about = info(self.served, self.name, self.config, self.preparer.context)
        return {
            "id": self.name,
            "object": "model",
            "created": self.started,
            "owned_by": "internvl",
            "max_model_len": self.preparer.context,
            "internvl": {key: about[key] for key in ("tokens_per_tile", "tiles", "detail", "limits")},
        }


def _state(status: str, code: int) -> Response:
    return JSONResponse({"status": status}, code)


def fetcher_of(config: ServeConfig) -> Fetcher:
    """What fetches the URLs of requests."""
    return Fetcher(max_bytes=config.max_media_bytes, timeout_s=config.fetch_timeout_s)


def _scheduler(vlm: VLM, config: ServeConfig) -> Scheduler:
    free = free_device_bytes() if vlm.model.device.type == "cuda" else free_bytes()
    return Scheduler(
        vlm.engine,
        max_running=config.max_running,
        # The gate already counts requests; the scheduler's own bound on them is never the tighter one.
        max_waiting=config.max_running + config.max_waiting,
        max_tokens=config.max_tokens,
        max_bytes=None if config.max_tokens else cache_bytes(free),
    )


def _route(app: FastAPI, path: str) -> str:
    """The route's own path, or one word for all that are none."""
    known = {getattr(route, "path", "") for route in app.routes}
    if path in known:
        return path
    return "/v1/models" if path.startswith("/v1/models/") else "other"
