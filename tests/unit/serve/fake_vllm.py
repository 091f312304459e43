"""A program that speaks vLLM's HTTP interface without a model: it reads prompts as vLLM does, and says what it read.

    python fake_vllm.py serve FOLDER --host ... --port ... --chat-template FILE --mm-processor-kwargs JSON ...

The last user's words may begin with an order: !wrong counts one token too many, !refuse answers 400, !cut ends the stream early,
!endless talks until the client goes. GET /seen tells the ids of the last prompt, the last body, and how many clients went away.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jinja2
import PIL.Image
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from internvl.media.tiling import TilePolicy
from internvl.prompt.pieces import Trusted
from internvl.prompt.tokenizer import load_tokenizer

WORDS = ("Yes, ", "<ref>it</ref> ", "is 好.")


class FakeVllm:
    """The routes, and what was seen."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.tokenizer = load_tokenizer(Path(options.folder))
        source = Path(options.chat_template).read_text("utf-8")
        self.template = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(source)
        self.limits = json.loads(options.mm_processor_kwargs)
        self.seen: dict[str, Any] = {"gone": 0, "options": vars(options)}

    def routes(self) -> list[Route]:
        return [
            Route("/health", self.health),
            Route("/seen", self.tell),
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
            Route("/v1/completions", self.complete, methods=["POST"]),
        ]

    async def health(self, _: Request) -> Response:
        return Response()

    async def tell(self, _: Request) -> Response:
        return JSONResponse(self.seen)

    async def chat(self, request: Request) -> Response:
        body = await request.json()
        return self.answer(request, body, self.chat_ids(body), body["messages"][-1]["content"][0]["text"])

    async def complete(self, request: Request) -> Response:
        body = await request.json()
        return self.answer(request, body, body["prompt"], self.tokenizer.decode(body["prompt"]))

    def answer(self, request: Request, body: dict[str, Any], ids: list[int], words: str) -> Response:
        self.seen |= {"body": body, "ids": ids}
        if request.headers.get("authorization") != f"Bearer {os.environ['VLLM_API_KEY']}":
            return JSONResponse({"error": "Unauthorized"}, 401)
        if "!refuse" in words:
            return JSONResponse({"error": {"message": "secret words of vLLM at /usr/lib/x.py"}}, 400)
        return StreamingResponse(self.stream(body, len(ids) + ("!wrong" in words), words), media_type="text/event-stream")

    def chat_ids(self, body: dict[str, Any]) -> list[int]:
        """The prompt as vLLM reads it: template, then a picture at each mark, control tokens wherever their names stand."""
        policy = self.policy({**self.limits, **body.get("mm_processor_kwargs", {})})
        turns, tiles = [], []
        for message in body["messages"]:
            texts = [part["text"] for part in message["content"] if part["type"] == "text"]
            turns.append({"role": message["role"], "content": "\n".join(texts)})
            for part in message["content"]:
                if part["type"] == "image_url":
                    data = base64.b64decode(part["image_url"]["url"].partition(",")[2])
                    tiles.append(policy.tiles(*PIL.Image.open(io.BytesIO(data)).size))
        text = self.template.render(messages=turns, add_generation_prompt=True, bos_token="<s>")
        first, *rest = text.split("<image>")
        assert len(rest) == len(tiles), "a mark for each picture"
        tokens = ["<IMG_CONTEXT>" * count * self.options.tokens_per_tile for count in tiles]
        shown = [f"<img>{each}</img>{after}" for each, after in zip(tokens, rest, strict=True)]
        return self.tokenizer.encode((Trusted(first + "".join(shown)),))

    def policy(self, limits: dict[str, Any]) -> TilePolicy:
        return TilePolicy(
            tile_size=self.options.tile_size,
            min_tiles=limits["min_dynamic_patch"],
            max_tiles=limits["max_dynamic_patch"],
            dynamic=limits["dynamic_image_size"],
        )

    async def stream(self, body: dict[str, Any], prompt_tokens: int, words: str) -> AsyncIterator[str]:
        chat = "messages" in body
        try:
            for number, piece in enumerate(WORDS, start=1):
                yield self.chunk(body, chat, piece, None, prompt_tokens, number)
            while "!endless" in words:
                yield self.chunk(body, chat, "on ", None, prompt_tokens, 1)
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.seen["gone"] += 1
            raise
        if "!cut" not in words:
            yield self.chunk(body, chat, "", "stop", prompt_tokens, len(WORDS))
            yield "data: [DONE]\n\n"

    def chunk(self, body: dict[str, Any], chat: bool, piece: str, finish: str | None, prompt_tokens: int, number: int) -> str:
        said: dict[str, Any] = {"delta": {"content": piece}} if chat else {"text": piece}
        told = None
        if body.get("logprobs") and piece:
            entry = {"token": "token_id:65", "logprob": -0.25}
            tops = [{"token": f"token_id:{66 + each}", "logprob": -1.0 - each} for each in range(body.get("top_logprobs", 0))]
            told = {"content": [entry | {"top_logprobs": tops}]} if chat else {"tokens": ["token_id:65"], "token_logprobs": [-0.25]}
        usage = {"prompt_tokens": prompt_tokens, "completion_tokens": number, "prompt_tokens_details": {"cached_tokens": 2}}
        choice = {"index": 0, **said, "logprobs": told, "finish_reason": finish}
        return f"data: {json.dumps({'choices': [choice], 'usage': usage})}\n\n"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=["serve"])
    parser.add_argument("folder")
    words = ("host", "port", "served-model-name", "chat-template", "chat-template-content-format", "mm-processor-kwargs")
    for word in (*words, "limit-mm-per-prompt", "max-num-seqs", "max-model-len"):
        parser.add_argument(f"--{word}", required=True)
    parser.add_argument("--enable-prompt-tokens-details", action="store_true")
    parser.add_argument("--tokens-per-tile", type=int, default=256)
    parser.add_argument("--tile-size", type=int, default=448)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    uvicorn.run(Starlette(routes=FakeVllm(options).routes()), host=options.host, port=int(options.port), log_level="critical")


if __name__ == "__main__":
    main()
