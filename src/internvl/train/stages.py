"""The stages of the family as rows of a table: what learns in each, by which objective, and how it was run.

    contrastive -> generative -> pretrain -> finetune -> second_finetune, lora -> preference        (1.0 to 2.0)
    stage1 -> stage1_5 -> stage2                                                                   (2.5)

A row holds the numbers of one released run, named in `source`; `internvl.train.published` has the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal

from internvl.data.config import DataConfig, LossWeighting
from internvl.errors import ConfigError
from internvl.train.config import LoraConfig, Objective, OptimConfig, Part, TrainConfig

_VISION: frozenset[Part] = frozenset({"vision_encoder"})
_PROJECTOR: frozenset[Part] = frozenset({"projector"})
_LANGUAGE: frozenset[Part] = frozenset({"language_model"})
_ALL = _VISION | _PROJECTOR | _LANGUAGE


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage. `parts` learn; `learns` says it in words. dual_encoder: its projector is all that stands between the towers.

    max_tokens: longest sequence, and size of a pack. max_tiles: of one picture; pack_tiles: of a pack. batch_size: rows a step.
    warmup: below 1 a fraction of the steps. steps: None goes by `epochs`. extra: published numbers that no config has a field for.
    """

    title: str
    learns: str
    source: str
    lr: float
    warmup: float
    weight_decay: float
    batch_size: int
    objective: Objective = "sft"
    parts: frozenset[Part] = frozenset()
    betas: tuple[float, float] = (0.9, 0.999)
    drop_path: float = 0.0
    drop_path_shape: Literal["linear", "uniform"] = "linear"
    patch_masking: float = 0.0
    image_size: int | None = None
    vision_layer_decay: float = 1.0
    language_layer_decay: float = 1.0
    lr_scales: Mapping[Part, float] = field(default_factory=dict)
    language_rank: int = 0
    vision_rank: int = 0
    max_tokens: int = 4096
    max_tiles: int = 12
    packing: bool = False
    pack_tiles: int = 40
    group_by_length: bool = False
    loss_weighting: LossWeighting = "token"
    steps: int | None = None
    epochs: float = 1.0
    dual_encoder: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)


_PACKED: dict[str, Any] = {"max_tokens": 16384, "packing": True, "pack_tiles": 48, "loss_weighting": "square"}
_SECOND: dict[str, Any] = {"lr": 4e-5, "warmup": 0.03, "weight_decay": 0.05, "max_tiles": 6, "group_by_length": True}

STAGES: Mapping[str, Stage] = MappingProxyType(
    {
        "contrastive": Stage(
            title="Vision-language contrastive training",
            learns="vision encoder and LLaMA text encoder",
            source="InternVL 1.0, section 3.3, stage 1",
            objective="contrastive",
            parts=_ALL,
            lr=1e-3,
            lr_scales={"language_model": 0.1},
            warmup=5000,
            weight_decay=0.1,
            batch_size=164_000,
            betas=(0.9, 0.95),
            drop_path=0.2,
            drop_path_shape="uniform",
            patch_masking=0.5,
            image_size=196,
            max_tokens=80,
            max_tiles=1,
            steps=175_000,
            dual_encoder=True,
            extra={"samples": "28.7 B, the last 0.5 B of them whole at 224 px: stage contrastive_224"},
        ),
        "contrastive_224": Stage(
            title="The end of contrastive training, on whole pictures",
            learns="vision encoder and LLaMA text encoder",
            source="InternVL 1.0, section 3.3, the last 0.5 B samples of stage 1; lr: where its cosine is by then",
            objective="contrastive",
            parts=_ALL,
            lr=8e-7,
            lr_scales={"language_model": 0.1},
            warmup=0.0,
            weight_decay=0.1,
            batch_size=164_000,
            betas=(0.9, 0.95),
            drop_path=0.2,
            drop_path_shape="uniform",
            image_size=224,
            max_tokens=80,
            max_tiles=1,
            steps=3049,  # see 0.5 B samples
            dual_encoder=True,
        ),
        "generative": Stage(
            title="Vision-language generative training",
            learns="96 queries, cross-attention and heads of QLLaMA; vision encoder and LLaMA stay frozen",
            source="InternVL 1.0, section 3.3, stage 2",
            objective="generative",
            parts=_PROJECTOR,
            lr=5e-5,
            warmup=2000,
            weight_decay=0.05,
            batch_size=20_000,
            betas=(0.9, 0.98),
            max_tokens=80,
            max_tiles=1,
            steps=80_000,
            image_size=224,
            dual_encoder=True,
            extra={"loss": "matching + contrastive + captioning, unweighted", "samples": "1.6 B"},
        ),
        "retrieval": Stage(
            title="Retrieval finetuning of InternVL-G",
            learns="everything",
            source="InternVL 1.0, appendix",
            objective="retrieval",
            parts=_ALL,
            lr=1e-6,
            warmup=100,
            weight_decay=0.05,
            batch_size=1024,
            drop_path=0.3,
            vision_layer_decay=0.9,
            language_layer_decay=0.9,
            image_size=364,
            max_tokens=80,
            max_tiles=1,
            epochs=10,
            dual_encoder=True,
            extra={"epochs on COCO": "5"},
        ),
        "pretrain": Stage(
            title="Vision encoder and projector learn the language model's words",
            learns="vision encoder and projector",
            source="InternVL 1.5, section 4.1; run of the 26B model (V1-5)",
            parts=_VISION | _PROJECTOR,
            lr=1e-5,
            warmup=100,
            weight_decay=0.05,
            batch_size=2048,
            drop_path=0.2,
        ),
        "pretrain_projector": Stage(
            title="The projector alone, for a vision encoder that is good already",
            learns="projector",
            source="InternVL 1.5 with Yi-34B (Mini-4B: lr 2e-4)",
            parts=_PROJECTOR,
            lr=1e-4,
            warmup=100,
            weight_decay=0.05,
            batch_size=2048,
        ),
        "finetune": Stage(
            title="Supervised finetuning of the whole model",
            learns="everything",
            source="InternVL 1.5, section 4.1; run of the 26B model (V1-5)",
            parts=_ALL,
            lr=2e-5,
            warmup=0.03,
            weight_decay=0.05,
            batch_size=1024,
            drop_path=0.4,
        ),
        "second_finetune": Stage(
            title="Finetuning a released model on one's own data",
            learns="projector and language model",
            source="InternVL 2.0, second finetuning of the 8B model (its drop path of 0.1 has no meaning for a frozen encoder)",
            parts=_PROJECTOR | _LANGUAGE,
            batch_size=128,
            **_SECOND,
        ),
        "lora": Stage(
            title="Adapters on the language model",
            learns="adapters of the language model",
            source="InternVL 2.0, second finetuning of the 8B model by LoRA",
            language_rank=16,
            batch_size=16,
            **_SECOND,
        ),
        "vision_lora": Stage(
            title="Adapters on the vision encoder, for pictures unlike those it knows",
            learns="adapters of the vision encoder",
            source="InternVL 2.0, `use_backbone_lora`; numbers of the language model's LoRA",
            vision_rank=16,
            batch_size=16,
            **_SECOND,
        ),
        "preference": Stage(
            title="Mixed preference optimisation",
            learns="everything",
            source="InternVL 2.0 8B MPO: 0.8 DPO + 0.2 BCO + 1.0 NLL, beta 0.1",
            objective="preference",
            parts=_ALL,
            lr=5e-6,
            warmup=0.03,
            weight_decay=0.05,
            batch_size=256,
            drop_path=0.1,
            max_tokens=6144,
        ),
        "stage1": Stage(
            title="The projector warms up",
            learns="projector",
            source="InternVL 2.5, section 3.2, stage 1, run of the 8B model",
            parts=_PROJECTOR,
            lr=2e-4,
            warmup=100,
            weight_decay=0.05,
            batch_size=512,
            steps=2623,  # see the published 22 B tokens when every pack is full
            **_PACKED,
        ),
        "stage1_5": Stage(
            title="The vision encoder goes on learning, with data it saw little of",
            learns="vision encoder and projector",
            source="InternVL 2.5, section 3.2, stage 1.5, run of the 8B model",
            parts=_VISION | _PROJECTOR,
            lr=1e-5,
            warmup=100,
            weight_decay=0.05,
            batch_size=1024,
            drop_path=0.1,
            steps=4530,  # 76 B tokens
            **_PACKED,
        ),
        "stage2": Stage(
            title="Instruction tuning of the whole model",
            learns="everything",
            source="InternVL 2.5, section 3.2, stage 2, run of the 8B model",
            parts=_ALL,
            lr=4e-5,
            warmup=0.03,
            weight_decay=0.05,
            batch_size=512,
            drop_path=0.1,
            steps=5500,
            **_PACKED,
        ),
    }
)


