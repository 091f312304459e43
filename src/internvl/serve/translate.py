"""From OpenAI's words to the library's: messages with media, decoding settings, and what is not understood yet.

    ChatRequest --conversation--> Message... --Processor--> ModelInputs       ChatRequest --decoding--> SamplingParams

Where a picture stands: those that come before or after all the text of their message go in front of it, laid out as the released
models were trained; with text between them, each stays where it is, on a line of its own. Text is only ever text: an `<image>` that
somebody typed is seven characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from internvl.engine.sampling import SamplingParams
from internvl.errors import GrammarError
from internvl.messages import MEDIA, Image, Message, Video, assistant, system, user
from internvl.messages import Part as MessagePart
from internvl.processor import compose
from internvl.serve.answer_form import asked_by, form_options
from internvl.serve.config import ServeConfig
from internvl.serve.errors import ApiError
from internvl.serve.media import MediaReader
from internvl.serve.schema import ChatMessage, ChatRequest, CompletionRequest, Decoding, ImagePart, Part, TextPart
from internvl.serve.unsupported import refuse_unsupported

SaidPart: TypeAlias = str | Image | Video


def conversation(messages: Sequence[ChatMessage], media: MediaReader, *, max_tiles: int | None) -> list[Message]:
    """The turns with their media opened as far as headers. Raises ApiError, MediaError, PromptError."""
    _check_text(messages, media.config)
    return [_message(message, media, max_tiles) for message in messages]


def decoding(request: ChatRequest | CompletionRequest, config: ServeConfig, *, room: int) -> SamplingParams:
    """How the answer is decoded; `room` is how many tokens fit behind the prompt. Raises ApiError, SamplingError."""
    _refuse_unsupported(request)
    stop = request.stop or []
    options: dict[str, Any] = {
        "max_new_tokens": _new_tokens(request, config, room),
        # OpenAI's default; greedy answers need temperature 0, as clients of any server know.
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "top_p": request.top_p,
        "top_k": None if request.top_k is None else max(0, request.top_k),
        "repetition_penalty": request.repetition_penalty,
        "stop": (stop,) if isinstance(stop, str) else tuple(stop),
        "seed": request.seed,
        "logprobs": _logprobs(request),
        "show_marks": isinstance(request, ChatRequest),
        **form_options(request),
    }
    try:
        return SamplingParams.of({name: value for name, value in options.items() if value is not None})
    except GrammarError as error:
        raise ApiError(str(error), param=asked_by(request)) from error


def choices(request: Decoding, config: ServeConfig) -> int:
    """How many answers are wanted. Raises ApiError for more than the server gives."""
    wanted = request.n or 1
    if wanted > config.max_choices:
        raise ApiError(f"n is at most {config.max_choices} on this server", param="n")
    return wanted


def _message(message: ChatMessage, media: MediaReader, max_tiles: int | None) -> Message:
    refuse_unsupported(message)
    parts: Sequence[Part] = [TextPart(type="text", text=message.content)] if isinstance(message.content, str) else message.content
    if message.role != "user":
        if not all(isinstance(part, TextPart) for part in parts):
            raise ApiError(f"pictures and clips belong in a user message, not in a {message.role} message", code="invalid_messages")
        text = "\n".join(part.text for part in parts if isinstance(part, TextPart))
        return assistant(text) if message.role == "assistant" else system(text)
    return user(*laid_out([_opened(part, media, max_tiles) for part in parts]))


def _opened(part: Part, media: MediaReader, max_tiles: int | None) -> SaidPart:
    if isinstance(part, TextPart):
        return part.text
    if isinstance(part, ImagePart):
        return media.image(part.image_url, max_tiles=max_tiles)
    return media.video(part.video_url)


def laid_out(parts: Sequence[SaidPart]) -> list[MessagePart]:
    """The parts of one user message in the order in which the model reads them."""
    pictures = [part for part in parts if isinstance(part, MEDIA)]
    if not pictures:
        return ["\n".join(part for part in parts if isinstance(part, str))]
    if _between(parts):
        return list(_on_lines(parts))
    text = "\n".join(part for part in parts if isinstance(part, str))
    # The question is added afterwards: `compose` reads marks in it, and what came over the network has none.
    return [*(part for part in compose("", pictures).parts if part != ""), text]


def _between(parts: Sequence[SaidPart]) -> bool:
    """Whether text stands between two pictures or clips."""
    kinds = [isinstance(part, MEDIA) for part in parts]
    first, last = kinds.index(True), len(kinds) - 1 - kinds[::-1].index(True)
    return not all(kinds[first : last + 1])


def _on_lines(parts: Sequence[SaidPart]) -> Iterable[MessagePart]:
    for number, part in enumerate(parts):
        # A clip's last still ends its line by itself.
        if number and not isinstance(parts[number - 1], Video):
            yield "\n"
        yield part


def _new_tokens(request: ChatRequest | CompletionRequest, config: ServeConfig, room: int) -> int:
    asked = request.max_tokens
    if isinstance(request, ChatRequest) and request.max_completion_tokens is not None:
        asked = request.max_completion_tokens
    if asked is None:
        return min(config.default_new_tokens, config.max_new_tokens, room)
    if asked > config.max_new_tokens:
        raise ApiError(f"an answer may have {config.max_new_tokens} tokens on this server, not {asked}", param="max_tokens")
    if asked > room:
        raise ApiError(
            f"{room} tokens fit behind this prompt, and max_tokens asks for {asked}", param="max_tokens", code="context_length_exceeded"
        )
    return asked


def _logprobs(request: ChatRequest | CompletionRequest) -> int | None:
    if isinstance(request, CompletionRequest):
        return request.logprobs
    return (request.top_logprobs or 0) if request.logprobs else None


def _refuse_unsupported(request: ChatRequest | CompletionRequest) -> None:
    """What would change the answer is refused by name, never passed over."""
    refuse_unsupported(request)
    if isinstance(request, ChatRequest) and request.top_logprobs and not request.logprobs:
        raise ApiError("top_logprobs needs logprobs: true", param="top_logprobs")
    if request.stream_options is not None and not request.stream:
        raise ApiError("stream_options needs stream: true", param="stream_options")


def _check_text(messages: Sequence[ChatMessage], config: ServeConfig) -> None:
    said = sum(
        len(message.content)
        if isinstance(message.content, str)
        else sum(len(part.text) for part in message.content if isinstance(part, TextPart))
        for message in messages
    )
    check_length(said, config)


def check_length(characters: int, config: ServeConfig) -> None:
    """Raise ApiError unless so many characters may be tokenised."""
    if characters > config.max_text_chars:
        raise ApiError(f"the text has {characters} characters, the limit is {config.max_text_chars}", status=413, code="text_too_long")
