"""OpenVINO GenAI with its defaults: its VLMPipeline in chats, its ContinuousBatchingPipeline for requests that come together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy
import openvino
import openvino_genai
from benchmarks.machine import peak_memory_mb
from benchmarks.peers.peer import Picture, Setup
from benchmarks.turn import Turn
from PIL import Image


class _Stamps(openvino_genai.StreamerBase):
    """Notes when each token came."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[int] = []
        self.at: list[float] = []

    def write(self, token: Any) -> Any:
        """One token, or several."""
        for each in token if isinstance(token, list) else [token]:
            self.tokens.append(int(each))
            self.at.append(time.perf_counter())
        return openvino_genai.StreamingStatus.RUNNING

    def end(self) -> None:
        """Nothing to flush."""


class OpenVinoPeer:
    """`folder` holds one exported model for each variant."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._pipeline: Any = None

    def load(self) -> None:
        """The pipeline for chats."""
        self._pipeline = openvino_genai.VLMPipeline(self._model(), "CPU", **self._properties())

    def ask(self, picture: Picture, question: str, *, tokens: int) -> Turn:
        """A new chat, which ends the one before."""
        self._pipeline.finish_chat()
        self._pipeline.start_chat(picture.system)
        return self._turn(question, tokens, [picture])

    def again(self, question: str, *, tokens: int, by_hand: bool = False) -> Turn | None:
        """The chat goes on."""
        return None if by_hand else self._turn(question, tokens, [])

    def batch(self, pictures: Sequence[Picture], question: str, *, tokens: int) -> float:
        """In a pipeline made for it; making it is not timed."""
        self._pipeline = None
        scheduler = openvino_genai.SchedulerConfig()
        pipeline = openvino_genai.ContinuousBatchingPipeline(self._model(), scheduler, "CPU", self._properties())
        configs = [_greedy(tokens) for _ in pictures]
        began = time.perf_counter()
        images = [[_tensor(picture)] for picture in pictures]
        system, user = {"role": "system", "content": pictures[0].system}, {"role": "user", "content": question}
        histories = [openvino_genai.ChatHistory([system, user]) for _ in pictures]
        pipeline.generate(histories, images=images, generation_config=configs)
        return time.perf_counter() - began

    def peak_mb(self) -> float:
        """Of this process."""
        return peak_memory_mb()

    def close(self) -> None:
        """Nothing was started."""

    def _turn(self, question: str, tokens: int, pictures: Sequence[Picture]) -> Turn:
        stamps = _Stamps()
        began = time.perf_counter()
        images = [_tensor(picture) for picture in pictures]
        given = {"images": images} if images else {}
        result = self._pipeline.generate(question, generation_config=_greedy(tokens), streamer=stamps, **given)
        encode_s = sum(result.perf_metrics.vlm_raw_metrics.vision_encoding_durations) / 1e6 if images else 0.0
        return Turn(
            tokens=stamps.tokens,
            first_token_s=stamps.at[0] - began,
            decode_s=stamps.at[-1] - stamps.at[0],
            encode_s=encode_s,
            prompt_tokens=result.perf_metrics.get_num_input_tokens(),
        )

    def _model(self) -> str:
        return str(self._setup.folder / self._setup.variant)

    def _properties(self) -> dict[str, Any]:
        return {"INFERENCE_NUM_THREADS": self._setup.threads}


def _greedy(tokens: int) -> Any:
    config = openvino_genai.GenerationConfig()
    config.max_new_tokens, config.ignore_eos, config.do_sample = tokens, True, False
    return config


def _tensor(picture: Picture) -> Any:
    with Image.open(picture.path) as image:
        return openvino.Tensor(numpy.array(image.convert("RGB"))[None])