def stage_named(name: str) -> Stage:
    """A row of the table."""
    if name not in STAGES:
        raise ConfigError(f"stage must be one of {', '.join(STAGES)}, not {name!r:.60}")
    return STAGES[name]


def stage_config(stage: str, **overrides: Any) -> TrainConfig:
    """The stage's numbers as a TrainConfig, with changes: fields of TrainConfig, OptimConfig, DataConfig or LoraConfig by name.

    `optim`, `data` or `lora` given whole replace the stage's; single fields go on top. `seed` is the run's.
    Raises ConfigError for an unknown stage or field. Stages of dual encoders want a dual encoder as `model`, and `rows_per_forward`.
    """
    return _with(_config_of(stage_named(stage)), overrides)


def _config_of(row: Stage) -> TrainConfig:
    return TrainConfig(
        objective=row.objective,
        train_parts=row.parts,
        lora=LoraConfig(language_rank=row.language_rank, vision_rank=row.vision_rank),
        data=DataConfig(
            max_tokens=row.max_tokens,
            max_tiles=row.max_tiles,
            packing=row.packing,
            pack_tokens=row.max_tokens,
            pack_tiles=row.pack_tiles,
            group_by_length=row.group_by_length,
            loss_weighting=row.loss_weighting,
        ),
        optim=OptimConfig(
            lr=row.lr,
            betas=row.betas,
            weight_decay=row.weight_decay,
            warmup=row.warmup,
            vision_layer_decay=row.vision_layer_decay,
            language_layer_decay=row.language_layer_decay,
            lr_scales=dict(row.lr_scales),
        ),
        drop_path=row.drop_path,
        drop_path_shape=row.drop_path_shape,
        patch_masking=row.patch_masking,
        image_size=row.image_size,
        batch_size=row.batch_size,
        steps=row.steps,
        epochs=row.epochs,
    )


def _with(config: TrainConfig, overrides: Mapping[str, Any]) -> TrainConfig:
    """The config with fields changed wherever they are; of two fields of one name, TrainConfig's."""
    left = dict(overrides)
    own = {f.name: left.pop(f.name) for f in fields(config) if f.name in left}
    config = replace(config, **own)
    for name in ("optim", "data", "lora"):
        inner = getattr(config, name)
        changes = {f.name: left.pop(f.name) for f in fields(inner) if f.name in left}
        config = replace(config, **{name: replace(inner, **changes)})
    if left:
        raise ConfigError(f"{', '.join(sorted(left))}: no field of TrainConfig, OptimConfig, DataConfig or LoraConfig")
    return config
