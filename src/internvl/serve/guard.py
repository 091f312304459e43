"""What every request passes before any route sees it: the name it was sent to, the key, and headers that make browsers careful.

A page of another site can make a browser send requests here. It can't know the key; and where there is none, the server is on
loopback and answers only to loopback's names, so that a foreign name that points here gets nothing.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from internvl.serve.config import LOOPBACK, ServeConfig
from internvl.serve.door import door
from internvl.serve.errors import ApiError
from internvl.serve.metrics import Metrics

OPEN = frozenset(("/health", "/ready"))
"""What needs no key: whoever watches over the process asks only whether it lives."""
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


@dataclass(frozen=True)
class Guard:
    """ASGI middleware. `route_of` names a path for the metrics, so that paths of all kinds make no labels of their own."""

    app: ASGIApp
    config: ServeConfig
    metrics: Metrics
    route_of: Callable[[str], str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan, which passes."""
        if scope["type"] != "http":
            # There are no other connections here: websockets are refused by not being known.
            return await self.app(scope, receive, send) if scope["type"] == "lifespan" else None
        number = uuid.uuid4().hex

        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in (HEADERS | {"x-request-id": number}).items():
                    headers.setdefault(name, value)  # the page's files have a policy of their own
                self.metrics.response(self.route_of(scope["path"]), message["status"])
            await send(message)

        error = self._refusal(Headers(scope=scope), scope["path"])
        if error is None:
            return await self.app(scope, receive, careful)
        self.metrics.rejected(error.code)
        asks_for_page = scope["path"] == "/" and scope["method"] in ("GET", "HEAD") and error.status == 401
        refusal = door() if asks_for_page else JSONResponse(error.body(), error.status, error.headers())
        return await refusal(scope, receive, careful)

    def _refusal(self, headers: Headers, path: str) -> ApiError | None:
        if self.config.is_loopback and host_name(headers.get("host", "")) not in LOOPBACK:
            return ApiError("this server answers to localhost only", status=421, code="wrong_host")
        key = self.config.api_key
        if key is None or path in OPEN or same_key(shown_key(headers.get("authorization", "")), key):
            return None
        return ApiError("this server needs its API key: Authorization: Bearer KEY", status=401, code="invalid_api_key")


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def shown_key(authorization: str) -> str:
    """The key that a client shows as Bearer; empty when there is none."""
    scheme, _, value = authorization.partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def same_key(shown: str, key: str) -> bool:
    """Compared in a time that does not tell how much of it is right."""
    return hmac.compare_digest(shown.encode("utf-8", "surrogatepass"), key.encode())
