"""A conversation as the body of an OpenAI-compatible request: words as text, pictures as PNG in data: URLs, clips as stills.

Ask [messages, protocol] -> {"model", "messages": [{"role", "content": [{"type": "text" | "image_url"}]}], "max_tokens", ...}
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from internvl.eval.errors import EvalError
from internvl.eval.generator import Ask
from internvl.media.image import open_image
from internvl.messages import Box, Image, Message, Part, Ref, Video

if TYPE_CHECKING:
    import PIL.Image

DEFAULT_FRAMES = 8
PNG_EFFORT = 1  # of zlib: pictures travel once, and the densest packing takes ten times as long


def chat_body(ask: Ask, model: str) -> dict[str, Any]:
    """The request. Raises MediaError for a picture that can't be read; EvalError for beams, which no such service searches with.

    A minimal length goes as `min_tokens`, which vLLM and LMDeploy know; it is left out where the protocol has none.
    """
    decoding = ask.protocol.decoding
    if decoding.num_beams > 1:
        raise EvalError(f"the protocol searches with {decoding.num_beams} beams, which a remote service can't; take our engine")
    body = {
        "model": model,
        "messages": [_message(message, ask.protocol.frames or DEFAULT_FRAMES) for message in ask.messages],
        "max_tokens": decoding.max_new_tokens,
        "temperature": decoding.temperature,
    }
    return body | ({"min_tokens": decoding.min_new_tokens} if decoding.min_new_tokens > 1 else {})


def data_url(image: PIL.Image.Image) -> str:
    """A picture as a data: URL, without loss."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=PNG_EFFORT)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _message(message: Message, frames: int) -> dict[str, Any]:
    """Words alone stay a string, which every service takes."""
    parts = [each for part in message.parts for each in _contents(part, frames)]
    if all(isinstance(each, str) for each in parts):
        return {"role": message.role, "content": "".join(str(each) for each in parts)}
    return {"role": message.role, "content": list(_joined(parts))}


def _contents(part: Part, frames: int) -> Iterator[str | dict[str, Any]]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, Ref):
        yield f"<ref>{part.phrase}</ref>"
    elif isinstance(part, Box):
        yield f"<box>[[{part.x1}, {part.y1}, {part.x2}, {part.y2}]]</box>"
    elif isinstance(part, Image):
        yield _picture(open_image(part.source))
    else:
        yield from _stills(part, frames)


def _stills(video: Video, frames: int) -> Iterator[str | dict[str, Any]]:
    """`Frame1: ` and its picture, a line each, as our own prompts have them."""
    from internvl.media.video import read_frames

    for number, image in enumerate(read_frames(video, default_frames=frames).images, start=1):
        yield f"Frame{number}: "
        yield _picture(image)
        yield "\n"


def _picture(image: PIL.Image.Image) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url(image)}}


def _joined(parts: list[str | dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Neighbouring words in one part."""
    words = ""
    for part in parts:
        if isinstance(part, str):
            words += part
            continue
        if words:
            yield {"type": "text", "text": words}
            words = ""
        yield part
    if words:
        yield {"type": "text", "text": words}
