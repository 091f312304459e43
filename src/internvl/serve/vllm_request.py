"""From a checked request to one that vLLM reads the same way: the prompt's layout, the pictures, the tile limits, the settings.

    Message... --messages_of--> text with a mark for each picture, then the pictures as PNG --VllmRequest--> POST /v1/chat/completions

vLLM puts pictures where it finds their marks in the text, and reads control tokens wherever it finds their names. Both are harmless
only because a request in whose words such a mark stands is refused here.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from internvl.engine.sampling import SamplingParams
from internvl.media.tiling import TilePolicy
from internvl.messages import Box, Image, Message, Ref, Video
from internvl.processor import frame_labels
from internvl.prompt.template import Template
from internvl.prompt.tokenizer import Tokenizer
from internvl.serve.errors import ApiError

Pictures = Callable[[Image | Video], Sequence[bytes]]
TYPED_MARKS = ("<image>", "<video>")


@dataclass(frozen=True)
class Dialect:
    """How vLLM's class for a checkpoint layout is spoken to: the mark of a picture, and what it calls the tile limits."""

    mark: str
    least: str
    most: str
    dynamic: str

    def limits(self, policy: TilePolicy) -> dict[str, Any]:
        """The policy of one picture as `mm_processor_kwargs`. A single tile has one spelling, however it came about."""
        least, most = (policy.min_tiles, policy.max_tiles) if policy.dynamic else (1, 1)
        return {self.least: least, self.most: most, self.dynamic: True}


DIALECTS: Mapping[str, Dialect] = {
    "original": Dialect("<image>", "min_dynamic_patch", "max_dynamic_patch", "dynamic_image_size"),
    "native": Dialect("<IMG_CONTEXT>", "min_patches", "max_patches", "crop_to_patches"),
}


@dataclass(frozen=True, kw_only=True)
class VllmRequest:
    """One answer that vLLM is asked for, and what the prompt must cost if vLLM understood it as we do."""

    path: str
    body: Mapping[str, Any]
    prompt_tokens: int
    visual_tokens: int
    tiles: int

    @property
    def chat(self) -> bool:
        """Whether it is a chat, not a text to go on with."""
        return self.path.endswith("/chat/completions")


def messages_of(messages: Sequence[Message], dialect: Dialect, pictures: Pictures) -> list[dict[str, Any]]:
    """The conversation in OpenAI's form, laid out as our own processor lays it out."""
    return [{"role": message.role, "content": list(_content(message, dialect, pictures))} for message in messages]


def check_words(messages: Sequence[Message], tokenizer: Tokenizer) -> None:
    """Raise ApiError 400 where somebody typed what vLLM would take for a picture or a control token."""
    marks = {*TYPED_MARKS, *(name for name in tokenizer.added_tokens if name.strip())}
    for message in messages:
        for mark in marks:
            if mark in message.text:
                raise ApiError(
                    f"the text holds {mark!r}, which vLLM can't tell from a control token: leave it out, or use the native engine",
                    code="forged_mark",
                    param="messages",
                )


def one_limit(messages: Sequence[Message], limits_of: Callable[[Image | Video], dict[str, Any]]) -> dict[str, Any]:
    """The tile limits that all pictures share, empty without pictures. Raises ApiError 400 where they differ: vLLM takes one set."""
    found = [limits_of(part) for message in messages for part in message.media]
    if any(limits != found[0] for limits in found):
        raise ApiError(
            "with the vLLM engine all pictures and clips of a request have one tile limit (stills of a clip are 1 tile)",
            param="messages",
            code="not_supported",
        )
    return {"mm_processor_kwargs": found[0]} if found else {}


def settings_of(params: SamplingParams, *, chat: bool, stop_id: int, seed: int | None) -> dict[str, Any]:
    """The decoding settings by vLLM's names; always a stream, which says what the prompt cost with its first piece."""
    body: dict[str, Any] = {
        "max_tokens": params.max_new_tokens,
        "min_tokens": params.min_new_tokens,
        "temperature": params.temperature,
        "top_p": params.top_p,
        "top_k": params.top_k or -1,
        "repetition_penalty": params.repetition_penalty,
        "stop": list(params.stop),
        "stop_token_ids": [stop_id],
        "seed": seed if seed is None or seed < 1 << 63 else seed - (1 << 64),  # vLLM's has a sign
        "skip_special_tokens": not params.show_marks,
        "spaces_between_special_tokens": False,
        "stream": True,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
    }
    if params.logprobs is not None:
        told = {"logprobs": True, "top_logprobs": params.logprobs} if chat else {"logprobs": params.logprobs}
        body |= told | {"return_tokens_as_token_ids": True}
    return body


def chat_template(template: Template, *, bos: bool) -> str:
    """Our template as Jinja. The system message always comes with the conversation, so the template has none of its own."""
    words = {
        "system": (template.system_prefix, template.system_suffix),
        "user": (template.user_prefix, template.user_suffix),
        "assistant": (template.assistant_prefix, template.assistant_suffix),
    }
    turns = "".join(
        f"{{%- {'if' if role == 'system' else 'elif'} message['role'] == '{role}' -%}}"
        f"{{{{- {_quoted(before)} + message['content'] + {_quoted(after)} -}}}}"
        for role, (before, after) in words.items()
    )
    start = "{{- bos_token -}}" if bos else ""
    end = f"{{%- if add_generation_prompt -%}}{{{{- {_quoted(template.generation)} -}}}}{{%- endif -%}}"
    return f"{start}{{%- for message in messages -%}}{turns}{{%- endif -%}}{{%- endfor -%}}{end}"


def _content(message: Message, dialect: Dialect, pictures: Pictures) -> Iterator[dict[str, Any]]:
    """One text with all marks, then the pictures in the order of their marks."""
    text = ""
    shown: list[bytes] = []
    for part in message.parts:
        if isinstance(part, Ref | Box):
            raise ApiError("marks of grounding are not sent to vLLM", code="not_supported")
        if isinstance(part, str):
            text += part
            continue
        stills = pictures(part)
        labels = ("",) if isinstance(part, Image) else frame_labels(len(stills))
        text += "".join(f"{label}{dialect.mark}{'' if isinstance(part, Image) else chr(10)}" for label in labels)
        shown += stills
    yield {"type": "text", "text": text}
    for data in shown:
        yield {"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(data).decode()}}


def _quoted(text: str) -> str:
    """A string literal of Jinja, which reads the escapes of Python."""
    return ascii(text)
