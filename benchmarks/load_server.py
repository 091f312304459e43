"""The server under load: a real process of `internvl serve`, and what it holds: memory, threads, open files, requests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx


@dataclass(frozen=True, kw_only=True)
class Held:
    """What the server holds at a moment. rss_mb: of the process; children: its decoder processes."""

    rss_mb: float
    threads: int
    files: int
    children: int
    running: int
    waiting: int

    def to_dict(self) -> dict[str, float]:
        """Plain data for JSON."""
        return asdict(self)


class Server:
    """A running server: url, and what can be asked about it."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process, self.url = process, url

    def held(self) -> Held:
        """What it holds now (Linux)."""
        place = Path(f"/proc/{self.process.pid}")
        status = dict(re.findall(r"^(\w+):\s+(\d+)", (place / "status").read_text(), re.MULTILINE))
        told = httpx.get(f"{self.url}/metrics", trust_env=False, timeout=60).text
        counts = {name: int(float(value)) for name, value in re.findall(r"^internvl_num_requests_(\w+) (\S+)$", told, re.MULTILINE)}
        children = sum(len(each.read_text().split()) for each in place.glob("task/*/children"))
        return Held(
            rss_mb=int(status["VmRSS"]) / 1024,
            threads=int(status["Threads"]),
            files=len(os.listdir(place / "fd")),
            children=children,
            running=counts["running"],
            waiting=counts["waiting"],
        )

    def settled(self, timeout_s: float = 60.0) -> Held:
        """The same once nothing runs or waits, or when time is up."""
        deadline = time.monotonic() + timeout_s
        while True:
            held = self.held()
            if held.running + held.waiting == 0 or time.monotonic() > deadline:
                return held
            time.sleep(0.1)

    def counter(self, name: str) -> float:
        """A counter of /metrics, summed over its labels."""
        told = httpx.get(f"{self.url}/metrics", trust_env=False, timeout=60).text
        return sum(float(value) for value in re.findall(rf"^internvl_{name}_total(?:\{{.*\}})? (\S+)$", told, re.MULTILINE))

    def terminate(self) -> None:
        """SIGTERM."""
        self.process.send_signal(signal.SIGTERM)


@contextmanager
def serving(model: str, settings: Sequence[str] = ()) -> Iterator[Server]:
    """`internvl serve` on a free port of loopback, ended at the end whatever happened."""
    words = [word for setting in settings for word in ("--set", setting)]
    command = [sys.executable, "-m", "internvl", "serve", "--model", model, "--port", "0", "--device", "cpu", *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    try:
        yield Server(process, _url(process))
    finally:
        process.kill()
        process.wait()


def _url(process: subprocess.Popen[str]) -> str:
    """From the line that tells it; then the server answers."""
    said = ""
    for line in process.stderr or ():
        said += line
        found = re.search(r"(http://\S+)/v1", line)
        if found:
            break
    else:
        raise RuntimeError(f"the server did not start: {said}")
    for _ in range(600):
        try:
            if httpx.get(f"{found[1]}/ready", trust_env=False).status_code == 200:
                return found[1]
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError("the server was not ready within a minute")
