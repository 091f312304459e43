"""A chat service on this machine for tests of clients: it answers, fails, hangs, or hangs up."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

# Status, headers and body; or a word for what happens instead of an answer: "hang", "cut off".
Reply: TypeAlias = tuple[int, dict[str, str], bytes | str] | str


class ChatService:
    """`reply(body, times)` says what comes for a question when it is asked for the nth time; `bodies`, `headers`: of all requests."""

    def __init__(self) -> None:
        self.reply: Callable[[dict[str, Any], int], Reply] = lambda body, times: says(question_of(body))
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.most_under_way = 0
        self.closing = threading.Event()
        self._under_way = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        with self._lock:
            self.bodies.append(body)
            self.headers.append(headers)
            times = sum(question_of(each) == question_of(body) for each in self.bodies)
            self._under_way += 1
            self.most_under_way = max(self.most_under_way, self._under_way)
        try:
            return self.reply(body, times)
        finally:
            with self._lock:
                self._under_way -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                reply = service.answer(body, {"path": self.path, **dict(self.headers)})
                if reply == "hang":
                    service.closing.wait(5)
                if isinstance(reply, str):
                    self._cut_off()
                    return
                status, headers, content = reply
                data = content if isinstance(content, bytes) else content.encode()
                self.send_response(status)
                for name, value in {"content-length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def _cut_off(self) -> None:
                """Half of an answer, then the connection is gone."""
                self.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"choices": [')
                self.wfile.flush()
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

            def log_message(self, format: str, *args: Any) -> None:
                """Silence."""

        return Handler


def says(text: Any, *, finish: str = "stop", prompt: int = 7, new: int = 3, **more: Any) -> Reply:
    """An answer; `usage` in `more` replaces the counts of tokens."""
    usage = {"prompt_tokens": prompt, "completion_tokens": new}
    return 200, {}, json.dumps({"choices": [{"message": {"content": text}, "finish_reason": finish}], "usage": usage, **more})


def question_of(body: dict[str, Any]) -> str:
    """The text of the last message."""
    content = body["messages"][-1]["content"]
    return str(content if isinstance(content, str) else content[-1]["text"])
