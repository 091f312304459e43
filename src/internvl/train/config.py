"""One run of training, as plain data: what is trained, on what, how fast, and where it goes.

A recipe is a function that returns a TrainConfig. `internvl train --set NAME=VALUE` reaches every field.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from internvl.data.config import DataConfig

Part: TypeAlias = Literal["vision_encoder", "projector", "language_model"]
PARTS: tuple[Part, ...] = get_args(Part)
Objective: TypeAlias = Literal["sft", "preference", "contrastive", "generative", "retrieval"]
"""The first two are of chat models, the others of dual encoders."""


@dataclass(frozen=True, kw_only=True)
class LoraConfig:
    """Ranks of the adapters; 0 leaves a part without. alpha = 2 x rank, as the released scripts have it."""

    language_rank: int = 0
    vision_rank: int = 0
    dropout: float = 0.05
    alpha_over_rank: float = 2.0


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """AdamW (or Muon beside it) and its schedule. warmup below 1 is a fraction of all steps, from 1 on a number of steps."""

    lr: float = 4e-5
    matrix_lr: float = 0.0  # Muon's rate for the matrices inside the blocks, for training from nothing; 0: AdamW for everything
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.01
    schedule: Literal["cosine", "linear", "constant", "wsd"] = "cosine"
    warmup: float = 0.03
    decay: float = 0.2  # of wsd: the last part of the run, over which the rate falls to zero; below 1 a fraction, else steps
    min_lr_ratio: float = 0.0
    clip_norm: float = 1.0
    vision_layer_decay: float = 1.0  # rate of a ViT layer = lr x decay^(layers above it); 1.0: all alike
    language_layer_decay: float = 1.0  # the same for the layers of the language model, or of QLLaMA with their cross attentions
    lr_scales: dict[Part, float] = field(default_factory=dict)  # extra factor for a part
    ema: float = 0.0  # decay of the running mean of weights; 0: none


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The whole run. `batch_size` counts rows (packs when packing) a step over all ranks; `steps` wins over `epochs` when given."""

    model: str = "internvl-nano"  # a folder, an embedded name, or a hub name
    out: Path = Path("runs/train")
    objective: Objective = "sft"
    train_parts: frozenset[Part] = frozenset({"projector", "language_model"})
    vision_layers: int | None = None  # with a frozen ViT: train its layers from this index on, negative from the end
    lora: LoraConfig = field(default_factory=LoraConfig)
    data: DataConfig = field(default_factory=DataConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    drop_path: float = 0.0
    drop_path_shape: Literal["linear", "uniform"] = "linear"  # from 0 in the first layer to the rate in the last, or the rate in all
    patch_masking: float = 0.0  # of a dual encoder: share of a picture's patches that the vision encoder is not shown in training
    image_size: int | None = None  # of a dual encoder: side of its pictures in px from now on; None: as its checkpoint has it
    batch_size: int = 128
    rows_per_forward: int = 1
    steps: int | None = None
    epochs: float = 1.0
    precision: Literal["fp32", "bf16"] = "bf16"
    parallel: Literal["auto", "none", "ddp", "fsdp"] = "auto"
    checkpoint_activations: bool = False
    compile: bool = False
    global_loss_average: bool = True  # divide by the label weight of all ranks, not of each rank alone
    seed: int = 0
    save_every: int = 200
    keep_checkpoints: int = 2
    log_every: int = 1
    eval_every: int = 0
    trackers: tuple[Literal["tensorboard", "wandb", "trackio"], ...] = ()
    on_nan: Literal["stop", "skip"] = "stop"
    spike_factor: float = 0.0  # skip a step whose gradient norm is over this many times its running median; 0: never
