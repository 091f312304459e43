"""llama.cpp by its server: raw prompts with a marker where the picture goes, so that the words are the others' words.

Encoding is timed from the server's log, whose lines carry a clock: from "encoding mtmd batch" to the next "decoding image batch".
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.machine import peak_memory_mb
from benchmarks.peers.peer import Picture, Setup
from benchmarks.turn import Turn

MARKER = "<__media__>"
CONTEXT = 4096  # room for 13 tiles; of it, each of four requests together gets a quarter
CLOCK = re.compile(r"^(\d+)\.(\d\d)\.(\d{3})\.(\d{3}) ")
START_TIMEOUT_S = 120
REPLY_TIMEOUT_S = 900


class LlamaPeer:
    """`folder` holds `WEIGHTS.gguf` and `WEIGHTS-mmproj.gguf`; the variant is WEIGHTS, or `WEIGHTS fa-off` without flash attention."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._server: subprocess.Popen[bytes] | None = None
        self._chat: tuple[str, list[str]] = ("", [])

    def load(self) -> None:
        """A server with one slot."""
        self._start(slots=1)

    def ask(self, picture: Picture, question: str, *, tokens: int) -> Turn:
        """A new prompt; the slot keeps what it shares with the one before, as the server does by default."""
        return self._turn(_prompt(picture, question), [_encoded(picture)], tokens)

    def again(self, question: str, *, tokens: int, by_hand: bool = False) -> Turn | None:
        """The whole conversation as text; the server finds what it has read of it."""
        if by_hand:
            return None
        said, pictures = self._chat
        return self._turn(said + _next(question), pictures, tokens)

    def batch(self, pictures: Sequence[Picture], question: str, *, tokens: int) -> float:
        """Four slots, four clients; starting the server anew is not timed."""
        self.close()
        self._start(slots=len(pictures))
        jobs = [(_prompt(pictures[0], question), [_encoded(picture)], tokens) for picture in pictures]
        began = time.perf_counter()
        with ThreadPoolExecutor(len(jobs)) as pool:
            list(pool.map(lambda job: self._complete(*job), jobs))
        return time.perf_counter() - began

    def peak_mb(self) -> float:
        """Of the server."""
        return peak_memory_mb(self._running().pid)

    def close(self) -> None:
        """Stop the server."""
        if self._server is not None:
            self._server.terminate()
            self._server.wait(30)
            self._server = None

    def _turn(self, prompt: str, pictures: list[str], tokens: int) -> Turn:
        log = Path(self._setup.log)
        logged = log.stat().st_size
        began = time.perf_counter()
        reply = self._complete(prompt, pictures, tokens)
        spent_s = time.perf_counter() - began
        self._chat = (prompt + reply["content"], pictures)
        decode_s = reply["timings"]["predicted_ms"] / 1e3
        return Turn(
            tokens=reply["tokens"],
            first_token_s=spent_s - decode_s,
            decode_s=decode_s,
            encode_s=encode_seconds(log.read_bytes()[logged:].decode(errors="replace")),
            prompt_tokens=reply["tokens_evaluated"],
        )

    def _complete(self, prompt: str, pictures: list[str], tokens: int) -> dict[str, Any]:
        body = {
            "prompt": {"prompt_string": prompt, "multimodal_data": pictures},
            "n_predict": tokens, "temperature": 0, "ignore_eos": True, "return_tokens": True, "cache_prompt": True,
        }  # fmt: skip
        request = urllib.request.Request(self._url("completion"), json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=REPLY_TIMEOUT_S) as reply:
            answer: dict[str, Any] = json.load(reply)
        return answer

    def _start(self, *, slots: int) -> None:
        setup, threads = self._setup, str(self._setup.threads)
        weights, _, off = setup.variant.partition(" ")
        model = setup.folder / weights
        flash = "off" if off == "fa-off" else "on"
        self._port = _free_port()
        command = [
            setup.binary, "--model", f"{model}.gguf", "--mmproj", f"{model}-mmproj.gguf", "--flash-attn", flash, "--offline",
            "--threads", threads, "--threads-batch", threads, "--ctx-size", str(CONTEXT), "--parallel", str(slots),
            "--host", "127.0.0.1", "--port", str(self._port), "--log-verbosity", "4", "--log-timestamps", "--log-prefix",
        ]  # fmt: skip
        with Path(setup.log).open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"LLAMA_MEDIA_MARKER": MARKER})
        self._wait_until_healthy()

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self._running().poll() is None:
            try:
                with urllib.request.urlopen(self._url("health"), timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)
        raise RuntimeError(f"llama-server did not start:\n{Path(self._setup.log).read_text(errors='replace')[-1500:]}")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._server is None:
            raise RuntimeError("llama-server is not running")
        return self._server

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._port}/{path}"


def encode_seconds(log: str) -> float:
    """Seconds that the server's log says pictures were encoded for; 0 where none were."""
    total = 0.0
    began: float | None = None
    for line in log.splitlines():
        clock = CLOCK.match(line)
        if clock is None:
            continue
        minutes, seconds, milli, micro = (int(part) for part in clock.groups())
        now = minutes * 60 + seconds + milli / 1e3 + micro / 1e6
        if "encoding mtmd batch" in line:
            began = now
        elif "decoding image batch" in line and began is not None:
            total, began = total + now - began, None
    return total


def _prompt(picture: Picture, question: str) -> str:
    system = f"<|im_start|>system\n{picture.system}<|im_end|>"
    return f"{system}<|im_start|>user\n{MARKER}\n{question}<|im_end|><|im_start|>assistant\n"


def _next(question: str) -> str:
    return f"<|im_end|><|im_start|>user\n{question}<|im_end|><|im_start|>assistant\n"


def _encoded(picture: Picture) -> str:
    return base64.b64encode(Path(picture.path).read_bytes()).decode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
