"""Training contenders behind one door: the same model, the same examples a step, forward, backward, clipped AdamW.

    16 examples a step (ids, labels, tiles) -> Step: loss, seconds, tokens that are not padding

Ours goes through the trainer's own step, in rows of one example (padded) or packed; the peer through transformers' Trainer.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from internvl.data.example import Example

LR, CLIP, ROWS = 1e-5, 1.0, 4


@dataclass(frozen=True)
class Step:
    """One optimiser step."""

    loss: float
    seconds: float
    tokens: int


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a contender is to do. `steps` holds the examples of each step."""

    folder: Path
    placeholder_id: int
    precision: str
    steps: Sequence[Sequence[Example]]
    out: Path


class Ours:
    """This package. packed: rows of at most `pack_tokens`; else rows of one example, padded to the longest of four."""

    layout = "original"

    def __init__(self, *, packed: bool, recompute: bool = False, pack_tokens: int = 2048) -> None:
        self.packed, self.recompute, self.pack_tokens = packed, recompute, pack_tokens

    def run(self, job: Job) -> list[Step]:
        """All steps."""
        from internvl.checkpoint.load import load_model
        from internvl.train.config import OptimConfig, TrainConfig
        from internvl.train.flops import WorkCounter
        from internvl.train.objectives.module import TrainingModule
        from internvl.train.objectives.sft import SupervisedObjective
        from internvl.train.optim import build_optimizer
        from internvl.train.parallel import Spread, World
        from internvl.train.step import accumulate, clip, gradient_norm

        model = load_model(job.folder, dtype=torch.float32).train()
        model.set_activation_checkpointing(self.recompute)
        config = TrainConfig(precision="bf16" if job.precision == "bfloat16" else "fp32", optim=OptimConfig(lr=LR, weight_decay=0.0))
        module = TrainingModule(model, SupervisedObjective(), placeholder_id=job.placeholder_id)
        spread = Spread(module, World(), config, kind="none")
        module.train()
        optimizer, counter = build_optimizer(model, config.optim), WorkCounter(model)
        parameters = list(model.parameters())
        done = []
        for examples in job.steps:
            started = time.perf_counter()
            optimizer.zero_grad(set_to_none=True)
            sums = accumulate(spread, self._batches(examples), global_average=True, counter=counter)
            clip(parameters, gradient_norm(parameters), CLIP)
            optimizer.step()
            done.append(Step(sums.loss, time.perf_counter() - started, sums.tokens))
        return done

    def _batches(self, examples: Sequence[Example]) -> list[Any]:
        from internvl.data.collate import collate
        from internvl.data.packing import Packer

        if not self.packed:
            groups = [examples[start : start + ROWS] for start in range(0, len(examples), ROWS)]
            return [collate([[example] for example in group], weighting="token") for group in groups]
        packer: Packer[Example] = Packer(max_tokens=self.pack_tokens, max_tiles=64, most_open=len(examples))
        full = [row for example in examples if (row := packer.add(example)) is not None]
        return [collate([row], weighting="token") for row in (*full, *packer.flush())]


class Transformers:
    """transformers' Trainer on its own port of the model, four examples a forward pass, gradients of four passes accumulated."""

    layout = "native"

    def run(self, job: Job) -> list[Step]:
        """All steps."""
        from transformers import InternVLForConditionalGeneration, TrainerCallback, TrainingArguments

        model = InternVLForConditionalGeneration.from_pretrained(job.folder, dtype=torch.float32, attn_implementation="sdpa")
        model.config.image_token_id = job.placeholder_id
        examples = [example for step in job.steps for example in step]
        marks: list[float] = []

        class Clock(TrainerCallback):
            def on_step_begin(self, *_: Any, **__: Any) -> None:
                marks.append(time.perf_counter())

            def on_step_end(self, *_: Any, **__: Any) -> None:
                marks.append(time.perf_counter())

        arguments = TrainingArguments(
            output_dir=str(job.out), max_steps=len(job.steps), per_device_train_batch_size=ROWS,
            gradient_accumulation_steps=len(job.steps[0]) // ROWS, learning_rate=LR, lr_scheduler_type="constant", weight_decay=0.0,
            max_grad_norm=CLIP, bf16=job.precision == "bfloat16", use_cpu=True, save_strategy="no", logging_steps=1, report_to=[],
            remove_unused_columns=False, disable_tqdm=True, optim="adamw_torch_fused", dataloader_num_workers=0,
        )  # fmt: skip
        trainer = _trainer_in_order()(model=model, args=arguments, train_dataset=examples, data_collator=_padded, callbacks=[Clock()])
        trainer.train()
        losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
        seconds = [end - begin for begin, end in zip(marks[::2], marks[1::2], strict=True)]
        tokens = [sum(example.tokens for example in step) for step in job.steps]
        return [Step(*each) for each in zip(losses, seconds, tokens, strict=True)]


def _trainer_in_order() -> Any:
    """The Trainer without shuffling, so that both contenders' steps hold the same examples."""
    from torch.utils.data import SequentialSampler
    from transformers import Trainer

    class InOrder(Trainer):
        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            return SequentialSampler(self.train_dataset)

    return InOrder


def _padded(examples: Sequence[Example]) -> dict[str, Any]:
    """What the port eats: rows padded on the right, with a mask."""
    from torch.nn.utils.rnn import pad_sequence

    pixels = [example.pixels for example in examples if example.pixels is not None]
    batch = {
        "input_ids": pad_sequence([example.ids for example in examples], batch_first=True),
        "labels": pad_sequence([example.labels for example in examples], batch_first=True, padding_value=-100),
        "attention_mask": pad_sequence([torch.ones_like(example.ids) for example in examples], batch_first=True),
    }
    return batch | ({"pixel_values": torch.cat(pixels)} if pixels else {})


CONTENDERS: dict[str, Any] = {
    "internvl, packed": lambda: Ours(packed=True),
    "internvl, padded": lambda: Ours(packed=False),
    "internvl, packed, activations recomputed": lambda: Ours(packed=True, recompute=True),
    "transformers Trainer": Transformers,
}
