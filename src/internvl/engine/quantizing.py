"""A checkpoint folder to a quantised one, calibrated on pictures, with what that cost measured on others.

source -> full model -> pictures, questions and its own answers -> calibrate -> measure -> target: weights, report
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.convert import copy_files, original_values
from internvl.checkpoint.load import load_weights
from internvl.checkpoint.quantised import MAX_SHARD_BYTES, save_quantised
from internvl.checkpoint.shard_writer import json_text, write_text
from internvl.checkpoint.whole_folder import whole_folder
from internvl.engine.runner import TorchRunner
from internvl.errors import ConfigError
from internvl.inputs import ModelInputs
from internvl.messages import Image, user
from internvl.models.internvl import InternVL
from internvl.processor import Processor
from internvl.prompt.tokenizer import load_tokenizer
from internvl.quantize.calibrate import calibrate
from internvl.quantize.formats import layer_names
from internvl.quantize.measure import measure
from internvl.quantize.pictures import QUESTIONS, calibration_pictures
from internvl.quantize.plan import PRESETS, QuantPlan
from internvl.quantize.report import Report, part_reports
from internvl.quantize.sample import Sample

REPORT_FILE = "quantization_report.json"
# (what is done, how much of it is done, how much there is)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Shown:
    """A picture with a question about it. held_out: to measure on."""

    image: Image
    question: str
    held_out: bool


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What a model is calibrated on. samples: pictures with a question, a third of them held out to decide and to measure on.

    max_tiles: of a picture, thumbnail aside. answer_tokens: how far the model's own answer is read with it. seed: of drawn pictures.
    """

    samples: int = 18
    max_tiles: int = 1
    answer_tokens: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        if self.samples < 2:
            raise ConfigError(f"calibration needs 2 samples or more, not {self.samples}")
        if self.max_tiles < 1 or self.answer_tokens < 1:
            raise ConfigError(f"max_tiles and answer_tokens must be above 0, not {self.max_tiles} and {self.answer_tokens}")


@dataclass(frozen=True, kw_only=True)
class QuantConfig:
    """What becomes of each part, and what is looked at to decide how."""

    plan: QuantPlan = PRESETS["int8"]
    calibration: Calibration = field(default_factory=Calibration)


def quantise_folder(
    source: Path,
    target: Path,
    *,
    name: str,
    config: QuantConfig,
    pictures: Sequence[Path] = (),
    max_shard_bytes: int = MAX_SHARD_BYTES,
    progress: Progress | None = None,
) -> Report:
    """Write a quantised model to `target`, which appears when it is whole, and say what it cost.

    name: what the folder says it is, int8 or int4. pictures: files to calibrate on; none draws some. The same input and seed give the
    same files. Memory: the full model, mapped where its type allows, the quantised one, and the statistics of one block.
    Raises CheckpointError, ConfigError, MediaError.
    """
    started, tell = time.perf_counter(), progress or _silent
    checkpoint = Checkpoint(source)
    with whole_folder(target) as partial:
        full = load_weights(checkpoint)
        samples = samples_of(checkpoint, full, shown(pictures, config.calibration), config.calibration, tell)
        held_out = [sample for sample in samples if sample.held_out]
        model, choices = calibrate(full, config.plan, samples, progress=lambda done, total: tell("blocks", done, total))
        losses = measure(full, model, held_out, progress=lambda done, total: tell("measured", done, total))
        values = original_values(checkpoint)
        save_quantised(model, partial, name=name, plain=values, dtype=checkpoint.dtype, max_shard_bytes=max_shard_bytes)
        copy_files(checkpoint, partial, "original")
        report = Report(
            name=name,
            plan=config.plan,
            parts=part_reports(full, model, losses, dtype=checkpoint.dtype),
            layers=tuple(layer_names(full.config)),
            choices=tuple(choices),
            samples=len(samples) - len(held_out),
            held_out=len(held_out),
            pictures=f"{len(pictures)} of the user's" if pictures else f"drawn, seed {config.calibration.seed}",
            seconds=time.perf_counter() - started,
        )
        write_text(partial / REPORT_FILE, json_text(report.to_dict()))
    return report


def shown(pictures: Sequence[Path], calibration: Calibration) -> list[Shown]:
    """Pictures with questions, every third picture held out; drawn ones where none are given.

    More pictures than samples: some at even distances. Fewer: each comes with several questions.
    """
    count = calibration.samples
    if not pictures:
        drawn = calibration_pictures(count, seed=calibration.seed)
        return [Shown(Image(picture), question, number % 3 == 1) for number, (picture, question) in enumerate(drawn)]
    if len(pictures) < 2:
        raise ConfigError("calibration needs 2 pictures or more, not 1: what helps is decided on pictures held out")
    chosen = [pictures[number * len(pictures) // count] for number in range(count)] if len(pictures) > count else list(pictures)
    numbers = [number % len(chosen) for number in range(count)]
    # A picture's next turn begins one question further, so that no picture is asked the same again for long.
    turns = [number + number // len(chosen) for number in range(count)]
    return [
        Shown(Image(chosen[number]), QUESTIONS[turn % len(QUESTIONS)], number % 3 == 1)
        for number, turn in zip(numbers, turns, strict=True)
    ]


def samples_of(
    checkpoint: Checkpoint, full: InternVL, things: Sequence[Shown], calibration: Calibration, tell: Progress | None = None
) -> list[Sample]:
    """Prompts as the processor makes them, each with what the full model answers."""
    processor = Processor.of(full.config, load_tokenizer(checkpoint.folder))
    processor = processor.with_policy(processor.policy.with_max_tiles(calibration.max_tiles))
    samples = []
    for done, thing in enumerate(things, start=1):
        inputs = processor.prepare(user(thing.image, thing.question))
        room = full.config.language.max_positions - inputs.tokens
        if room < 1:
            raise ConfigError(
                f"a calibration prompt has {inputs.tokens} tokens, too many for the model; set calibration.max_tiles lower"
            )
        answer = _answer(full, inputs, processor.stop_id, min(room, calibration.answer_tokens))
        samples.append(Sample(inputs, answer, thing.held_out))
        if tell is not None:
            tell("answers", done, len(things))
    return samples


@torch.inference_mode()
def _answer(full: InternVL, inputs: ModelInputs, stop_id: int, tokens: int) -> tuple[int, ...]:
    """The model's greedy answer, at most so many tokens of it."""
    runner, cache = TorchRunner(full), full.new_cache()
    visual = None if inputs.pixels is None else runner.encode(inputs.pixels).flatten(0, 1)
    logits = runner.read(inputs.ids[None], visual, placeholder_id=inputs.placeholder_id, cache=cache, total=inputs.tokens)
    answer = [int(logits.argmax())]
    while answer[-1] != stop_id and len(answer) < tokens:
        answer.append(int(runner.decode([answer[-1:]], [cache])[0].argmax()))
    return tuple(answer)


def _silent(what: str, done: int, total: int) -> None:
    """Nobody looks."""
