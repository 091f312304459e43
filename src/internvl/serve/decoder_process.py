"""A process that decodes pictures and clips of strangers: `python -m internvl.serve.decoder_process BYTES SECONDS`.

    stdin: what to do, a file --LocalOpener--> stdout: sizes, or grids and tiles, or pictures

It has as much memory, and for a file as many seconds of a CPU, as it is told, writes no file, holds no key, and knows nothing of the
server. Whatever a broken decoder does in here, it does to this process only.
"""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from typing import Any, BinaryIO

import PIL.Image

from internvl.errors import InternVLError, MissingDependencyError
from internvl.media.opening import LocalOpener
from internvl.media.tiling import TilePolicy
from internvl.messages import Image, Video
from internvl.serve.wire import WireError, receive, send

MAX_FILE = 1 << 32


def main() -> None:
    """Work until stdin ends or memory runs out."""
    memory, seconds = int(sys.argv[1]), int(sys.argv[2])
    limit_process(memory)
    while True:
        try:
            asked, data = receive(sys.stdin.buffer, most=MAX_FILE)
        except WireError:
            return
        limit_seconds(seconds)
        try:
            answer(sys.stdout.buffer, asked, bytes(data))
        except MemoryError:
            # What is left of the heap is in pieces: the next file gets a fresh process.
            del data
            send(sys.stdout.buffer, {"error": "memory"})
            return


def limit_process(memory: int) -> None:
    """No more memory than this, no core dumps, no written files, few open ones. Systems without such limits go without."""
    try:
        import resource
    except ImportError:
        return
    for name, value in (("RLIMIT_AS", memory), ("RLIMIT_CORE", 0), ("RLIMIT_FSIZE", 0), ("RLIMIT_NOFILE", 64)):
        with suppress(OSError, ValueError, AttributeError):
            limit = getattr(resource, name)
            _, hard = resource.getrlimit(limit)
            resource.setrlimit(limit, (value if hard < 0 else min(value, hard),) * 2)


def limit_seconds(seconds: int) -> None:
    """So many more seconds of a CPU. The server ends a process that takes too long; this holds where the server itself is gone."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    with suppress(OSError, ValueError):
        # Several threads of a decoder may work at a time, so this is wide: the clock of the server is the tight limit.
        resource.setrlimit(
            resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 16 * seconds, resource.getrlimit(resource.RLIMIT_CPU)[1])
        )


def answer(stream: BinaryIO, asked: dict[str, Any], data: bytes) -> None:
    """One answer: sizes or tiles, or the sentence of a typed error."""
    opener = LocalOpener(max_pixels=asked["max_pixels"])
    part = part_of(asked, data)
    try:
        if asked["do"] == "sizes":
            return send(stream, {"sizes": opener.sizes(part)})
        if asked["do"] == "pictures":
            files = [_png(image) for image in opener.images(part)]
            return send(stream, {"pictures": [len(each) for each in files]}, *files)
        made = opener.cut(part, TilePolicy.from_dict(asked["policy"]), tuple(asked["padding"]))
    except MissingDependencyError as error:
        return send(stream, {"error": "missing", "message": str(error)})
    except InternVLError as error:
        return send(stream, {"error": "media", "message": str(error)})
    head = {"grids": [list(each.grid) for each in made], "tiles": [len(each.tiles) for each in made]}
    return send(stream, head, *(each.tiles.data for each in made))


def _png(image: PIL.Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def part_of(asked: dict[str, Any], data: bytes) -> Image | Video:
    """The file as the picture or clip that was asked about."""
    return Image(data) if asked["kind"] == "image" else Video(data, **asked["sampling"])


if __name__ == "__main__":
    main()
