"""OpenAI's requests as data, as far as they are understood. Types are strict, and a field nobody knows is an error, not a shrug.

JSON --body.parse--> plain data --ChatRequest, CompletionRequest, TokenizeRequest--> translate
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from internvl.serve.errors import ApiError

MAX_STOPS = 16
MAX_STOP_CHARS = 256
MAX_TOP_LOGPROBS = 20
MAX_URL_CHARS = 256 << 20  # a data: URL; the body's own limit is lower
MAX_FORM_CHARS = 1 << 16
WHOLE = (1 << 31) - 1
Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """No conversions between types, no unknown fields, no NaN."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


class TextPart(Strict):
    """Words."""

    type: Literal["text"]
    text: str


class ImageUrl(Strict):
    """A picture. detail: low is 1 tile, auto the model's own limit, high 12 or more; max_tiles says a number instead."""

    url: str = Field(max_length=MAX_URL_CHARS)
    detail: Literal["low", "auto", "high"] = "auto"
    max_tiles: int | None = Field(default=None, ge=1, le=40)


class ImagePart(Strict):
    """A picture among the parts of a message."""

    type: Literal["image_url"]
    image_url: ImageUrl


class VideoUrl(Strict):
    """A clip and how its stills are chosen: `frames` of them spread over it, or `fps` a second, between two times."""

    url: str = Field(max_length=MAX_URL_CHARS)
    frames: int | None = Field(default=None, ge=1)
    fps: float | None = Field(default=None, gt=0, lt=1e4)
    start_s: float | None = Field(default=None, ge=0)
    end_s: float | None = Field(default=None, gt=0)
    max_tiles: int = Field(default=1, ge=1, le=40)


class VideoPart(Strict):
    """A clip among the parts of a message."""

    type: Literal["video_url"]
    video_url: VideoUrl


Part: TypeAlias = Annotated[TextPart | ImagePart | VideoPart, Field(discriminator="type")]


class ChatMessage(Strict):
    """One turn. `developer` is another word for `system`. The lower block is what clients send back of an answer, empty here."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[Part], Field(max_length=1024)]
    name: str | None = None

    refusal: None = None
    audio: None = None
    annotations: Annotated[list[Any], Field(max_length=0)] | None = None
    function_call: None = None
    tool_calls: Annotated[list[Any], Field(max_length=1024)] | None = None


class StreamOptions(Strict):
    """include_usage: a last chunk says what the answer cost."""

    include_usage: bool = False
    include_obfuscation: bool = False


class ResponseFormat(Strict):
    """The form of the answer, as OpenAI has it; `regex` is ours. json_schema: {"name": ..., "schema": {...}}."""

    type: Literal["text", "json_object", "json_schema", "regex"]
    json_schema: dict[str, Any] | None = None
    regex: str | None = Field(default=None, min_length=1, max_length=MAX_FORM_CHARS)


Texts: TypeAlias = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=MAX_FORM_CHARS)]], Field(min_length=1, max_length=10_000)
]


class StructuredOutputs(Strict):
    """The same as vLLM has it; one of the fields."""

    json_schema: dict[str, Any] | str | None = Field(default=None, alias="json")
    regex: str | None = Field(default=None, min_length=1, max_length=MAX_FORM_CHARS)
    choice: Texts | None = None
    json_object: bool | None = None


class OwnOptions(Strict):
    """What OpenAI's form has no word for. max_tiles: of every picture that has no limit of its own."""

    max_tiles: int | None = Field(default=None, ge=1, le=40)


Stops: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_STOP_CHARS)]


class Decoding(Strict):
    """How an answer is decoded: fields that chat and completions share. The lower block is taken and changes nothing."""

    model: str
    max_tokens: int | None = Field(default=None, ge=1, le=WHOLE)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=-1, le=WHOLE)
    repetition_penalty: float | None = Field(default=None, gt=0, le=10)
    n: int | None = Field(default=None, ge=1, le=WHOLE)
    seed: int | None = Field(default=None, ge=-(1 << 63), lt=1 << 64)
    stop: Stops | Annotated[list[Stops], Field(max_length=MAX_STOPS)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    logit_bias: dict[str, float] | None = Field(default=None, max_length=1024)
    response_format: ResponseFormat | None = None
    structured_outputs: StructuredOutputs | None = None
    guided_json: dict[str, Any] | str | None = None
    guided_regex: str | None = Field(default=None, min_length=1, max_length=MAX_FORM_CHARS)
    guided_choice: Texts | None = None

    user: str | None = None
    metadata: dict[str, Any] | None = None
    store: bool | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: dict[str, Any] | None = None


class ChatRequest(Decoding):
    """POST /v1/chat/completions."""

    messages: list[ChatMessage] = Field(min_length=1, max_length=1024)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=WHOLE)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=MAX_TOP_LOGPROBS)
    internvl: OwnOptions = OwnOptions()

    parallel_tool_calls: bool | None = None
    prediction: dict[str, Any] | None = None
    # `unsupported` says which values of these change nothing.
    tools: list[Any] | None = Field(default=None, max_length=1024)
    tool_choice: str | dict[str, Any] | None = None
    functions: list[Any] | None = Field(default=None, max_length=1024)
    function_call: str | dict[str, Any] | None = None
    modalities: list[str] | None = Field(default=None, max_length=16)
    audio: dict[str, Any] | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    web_search_options: dict[str, Any] | None = None
    moderation: dict[str, Any] | None = None


class CompletionRequest(Decoding):
    """POST /v1/completions: text that is continued as it stands, without the chat template. One prompt a request."""

    prompt: str | Annotated[list[str], Field(min_length=1, max_length=1)]
    echo: bool | None = None
    suffix: str | None = None
    best_of: int | None = None
    logprobs: int | None = Field(default=None, ge=0, le=5)

    @property
    def text(self) -> str:
        """The prompt."""
        return self.prompt if isinstance(self.prompt, str) else self.prompt[0]


class CountRequest(Strict):
    """POST /page/count, and /tokenize with messages: a question whose cost is wanted."""

    model: str | None = None
    messages: list[ChatMessage] = Field(min_length=1, max_length=1024)
    internvl: OwnOptions = OwnOptions()


class TokenizeRequest(Strict):
    """POST /tokenize: the ids of a plain text, or the count of a conversation."""

    model: str | None = None
    prompt: str | None = None
    messages: list[ChatMessage] | None = Field(default=None, min_length=1, max_length=1024)
    internvl: OwnOptions = OwnOptions()


def validated(kind: type[Model], data: object) -> Model:
    """The data as a request. Raises ApiError 400 that names the first field at fault and never repeats its value."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step)[:64] for step in first["loc"])[:256]
        raise ApiError(f"{where or 'the body'}: {first['msg'][:300]}", param=where or None) from None
