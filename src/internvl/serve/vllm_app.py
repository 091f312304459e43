"""The server with vLLM as its engine: the checkpoint's tokenizer, template and tile policy here, its weights there.

folder --processor, no weights--> Served --our checks, keys, limits, page--> VllmEngine --> vllm serve
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI

from internvl.checkpoint.checkpoint import layout_of
from internvl.checkpoint.fields import read_json
from internvl.checkpoint.keymap import Layout
from internvl.models.config import InternVLConfig
from internvl.processor import Processor, policy_of
from internvl.serve.app import app_around, fetcher_of
from internvl.serve.config import ServeConfig
from internvl.serve.served import Served
from internvl.serve.vllm_engine import VllmEngine, httpx_of_extra, wait_until_ready
from internvl.serve.vllm_prepare import VllmPreparer
from internvl.serve.vllm_process import VllmProcess, check_policy

START_S = 3600.0
"""How long vLLM may load and compile: large models on many machines take their time."""


def served_from(name: str, processor: Processor, config: InternVLConfig) -> Served:
    """The model of a folder without its weights. Raises ConfigError for a tile policy that vLLM can't be told."""
    served = Served(name=name.rstrip("/").rpartition("/")[2], processor=processor, language=config.language)
    check_policy(served, thumbnail=policy_of(config).thumbnail)
    return served


def layout_in(folder: Path) -> Layout:
    """The layout of a checkpoint folder."""
    path = folder / "config.json"
    return layout_of(read_json(path), str(path))


def start_vllm(served: Served, config: ServeConfig, folder: Path, extra: Sequence[str]) -> VllmEngine:
    """Start vLLM on a folder and wait until it is ready. Raises MissingDependencyError, and ApiError when it does not start."""
    httpx_of_extra()  # before vLLM loads for minutes
    process = VllmProcess(served, config, folder=folder, layout=layout_in(folder), extra=extra)
    engine = VllmEngine(process.url, model=served.name, key=process.key, process=process)
    try:
        asyncio.run(wait_until_ready(engine, START_S))
    except BaseException:
        process.end()
        raise
    return engine


def serve_headless(served: Served, config: ServeConfig, folder: Path, extra: Sequence[str]) -> None:
    """Run vLLM as one of several machines, without HTTP, until it ends."""
    process = VllmProcess(served, config, folder=folder, layout=layout_in(folder), extra=extra)
    try:
        process.wait()
    finally:
        process.end()


def create_vllm_app(served: Served, config: ServeConfig, engine: VllmEngine, layout: Layout) -> FastAPI:
    """The application around a vLLM that is running."""
    preparer = VllmPreparer(served, config, fetcher_of(config), layout=layout)
    return app_around(served, config, preparer=preparer, engine=engine)
