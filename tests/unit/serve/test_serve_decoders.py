"""Decoder processes: what comes back is what would be decoded here, and whatever a file does to one of them, the server goes on."""

from __future__ import annotations

import os
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy
import pytest
from serve_fakes import png

from internvl.errors import MediaError
from internvl.media.opening import LocalOpener
from internvl.media.tiling import TilePolicy
from internvl.messages import Image, Video
from internvl.serve.config import ServeConfig
from internvl.serve.decoders import Decoders
from internvl.serve.errors import ApiError

POLICY = TilePolicy(max_tiles=6)
GREY = (124, 116, 103)
START = """
import json, os, signal, struct, sys, time
sys.stdin.buffer.read(struct.unpack(">I", sys.stdin.buffer.read(4))[0])
def say(head, body=b""):
    text = json.dumps(head | {"bytes": len(body)}).encode()
    sys.stdout.buffer.write(struct.pack(">I", len(text)) + text + body)
    sys.stdout.buffer.flush()
"""


@contextmanager
def decoders(program: str | None = None, **config: Any) -> Iterator[Decoders]:
    """Real decoder processes, or Python that stands for them."""
    words = {} if program is None else {"program": (sys.executable, "-c", START + program)}
    made = Decoders(ServeConfig(**{"workers": 1, **config}), **words)
    try:
        yield made
    finally:
        made.close()


def test_tiles_and_sizes_are_those_of_this_process() -> None:
    picture = Image(png(900, 500))
    with decoders() as made:
        opener = made.opener()
        assert opener.sizes(picture) == LocalOpener().sizes(picture) == ((900, 500),)
        [there], [here] = opener.cut(picture, POLICY, GREY), LocalOpener().cut(picture, POLICY, GREY)
        assert (there.grid, there.tiles.dtype) == (here.grid, numpy.uint8)
        assert (there.tiles == here.tiles).all()
        with pytest.raises(MediaError, match="known format"):
            opener.sizes(Image(b"nothing"))
        with pytest.raises(MediaError, match="only the bytes"):
            opener.sizes(Image("/etc/hostname"))
        assert made._free.get_nowait().files == 3, "one process did all of it"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "broke down"),
        ("sys.exit(0)", "broke down"),
        ("time.sleep(60)", "decoded within 1 s"),
        ("sys.stdout.buffer.write(b'garbage' * 99); sys.stdout.buffer.flush(); time.sleep(60)", "broke down"),
        ("sys.stdout.buffer.write(struct.pack('>I', 1 << 31)); sys.stdout.buffer.flush(); time.sleep(60)", "broke down"),
        ("say({'sizes': [[1, -1]]})", "broke down"),
        ("say({'sizes': 'many'}); time.sleep(60)", "broke down"),
        ("say({}, bytes(1000))", "broke down"),
        ("say({'error': 'memory'})", "more memory"),
    ],
)
def test_a_process_that_breaks_costs_one_request(program: str, told: str) -> None:
    with decoders(program, decode_timeout_s=1.0) as made:
        began = time.monotonic()
        with pytest.raises((ApiError, MediaError), match=told) as caught:
            made.opener().sizes(Image(png()))
        assert time.monotonic() - began < 20
        assert getattr(caught.value, "status", 422) == 422
        made.program = (sys.executable, "-m", "internvl.serve.decoder_process")
        made.config = ServeConfig(workers=1)
        assert made.opener().sizes(Image(png(30, 20))) == ((30, 20),)


@pytest.mark.parametrize(
    "reply",
    [
        "{'grids': [[1, 1]], 'tiles': [2]}, bytes(2 * 448 * 448 * 3)",
        "{'grids': [[9, 9]], 'tiles': [82]}, b''",
        "{'grids': [[1, 1]], 'tiles': [1]}, bytes(7)",
        "{'grids': [[1, 1], [1, 1]], 'tiles': [1]}, bytes(448 * 448 * 3)",
        "{'grids': None, 'tiles': None}, b''",
        "{'grids': [[0, 1]], 'tiles': [0]}, b''",
    ],
)
def test_tiles_that_do_not_fit_the_policy_are_not_believed(reply: str) -> None:
    with decoders(f"say({reply})\ntime.sleep(60)") as made, pytest.raises(ApiError, match="broke down"):
        made.opener().cut(Image(png()), POLICY, GREY)


def grey_png(side: int) -> bytes:
    """A true PNG of side x side grey pixels: a thousandth of their size as a file."""
    import struct

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(bytes(1 + side)) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such limit")
def test_a_bomb_is_stopped_by_its_header_or_by_the_limit_of_its_process() -> None:
    bomb = Image(grey_png(7500))
    assert len(bomb.source) < 500_000  # type: ignore[arg-type]
    with decoders() as made, pytest.raises(MediaError, match="megapixels"):
        made.opener().sizes(bomb)
    with decoders(max_pixels=100_000_000, decoder_bytes=300 << 20) as made:
        before = resident()
        assert made.opener().sizes(bomb) == ((7500, 7500),)
        with pytest.raises(ApiError, match="more memory"):
            made.opener().cut(bomb, POLICY, GREY)
        assert resident() - before < 50 << 20
        assert made.opener().sizes(Image(png(30, 20))) == ((30, 20),)


def resident() -> int:
    """Bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_process_is_replaced_when_it_has_grown_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("internvl.serve.decoders.FILES_A_PROCESS", 2)
    with decoders() as made:
        opener = made.opener()
        for _ in range(3):
            assert opener.sizes(Image(png(8, 8))) == ((8, 8),)
        assert made._free.get_nowait().files == 1  # type: ignore[union-attr]


def test_a_process_knows_no_secret_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SERVER_KEY", "sesame")
    with decoders("say({'error': 'media', 'message': repr(sorted(os.environ))})") as made:
        with pytest.raises(MediaError) as caught:
            made.opener().sizes(Image(png()))
        assert "PATH" in str(caught.value)
        assert "SERVER" not in str(caught.value)


def test_a_request_that_is_given_up_opens_nothing_more() -> None:
    with decoders() as made:
        opener = made.opener()
        opener.give_up()
        with pytest.raises(ApiError, match="decoded within"):
            opener.sizes(Image(png()))


def test_a_clip_that_says_too_much_is_not_read_to_the_end() -> None:
    with decoders() as made, pytest.raises(MediaError):
        made.opener().sizes(Video(b"\x00\x00\x00\x18ftypmp42" + bytes(4000), frames=3))
