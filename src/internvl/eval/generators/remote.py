"""A model behind an OpenAI-compatible URL: chat completions over HTTP, many requests in flight, retried where that helps.

Ask -> chat_body (text, pictures as data: URLs) -> POST <url>/chat/completions -> Answer

429, 5xx, timeouts, lost connections   again, waiting twice as long each time, or as long as Retry-After says
400, 413, 422 and the like             this question's failure
401, 403, 404, nobody there            the run's: EvalError
"""

from __future__ import annotations

import email.utils
import json
import os
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from internvl.errors import InternVLError, MissingDependencyError
from internvl.eval.asking import OF_ONE_SAMPLE
from internvl.eval.errors import EvalError, GeneratorError
from internvl.eval.generator import Ask, answered
from internvl.eval.generators.chat_body import chat_body
from internvl.eval.sample import Answer

if TYPE_CHECKING:
    import httpx

LONGEST_WAIT_S = 300.0
AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}
OF_THE_RUN = {401, 402, 403, 404, 405}


class RemoteGenerator:
    """Asks a service. url: up to and with its /v1. api_key: sent as a bearer token, stored and shown nowhere.

    in_flight: requests at once. timeout_s: for one of them. tries: of a request in all. sleep: takes seconds, for tests.
    The service cuts pictures as it likes: a protocol's tile limit can't be sent, and its results say so.
    """

    def __init__(
        self,
        url: str,
        model: str,
        api_key: str | None = None,
        *,
        in_flight: int = 16,
        timeout_s: float = 300.0,
        tries: int = 6,
        first_wait_s: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if tries < 1 or in_flight < 1:
            raise EvalError(f"a remote generator needs at least 1 try and 1 request in flight, not {tries} and {in_flight}")
        self.url = completions_url(url)
        self.name = self.model = model
        self.in_flight = in_flight
        self.batch_size = 2 * in_flight  # so that one slow answer doesn't leave the service idle
        self.tries = tries
        self.first_wait_s = first_wait_s
        self._api_key = api_key
        self._sleep = sleep
        self._client = _client(self.url, timeout_s, in_flight, api_key)

    def describe(self) -> dict[str, Any]:
        """The model's name; the address may change between runs and is kept for the reader only."""
        runtime = {"url": public_url(self.url), "in_flight": self.in_flight}
        return {"kind": "remote", "model": self.model, "tile_policy": "the service's own", "runtime": runtime}

    def generate(self, asks: Sequence[Ask]) -> list[Answer]:
        """Answers in order, asked at once. GeneratorError or MediaError for single questions, EvalError when refused."""
        if len(asks) == 1:
            return answered([self._outcome(asks[0])])
        with ThreadPoolExecutor(self.in_flight) as pool:
            futures = [pool.submit(self._outcome, ask) for ask in asks]
            try:
                return answered([future.result() for future in futures])
            finally:
                # Those that have not begun would only repeat a refusal.
                pool.shutdown(wait=True, cancel_futures=True)

    def _outcome(self, ask: Ask) -> Answer | InternVLError:
        try:
            return self._answer(ask)
        except OF_ONE_SAMPLE as error:
            return error

    def _answer(self, ask: Ask) -> Answer:
        content = json.dumps(chat_body(ask, self.model), ensure_ascii=False).encode(errors="replace")
        for tried in range(1, self.tries + 1):
            started = time.perf_counter()
            reply, problem = self._post(content)
            if reply is not None and reply.status_code == 200:
                answer, problem = _read(reply, time.perf_counter() - started)
                if answer is not None:
                    return answer
            if tried < self.tries:
                self._sleep(self._wait_s(tried, reply))
        if reply is None and problem.startswith("ConnectError"):
            raise EvalError(f"nobody answers at {public_url(self.url)}: {problem}")
        raise GeneratorError(f"{public_url(self.url)} gave no answer in {self.tries} tries: {problem}")

    def _post(self, content: bytes) -> tuple[httpx.Response | None, str]:
        """The reply, or None, and what was wrong with it. Raises for what another try would not help."""
        import httpx

        try:
            reply = self._client.post(self.url, content=content)
        except httpx.TransportError as error:
            return None, f"{type(error).__name__} {error}".strip()
        if reply.status_code == 200:
            return reply, ""
        problem = f"HTTP {reply.status_code} {self._without_key(reply.text[:300])}".strip()
        if reply.status_code in OF_THE_RUN:
            raise EvalError(f"{public_url(self.url)} refuses: {problem}")
        if reply.status_code not in AGAIN and reply.status_code < 500:
            raise GeneratorError(f"{public_url(self.url)}: {problem}")
        return reply, problem

    def _wait_s(self, tried: int, reply: httpx.Response | None) -> float:
        """Twice as long after each try, spread so that many threads don't come back at once; never less than the service asks."""
        backoff = self.first_wait_s * 2.0 ** (tried - 1) * random.uniform(0.5, 1.0)
        asked_s = 0.0 if reply is None else retry_after_s(reply.headers.get("retry-after"))
        return min(LONGEST_WAIT_S, max(backoff, asked_s))

    def _without_key(self, text: str) -> str:
        return text.replace(self._api_key, "***") if self._api_key else text

    def __repr__(self) -> str:
        return f"RemoteGenerator({public_url(self.url)!r}, {self.model!r})"


def key_from(variable: str | None) -> str | None:
    """The API key in an environment variable. EvalError where it is named and empty."""
    if variable is None:
        return None
    if not os.environ.get(variable):
        raise EvalError(f"the environment variable {variable} is empty; it should hold the API key")
    return os.environ[variable]


def completions_url(url: str) -> str:
    """The address of chat completions. EvalError for what is no http address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise EvalError(f"a service's address begins with http:// or https://, such as http://localhost:8000/v1; not {url!r:.80}")
    path = parts.path.rstrip("/")
    path = path if path.endswith("/chat/completions") else f"{path}/chat/completions"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def public_url(url: str) -> str:
    """The address without user, password and query, which may hold secrets."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def retry_after_s(value: str | None, *, now: float | None = None) -> float:
    """Seconds that a Retry-After header asks for: a number or a date; 0 where it says neither."""
    if not value:
        return 0.0
    text = value.strip()
    if text.replace(".", "", 1).isdecimal() and len(text) < 12:
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, moment.timestamp() - (time.time() if now is None else now))


