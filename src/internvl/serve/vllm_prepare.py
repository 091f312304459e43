"""Requests for vLLM: the same checks and counts as for our own engine, then pictures as PNG instead of tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from internvl.engine.sampling import SamplingParams
from internvl.media.opening import Opener
from internvl.messages import Image, Message, system
from internvl.processor import Processor, TokenCount, part_policy
from internvl.serve.answer_form import for_vllm
from internvl.serve.decoders import RequestOpener
from internvl.serve.prepare import Planned, Preparer, shifted
from internvl.serve.schema import ChatRequest, CompletionRequest
from internvl.serve.translate import check_length, choices, decoding
from internvl.serve.vllm_request import DIALECTS, VllmRequest, check_words, messages_of, one_limit, settings_of


@dataclass(frozen=True)
class VllmPreparer(Preparer):
    """`layout`: of the checkpoint that vLLM reads."""

    layout: str = "original"

    def chat(self, request: ChatRequest, opener: Opener) -> Planned:
        """See `Preparer`; also refuses what vLLM would read otherwise than we do."""
        messages = self._with_system(self._messages(request))
        check_words(messages, self.served.tokenizer)
        processor = self.served.processor.with_opener(opener)
        counted = processor.count(messages)
        params = decoding(request, self.config, room=self._room(counted.text, counted.visual))

        def ready() -> Sequence[VllmRequest]:
            body = self._chat_body(messages, processor, cast(RequestOpener, opener)) | for_vllm(params.form)
            return self._for_choices(body, params, choices(request, self.config), counted)

        return Planned(choices=choices(request, self.config), pixel_bytes=self._pixel_bytes(counted), ready=ready)

    def completion(self, request: CompletionRequest, opener: Opener) -> Planned:
        """See `Preparer`. The prompt goes as ids, so nothing in it can be taken for a control token."""
        check_length(len(request.text), self.config)
        inputs = self.served.processor.plain(request.text)
        counted = TokenCount(text=inputs.tokens, visual=0, media=())
        params = decoding(request, self.config, room=self._room(inputs.tokens, 0))
        wanted = choices(request, self.config)
        body = {"prompt": inputs.ids.tolist(), "add_special_tokens": False} | for_vllm(params.form)
        return Planned(choices=wanted, pixel_bytes=0, ready=lambda: self._for_choices(body, params, wanted, counted))

    def _chat_body(self, messages: Sequence[Message], processor: Processor, opener: RequestOpener) -> dict[str, Any]:
        dialect = DIALECTS[self.layout]
        images = sum(isinstance(part, Image) for message in messages for part in message.media)
        shared = processor.policy.for_images(max(1, images))
        limit = one_limit(messages, lambda part: dialect.limits(part_policy(shared, part)))
        return {"messages": messages_of(messages, dialect, opener.pictures), "add_generation_prompt": True} | limit

    def _for_choices(self, body: dict[str, Any], params: SamplingParams, number: int, counted: TokenCount) -> list[VllmRequest]:
        chat = "messages" in body
        stop_id = self.served.processor.stop_id
        seeds = [None if params.seed is None else shifted(params.seed, index) for index in range(number)]
        return [
            VllmRequest(
                path="/v1/chat/completions" if chat else "/v1/completions",
                body=settings_of(params, chat=chat, stop_id=stop_id, seed=seed) | body,
                prompt_tokens=counted.total,
                visual_tokens=counted.visual,
                tiles=sum(each.tiles for each in counted.media),
            )
            for seed in seeds
        ]

    def _with_system(self, messages: Sequence[Message]) -> list[Message]:
        """The conversation with the system message that our own template would put in front."""
        if messages and messages[0].role == "system":
            return list(messages)
        processor = self.served.processor
        words = processor.template.system_message if processor.system_message is None else processor.system_message
        return [system(words), *messages]
