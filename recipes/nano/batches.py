"""Batches by step number: `make_batch(plan, step)` gives the same arrays on every run, so a run continues where it was killed.

Each step has parts, computed one after the other and summed: pictures of one tile with short sequences, pictures cut into several
tiles with long ones (together in one batch, the short ones would be mostly padding), and pictures for the reading head alone.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from recipes.nano.draw import draw
from recipes.nano.fonts import font_set
from recipes.nano.orphans import end_with_parent
from recipes.nano.sample import Sample, picture_sample, text_sample
from recipes.nano.scene import crowded_scene, random_scene
from recipes.nano.tiles import IGNORED, Tiles, cut

from internvl.prompt.template import Template
from internvl.prompt.templates import template_named
from internvl.prompt.tokenizer import Tokenizer, load_tokenizer

TEXT_SHARE = 0.05
CROWDED_SHARE = 0.8
PLAIN_STEPS = 1000  # over these first steps, black on white gives way to every colour on every ground


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """What a step holds: conversations about one-tile pictures, about pictures of several tiles, and where the tokenizer is."""

    seed: int = 1
    one_tile: int = 64
    many_tiles: int = 8
    crowded: int = 0  # pictures for the reading head beside the conversations
    tokenizer: str = ""
    talk: bool = True  # False: pictures only, for the reading head


@dataclass(frozen=True)
class Batch:
    """One part of a step. `ids` and `labels` are padded on the right; empty when only pictures are looked at."""

    pixels: NDArray[np.uint8]  # T,112,112,3
    things: NDArray[np.int16]  # T,64
    colours: NDArray[np.int16]  # T,64
    ids: NDArray[np.int64]  # B,L
    labels: NDArray[np.int64]  # B,L


def make_batch(plan: BatchPlan, step: int) -> tuple[Batch, ...]:
    """The parts of one step."""
    source = random.Random(f"nano-{plan.seed}-{step}")
    counts = (("one", plan.one_tile), ("many", plan.many_tiles))
    parts = [_part(source, plan, step, tiles, count) for tiles, count in counts if count]
    if plan.crowded:
        parts.append(_pictures([_look(source, "one", 0.0) for _ in range(plan.crowded)]))
    return tuple(parts)


def batches(plan: BatchPlan, first: int, last: int, *, workers: int, ahead: int = 6) -> Iterator[tuple[int, tuple[Batch, ...]]]:
    """Steps `first` to `last - 1` in order, drawn ahead of time by worker processes (0: in this one)."""
    if workers == 0:
        yield from ((step, make_batch(plan, step)) for step in range(first, last))
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
        waiting: deque[tuple[int, Future[tuple[Batch, ...]]]] = deque()
        try:
            for step in range(first, last):
                waiting.append((step, pool.submit(make_batch, plan, step)))
                if len(waiting) > ahead:
                    done, future = waiting.popleft()
                    yield done, future.result()
            while waiting:
                done, future = waiting.popleft()
                yield done, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


def _part(source: random.Random, plan: BatchPlan, step: int, tiles: str, count: int) -> Batch:
    fonts = font_set(held_out=False)
    if not plan.talk:
        return _pictures([_look(source, tiles, 1 - step / PLAIN_STEPS) for _ in range(count)])
    tokenizer, template = _text(plan.tokenizer)
    samples = []
    for _ in range(count):
        if tiles == "one" and source.random() < TEXT_SHARE:
            samples.append(text_sample(source, fonts, tokenizer, template))
        else:
            samples.append(picture_sample(source, fonts, tokenizer, template, tiles))
    return _conversations(samples)


def _look(source: random.Random, tiles: str, plain: float) -> Tiles:
    fonts = font_set(held_out=False)
    crowded = tiles == "one" and source.random() < CROWDED_SHARE
    scene = crowded_scene(source, fonts, plain=source.random() < plain) if crowded else random_scene(source, fonts, tiles=tiles)
    return cut(draw(scene), scene)


def _pictures(shown: list[Tiles]) -> Batch:
    empty = np.zeros((0, 0), np.int64)
    return Batch(*_joined(shown), empty, empty)


def _conversations(samples: list[Sample]) -> Batch:
    length = max(len(sample.ids) for sample in samples)
    ids = np.zeros((len(samples), length), np.int64)
    labels = np.full((len(samples), length), IGNORED, np.int64)
    for row, sample in enumerate(samples):
        ids[row, : len(sample.ids)] = sample.ids
        labels[row, : len(sample.labels)] = sample.labels
    return Batch(*_joined([sample.tiles for sample in samples if sample.tiles is not None]), ids, labels)


def _joined(shown: list[Tiles]) -> tuple[NDArray[np.uint8], NDArray[np.int16], NDArray[np.int16]]:
    return (
        np.concatenate([tiles.pixels for tiles in shown]),
        np.concatenate([tiles.things for tiles in shown]),
        np.concatenate([tiles.colours for tiles in shown]),
    )


@lru_cache(maxsize=2)
def _text(folder: str) -> tuple[Tokenizer, Template]:
    return load_tokenizer(Path(folder)), template_named("Hermes-2")