def _client(url: str, timeout_s: float, in_flight: int, api_key: str | None) -> httpx.Client:
    try:
        import httpx
    except ImportError as error:
        raise MissingDependencyError("asking a remote service needs httpx: pip install 'internvl[remote]'") from error
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {api_key}"} if api_key else {})
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    timeout = httpx.Timeout(timeout_s, connect=min(30.0, timeout_s), pool=None)
    # Certificates take half a second to load, and a plain connection has none to check.
    return httpx.Client(timeout=timeout, limits=limits, headers=headers, verify=url.startswith("https:"))


def _read(reply: httpx.Response, seconds: float) -> tuple[Answer | None, str]:
    """The answer in a reply, or what is wrong with it."""
    try:
        body = json.loads(reply.content)
    except (ValueError, RecursionError):
        return None, f"a reply that is not JSON: {reply.text[:120]!r}"
    match body:
        case {"choices": [{"message": {"content": str() | list() | None as content}, **choice}, *_]}:
            usage = body.get("usage") or {}
            return Answer(
                text=_text(content),
                seconds=seconds,
                prompt_tokens=_count(usage, "prompt_tokens"),
                image_tokens=_count(usage.get("prompt_tokens_details") or {}, "image_tokens"),
                new_tokens=_count(usage, "completion_tokens"),
                finish_reason=str(choice.get("finish_reason") or "stop"),
            ), ""
    return None, f"a reply without choices[0].message.content: {reply.text[:120]!r}"


def _text(content: str | list[Any] | None) -> str:
    """The words of an answer; some services give a list of parts, and null for an answer that was withheld."""
    if isinstance(content, str):
        return content
    texts = [part.get("text") for part in content or [] if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def _count(usage: Any, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) else 0
