"""The chat page's files, served from package data: read once, each with its type, an ETag and a strict policy.

    serve/page/* --page_files--> {"index.html": PageFile} --page_routes--> GET / and GET /page/<name>

Where the server asks for a key they need it too: `door` gets it from the user.
The page itself talks to /page/info, /page/count and /v1/chat/completions; page/server.js says what it expects of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "media-src blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # With these two the browser itself refuses innerHTML and its like: no answer of a model can become markup.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-cache",  # asked for each time, answered with 304: a new version is never mixed with an old one
}


@dataclass(frozen=True, kw_only=True)
class PageFile:
    """A file of the page. etag: quoted, a hash of the body."""

    body: bytes
    content_type: str
    etag: str


@lru_cache(maxsize=1)
def page_files() -> Mapping[str, PageFile]:
    """Every file of the page by name. A suffix that is not in `CONTENT_TYPES` is not served."""
    found = {}
    for entry in sorted(files("internvl.serve").joinpath("page").iterdir(), key=lambda entry: entry.name):
        content_type = CONTENT_TYPES.get("." + entry.name.rpartition(".")[2])
        if content_type is not None and entry.is_file():
            body = entry.read_bytes()
            etag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
            found[entry.name] = PageFile(body=body, content_type=content_type, etag=etag)
    return MappingProxyType(found)


def page_routes() -> list[Route]:
    """GET and HEAD of `/` (index.html) and of `/page/<name>`, one route a file: `app.router.routes.extend(page_routes())`.

    No path is ever joined from a request, and routes of others below /page/ stay free.
    """
    served = {"/": page_files()["index.html"]} | {f"/page/{name}": file for name, file in page_files().items()}
    return [Route(path, _handler(file), methods=["GET"], include_in_schema=False) for path, file in served.items()]


def _handler(file: PageFile) -> Callable[[Request], Awaitable[Response]]:
    headers = HEADERS | {"ETag": file.etag}

    async def send(request: Request) -> Response:
        if _is_known(file.etag, request.headers.get("If-None-Match", "")):
            return Response(status_code=304, headers=headers)
        return Response(file.body, headers=headers, media_type=file.content_type)

    return send


def _is_known(etag: str, if_none_match: str) -> bool:
    """RFC 9110, 13.1.2: a list of tags, weak ones count as equal, `*` is any."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or "*" in tags
