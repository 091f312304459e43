"""What the server has done so far, for Prometheus. Each application has a registry of its own, so nothing is shared by accident."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from internvl.engine.request import Reply

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0)


class Metrics:
    """Counters of requests, tokens and tiles, and how long answers took."""

    def __init__(self, counts: Callable[[], tuple[int, int]]) -> None:
        self.registry = CollectorRegistry()
        self._responses = self._counter("http_responses", "Responses by route and status.", "route", "status")
        self._rejected = self._counter("requests_rejected", "Requests refused or failed, by error code.", "code")
        self._answers = self._counter("request_success", "Answers that were completed.", "finished_reason")
        self._gone = self._counter("client_disconnects", "Clients that went away before their answer was complete.")
        self._prompt = self._counter("prompt_tokens", "Tokens of prompts.")
        self._cached = self._counter("cached_tokens", "Tokens of prompts that were found in a cache.")
        self._image = self._counter("image_tokens", "Visual tokens of prompts.")
        self._tiles = self._counter("image_tiles", "Tiles of prompts.")
        self._encoded = self._counter("encoded_tiles", "Tiles that were encoded; the others were found in a cache.")
        self._new = self._counter("generation_tokens", "Tokens of answers.")
        self._agreed = self._counter("agreed_tokens", "Tokens of answers that were guessed from text that repeats, and right.")
        self._preempted = self._counter("preemptions", "How often an answer gave its memory to older ones and was read again.")
        self._first = self._histogram("time_to_first_token_seconds", "From the start of reading to the first token.")
        self._latency = self._histogram("e2e_request_latency_seconds", "From arrival to the last token.")
        self._gauge("num_requests_running", "Requests being answered.", lambda: counts()[0])
        self._gauge("num_requests_waiting", "Requests that wait for a place.", lambda: counts()[1])

    def response(self, route: str, status: int) -> None:
        """One response was begun."""
        self._responses.labels(route, str(status)).inc()

    def rejected(self, code: str) -> None:
        """One request got an error."""
        self._rejected.labels(code).inc()

    def disconnected(self) -> None:
        """One client went away early."""
        self._gone.inc()

    def answered(self, reply: Reply, *, first_of_prompt: bool) -> None:
        """One answer was completed; the prompt of several answers counts once."""
        usage = reply.usage
        self._answers.labels(reply.finish_reason).inc()
        self._new.inc(usage.answer_tokens)
        self._encoded.inc(reply.work.encoded_tiles)
        self._agreed.inc(reply.work.agreed_tokens)
        self._preempted.inc(reply.work.preemptions)
        self._first.observe(reply.timings.first_token_s)
        if first_of_prompt:
            self._prompt.inc(usage.prompt_tokens)
            self._cached.inc(usage.cached_tokens)
            self._image.inc(usage.visual_tokens)
            self._tiles.inc(usage.tiles)

    def took(self, seconds: float) -> None:
        """One request was completed."""
        self._latency.observe(seconds)

    def text(self) -> bytes:
        """The page that Prometheus reads."""
        return generate_latest(self.registry)

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(f"internvl_{name}", told, labels, registry=self.registry)

    def _histogram(self, name: str, told: str) -> Histogram:
        return Histogram(f"internvl_{name}", told, buckets=SECONDS, registry=self.registry)

    def _gauge(self, name: str, told: str, value: Callable[[], float]) -> None:
        Gauge(f"internvl_{name}", told, registry=self.registry).set_function(value)
