"""What the server allows: where it listens, who may ask, and how large a request may be.

Every limit has a value from the start, so that one careless or hostile client can't take the memory or the time of the others.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from internvl.errors import ConfigError

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, kw_only=True)
class ServeConfig:
    """host, port: where to listen. api_key: what clients must show on every route but `/health` and `/ready`; None asks for nothing.

    name: what clients call the model; None takes the model's own. allow_urls: fetch http(s) pictures and clips.
    max_running, max_waiting: requests that are answered together, and those that may wait; beyond them, 429.
    max_body_bytes, max_media_bytes, max_pixels, max_images, max_videos, max_frames: of one request, one file, one picture, one clip.
    max_text_chars: text of one request. max_context_tokens: prompt and answer together; None takes the model's positions.
    max_new_tokens: the most that may be asked for; default_new_tokens: what an answer may have when nothing is asked for.
    max_choices: the largest `n`.
    max_tokens: prompts and longest answers of all running requests together; None takes what half of the free memory holds.
    max_inside_bytes: bodies and pixels of all requests that run or wait; None takes a quarter of the free memory.
    timeout_s: from arrival to the last token. body_timeout_s: until a body has arrived. fetch_timeout_s: one URL, all hops together.
    decode_timeout_s: all pictures and clips of one request. decoder_bytes: memory of a process that decodes them.
    grace_s: how long running requests may go on after SIGTERM. workers: threads that prepare requests and fetch URLs, and as many
    processes that decode.
    Raises ConfigError for a limit that is not above 0.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    api_key: str | None = None
    name: str | None = None
    allow_urls: bool = False
    max_running: int = 8
    max_waiting: int = 64
    max_body_bytes: int = 64 << 20
    max_media_bytes: int = 20 << 20
    max_pixels: int = 50_000_000
    max_images: int = 32
    max_videos: int = 4
    max_frames: int = 64
    max_text_chars: int = 400_000
    max_context_tokens: int | None = None
    max_tokens: int | None = None
    max_inside_bytes: int | None = None
    max_new_tokens: int = 8192
    default_new_tokens: int = 1024
    max_choices: int = 8
    timeout_s: float = 600.0
    body_timeout_s: float = 30.0
    fetch_timeout_s: float = 10.0
    decode_timeout_s: float = 30.0
    decoder_bytes: int = 2 << 30
    grace_s: float = 60.0
    workers: int = 2

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            self._check(name, value)
        if not self.port < 1 << 16:
            raise ConfigError(f"a port is below 65536, not {self.port}")
        if self.api_key is not None and not (self.api_key and self.api_key.isascii() and self.api_key.isprintable()):
            raise ConfigError("an API key is printable ASCII of at least one character: set the variable, or leave the option out")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in LOOPBACK

    def _check(self, name: str, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return
        least = 0 if name in ("max_waiting", "port") else math.ulp(0.0)
        if not least <= value < math.inf:
            raise ConfigError(f"{name} must be a finite number above 0, not {value}")
