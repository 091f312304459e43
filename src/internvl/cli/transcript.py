"""Conversations as JSON: what `chat` saves and `generate` reads.

{"role": "user", "content": [{"type": "image", "path": "a.png"}, {"type": "text", "text": "What is it?"}]}
{"role": "user", "content": "What is it?"}        with the pictures named beside the messages, placed at `<image>` marks
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from internvl.errors import PromptError
from internvl.messages import Box, Image, Message, Part, Ref, Role, Video

OpenMedia: TypeAlias = Callable[[str, str], Image | Video]
"""Called with 'image' or 'video' and a path."""


def to_json(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages as plain data."""
    return [{"role": message.role, "content": [_part_to_json(part) for part in message.parts]} for message in messages]


def from_json(turns: Any, media: Sequence[Image | Video], open_media: OpenMedia) -> list[Message]:
    """Messages from plain data; `media` are handed out to the turns whose content is a string.

    With `<image>` and `<video>` marks each turn takes as many as it has marks; without any, the first user turn takes them all.
    Raises PromptError, PlaceholderCountError.
    """
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise PromptError("messages must be a list of objects with role and content")
    shares = _shares(turns, media)
    return [_message(turn, share, open_media) for turn, share in zip(turns, shares, strict=True)]


def _part_to_json(part: Part) -> dict[str, Any]:
    if isinstance(part, Image):
        return {"type": "image", "path": str(part.source)}
    if isinstance(part, Video):
        chosen = {name: value for name, value in vars(part.sampling).items() if value is not None}
        return {"type": "video", "path": str(part.source), **chosen}
    if isinstance(part, Ref):
        return {"type": "ref", "phrase": part.phrase}
    if isinstance(part, Box):
        return {"type": "box", "corners": [part.x1, part.y1, part.x2, part.y2]}
    return {"type": "text", "text": part}


def _message(turn: Mapping[str, Any], share: Sequence[Image | Video], open_media: OpenMedia) -> Message:
    from internvl.processor import compose

    # Any other role is refused by Message itself.
    role, content = cast(Role, turn.get("role")), turn.get("content")
    if isinstance(content, list):
        return Message(role, tuple(_part(part, open_media) for part in content))
    if not isinstance(content, str):
        raise PromptError(f"a message's content is a string or a list of parts, not {type(content).__name__}")
    return compose(content, share) if role == "user" else Message(role, (content,))


def _part(part: Any, open_media: OpenMedia) -> Part:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    if kind in ("image", "video") and isinstance(part.get("path"), str):
        return open_media(kind, part["path"])
    raise PromptError(f"a part is a text with its text, or an image or a video with its path, not {part!r:.80}")


def _shares(turns: Sequence[Mapping[str, Any]], media: Sequence[Image | Video]) -> list[list[Image | Video]]:
    """Which of the media belong to which turn."""
    from internvl.prompt.placeholders import IMAGE_MARK, VIDEO_MARK, check_mark_count

    images = [item for item in media if isinstance(item, Image)]
    videos = [item for item in media if isinstance(item, Video)]
    texts = [_marked_text(turn) for turn in turns]
    marks = [(text.count(IMAGE_MARK), text.count(VIDEO_MARK)) for text in texts]
    if not any(map(any, marks)):
        first = next((i for i, turn in enumerate(turns) if isinstance(turn.get("content"), str) and turn.get("role") == "user"), None)
        if media and first is None:
            raise PromptError("images and videos beside messages need a user message whose content is a string to belong to")
        return [list(media) if i == first else [] for i in range(len(turns))]
    check_mark_count(sum(n for n, _ in marks), len(images))
    check_mark_count(sum(n for _, n in marks), len(videos), mark=VIDEO_MARK, what="videos")
    next_image, next_video = iter(images), iter(videos)
    return [[next(next_image) for _ in range(n)] + [next(next_video) for _ in range(m)] for n, m in marks]


def _marked_text(turn: Mapping[str, Any]) -> str:
    content = turn.get("content")
    return content if isinstance(content, str) and turn.get("role") == "user" else ""
