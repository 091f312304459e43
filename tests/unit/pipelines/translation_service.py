"""A chat service on this machine that the tests of translation script: it answers, fails, hangs, hangs up, or loses marks."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

from internvl.pipelines.translate.kept import kept_in

ASKED = "Text for translation: "
# Status and body; or a word for what happens instead of an answer.
Reply: TypeAlias = tuple[int, dict[str, str], str] | str


class TranslationService:
    """`reply(text, times)` says what comes for a text when it is asked for the nth time; `bodies` and `keys` are all requests."""

    def __init__(self) -> None:
        self.reply: Callable[[str, int], Reply] = lambda text, times: says(in_chinese(text))
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.under_way = self.most_under_way = 0
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def texts(self) -> list[str]:
        """The texts that were asked for, one a request."""
        return [text_of(body) for body in self.bodies]

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, body: dict[str, Any], key: str | None) -> Reply:
        with self._lock:
            self.bodies.append(body)
            self.keys.append(key)
            times = self.texts.count(text_of(body))
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return self.reply(text_of(body), times)
        finally:
            with self._lock:
                self.under_way -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                reply = service.answer(body, self.headers.get("authorization"))
                if reply == "hang":
                    service.closing.wait(5)
                if isinstance(reply, str):
                    self._cut_off()
                    return
                status, headers, content = reply
                self.send_response(status)
                for name, value in {"content-length": str(len(content.encode())), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content.encode())

            def _cut_off(self) -> None:
                """Half of an answer, then the connection is gone."""
                self.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"choices": [')
                self.wfile.flush()
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

            def log_message(self, format: str, *args: Any) -> None:
                """Silence."""

        return Handler


def says(text: str, *, finish: str = "stop", usage: dict[str, int] | None = None) -> Reply:
    counted = {"prompt_tokens": 100, "completion_tokens": 10} if usage is None else usage
    return 200, {}, json.dumps({"choices": [{"message": {"content": text}, "finish_reason": finish}], "usage": counted})


def text_of(body: dict[str, Any]) -> str:
    """The text in the published prompt's last line."""
    return str(body["messages"][-1]["content"]).removeprefix(ASKED)


def in_chinese(text: str) -> str:
    """What looks like a translation: words become Chinese characters, a third as many; what must stay stays."""
    kept = sorted(kept_in(text).named(), key=len, reverse=True)
    pattern = "|".join([*map(re.escape, kept), r"[^\W\d_]+"])
    return re.sub(pattern, lambda word: word[0] if word[0] in kept else "好" * -(-len(word[0]) // 3), text)
