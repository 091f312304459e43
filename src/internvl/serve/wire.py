"""What passes between the server and its decoder processes: a head of JSON and a body of bytes, both with their lengths. No pickles.

4 bytes: length of the head | head: JSON with "bytes", the length of the body | body
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

MAX_HEAD = 1 << 20
_LENGTH = struct.Struct(">I")


class WireError(Exception):
    """The other side ended, or sent what is no message."""


def send(stream: BinaryIO, head: dict[str, Any], *body: memoryview | bytes) -> None:
    """Write one message. Raises OSError when nobody reads any more."""
    text = json.dumps(head | {"bytes": sum(memoryview(part).nbytes for part in body)}).encode()
    stream.write(_LENGTH.pack(len(text)) + text)
    for part in body:
        stream.write(part)
    stream.flush()


def receive(stream: BinaryIO, *, most: int) -> tuple[dict[str, Any], bytearray]:
    """Read one message whose body has at most `most` bytes. Raises WireError."""
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    if length > MAX_HEAD:
        raise WireError(f"a head of {length} bytes")
    try:
        head = json.loads(bytes(_exactly(stream, length)))
    except ValueError as error:
        raise WireError("a head that is no JSON") from error
    size = head.get("bytes") if isinstance(head, dict) else None
    if not isinstance(size, int) or not 0 <= size <= most:
        raise WireError(f"a body of {size} bytes, where {most} may come")
    return head, _exactly(stream, size)


def _exactly(stream: BinaryIO, size: int) -> bytearray:
    data = bytearray(size)
    view, filled = memoryview(data), 0
    while filled < size:
        got = stream.readinto(view[filled:])  # type: ignore[attr-defined]  # every binary file has it
        if not got:
            raise WireError(f"the stream ended after {filled} of {size} bytes")
        filled += got
    return data
