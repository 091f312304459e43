"""The server's decoder processes: files of strangers are decoded in there, within limits, and tiles come back.

    Image, Video --Decoders.opener(): Opener--> a free process --checked--> sizes, Cut

A process serves many files, one at a time, and is replaced when it crashes, hangs, runs out of memory or has grown old. That costs the
request that caused it, and nobody else.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
import math
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeAlias, cast

import numpy

from internvl.errors import MediaError, MissingDependencyError
from internvl.media.cutting import Colour, Cut
from internvl.media.opening import Opener, Size
from internvl.media.tiling import Grid, TilePolicy
from internvl.messages import Image, Video
from internvl.serve.config import ServeConfig
from internvl.serve.errors import ApiError
from internvl.serve.wire import WireError, receive, send

FILES_A_PROCESS = 500
"""A process that has decoded so many is replaced, whatever it may have leaked."""
MAX_WORDS = 500
PROGRAM = (sys.executable, "-m", "internvl.serve.decoder_process")
KEPT_VARIABLES = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "SYSTEMROOT", "VIRTUAL_ENV")
"""Of the environment, what a process needs to start. Keys and tokens are not among it."""
log = logging.getLogger("internvl.serve")

Fits: TypeAlias = Callable[[dict[str, Any], bytearray], bool]
"""Whether an answer, its head and its body, is one that an honest process can give."""


class Decoders:
    """`config.workers` processes at most, started when they are first needed. Used from threads, each waiting for a free process.

    `program` replaces the real one in tests.
    """

    def __init__(self, config: ServeConfig, *, program: Sequence[str] = PROGRAM) -> None:
        self.config, self.program = config, program
        # None stands for a process that is still to be started.
        self._free: queue.LifoQueue[_Process | None] = queue.LifoQueue()
        for _ in range(config.workers):
            self._free.put(None)
        self._closed = False

    def opener(self) -> RequestOpener:
        """An opener for the media of one request, which share `decode_timeout_s`."""
        return RequestOpener(self, time.monotonic() + self.config.decode_timeout_s)

    def close(self) -> None:
        """End all processes. One that is decoding ends when its file is done."""
        self._closed = True
        with suppress(queue.Empty):
            while True:
                process = self._free.get_nowait()
                if process is not None:
                    process.end()

    def ask(self, asked: dict[str, Any], data: bytes, *, most: int, until: float, fits: Fits) -> tuple[dict[str, Any], bytearray]:
        """One question to a free process. Raises ApiError, MediaError, MissingDependencyError.

        A process whose answer does not fit is not asked again: a file may have taken it over.
        """
        with self._taken(until) as process:
            answer, body = process.ask(asked, data, most=most, until=until)
            error = answer.get("error")
            if error is None and not fits(answer, body):
                process.failed = True
                raise _crashed()
        words = str(answer.get("message"))[:MAX_WORDS]
        if error == "missing":
            raise MissingDependencyError(words)
        if error == "memory":
            raise _refused("needs more memory than this server gives; make it smaller, or ask for fewer frames")
        if error is not None:
            raise MediaError(words)
        return answer, body

    @contextmanager
    def _taken(self, until: float) -> Iterator[_Process]:
        try:
            process = self._free.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            raise _too_slow(self.config.decode_timeout_s) from None
        try:
            if process is None or process.ended:
                process = _Process(self.config, self.program)
            yield process
        finally:
            if process is not None and (process.worn or self._closed):
                process.end()
                process = None
            self._free.put(process)


@dataclass
class RequestOpener(Opener):
    """Opens the media of one request in the decoder processes, until its time is up or it is given up."""

    decoders: Decoders
    until: float

    def give_up(self) -> None:
        """Open nothing more: the client went away."""
        self.until = 0.0

    def sizes(self, part: Image | Video) -> tuple[Size | None, ...]:
        """See `Opener`."""
        answer, _ = self._ask("sizes", part, most=0, fits=lambda answer, _: _are_sizes(answer.get("sizes")))
        return tuple(None if each is None else (each[0], each[1]) for each in answer["sizes"])

    def cut(self, part: Image | Video, policy: TilePolicy, padding: Colour) -> tuple[Cut, ...]:
        """See `Opener`."""
        stills = 1 if isinstance(part, Image) else part.sampling.frames or self.decoders.config.max_frames
        tile_bytes = policy.tile_size**2 * 3
        answer, body = self._ask(
            "cut",
            part,
            most=stills * (policy.max_tiles + 1) * tile_bytes,
            fits=lambda answer, body: _are_tiles(answer.get("grids"), answer.get("tiles"), policy, len(body) // tile_bytes),
            policy=policy.to_dict(),
            padding=padding,
        )
        pixels = numpy.frombuffer(body, dtype=numpy.uint8).reshape(-1, policy.tile_size, policy.tile_size, 3)
        counts = answer["tiles"]
        ends = itertools.accumulate(counts)
        return tuple(
            Cut(pixels[end - count : end], Grid(*grid)) for grid, count, end in zip(answer["grids"], counts, ends, strict=True)
        )

    def pictures(self, part: Image | Video) -> tuple[bytes, ...]:
        """Each still as the bytes of a PNG, upright and RGB: what an engine elsewhere is shown."""
        most = self.decoders.config.decoder_bytes
        answer, body = self._ask("pictures", part, most=most, fits=lambda answer, body: _are_parts(answer.get("pictures"), len(body)))
        sizes = answer["pictures"]
        ends = itertools.accumulate(sizes)
        return tuple(bytes(body[end - size : end]) for size, end in zip(sizes, ends, strict=True))

    def _ask(self, do: str, part: Image | Video, *, most: int, fits: Fits, **more: Any) -> tuple[dict[str, Any], bytearray]:
        if not isinstance(part.source, bytes):
            raise MediaError("only the bytes of files are opened here")
        asked = {"do": do, "max_pixels": self.decoders.config.max_pixels, **more}
        asked |= {"kind": "image"} if isinstance(part, Image) else {"kind": "video", "sampling": dataclasses.asdict(part.sampling)}
        return self.decoders.ask(asked, part.source, most=most, until=self.until, fits=fits)


@dataclass(eq=False)
class _Process:
    """One process and how many files it was given."""

    config: ServeConfig
    program: Sequence[str]
    files: int = field(default=0, init=False)
    failed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        seconds = math.ceil(self.config.decode_timeout_s)
        self._running = subprocess.Popen(
            [*self.program, str(self.config.decoder_bytes), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # One thread: numpy's many would only take address space.
            env=environment | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"},
            start_new_session=True,  # Ctrl-C is for the server, which lets its files be finished
        )
        self._stdin, self._stdout = cast(BinaryIO, self._running.stdin), cast(BinaryIO, self._running.stdout)

    @property
    def ended(self) -> bool:
        """Whether the process is gone, by itself or because somebody ended it."""
        return self._running.poll() is not None

    @property
    def worn(self) -> bool:
        """Whether the next file should get another process."""
        return self.failed or self.ended or self.files >= FILES_A_PROCESS

    def ask(self, asked: dict[str, Any], data: bytes, *, most: int, until: float) -> tuple[dict[str, Any], bytearray]:
        """One question. Raises ApiError when the process crashes or takes too long, after which it is of no use."""
        self.files += 1
        left_s = until - time.monotonic()
        if left_s <= 0:
            raise _too_slow(self.config.decode_timeout_s)
        timer = threading.Timer(left_s, self._running.kill)
        timer.daemon = True
        timer.start()
        try:
            send(self._stdin, asked, data)
            answer, body = receive(self._stdout, most=most)
        except (OSError, WireError) as error:
            self.failed = True
            if time.monotonic() >= until:
                raise _too_slow(self.config.decode_timeout_s) from None
            log.warning("a decoder process was lost on a file of %d bytes: %s", len(data), error)
            raise _crashed() from None
        finally:
            timer.cancel()
        self.failed = answer.get("error") == "memory"
        return answer, body

    def end(self) -> None:
        """End the process and take back what it held."""
        self._running.kill()
        for stream in (self._stdin, self._stdout):
            with suppress(OSError):
                stream.close()
        self._running.wait()


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(each, int) and each > 0 for each in value)


def _are_sizes(sizes: object) -> bool:
    return isinstance(sizes, list) and all(each is None or _is_pair(each) for each in sizes)


def _are_parts(sizes: object, total: int) -> bool:
    return isinstance(sizes, list) and all(isinstance(each, int) and each > 0 for each in sizes) and sum(sizes) == total


def _are_tiles(grids: object, tiles: object, policy: TilePolicy, total: int) -> bool:
    """Whether grids and tile counts are possible for a policy, and as many tiles came."""
    if not isinstance(grids, list) or not _are_parts(tiles, total) or not all(_is_pair(grid) for grid in grids):
        return False
    found = [Grid(*grid) for grid in grids]
    fitting = all(grid.tiles <= policy.max_tiles for grid in found)
    return fitting and tiles == [grid.tiles + policy.has_thumbnail(grid) for grid in found]


def _crashed() -> ApiError:
    return _refused("can't be decoded: the decoder broke down on it")


def _too_slow(timeout_s: float) -> ApiError:
    return _refused(f"can't be used: the pictures and clips of a request are decoded within {timeout_s:g} s, these were not")


def _refused(what: str) -> ApiError:
    return ApiError(f"a picture or clip {what}", status=422, code="unsupported_media")
