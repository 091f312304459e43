"""Every published training run of InternVL 1.2 to 2.5 as a row, and the TrainConfig that repeats it.

    published_config("internvl2-8b-lora")  ->  TrainConfig, its data still to be named (`--set data.manifest=...`)

The numbers are those of the released scripts and of the 2.5 report. A run starts from a released checkpoint, from the run before it,
or from parts put together by `internvl assemble`. Pixel shuffle and template are the checkpoint's own: no row can contradict them
(the released V1-2 script does, and its V1-5 4B script starts from its own output; here it starts from the pre-training).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, TypeAlias

from internvl.data.config import DataConfig
from internvl.errors import ConfigError
from internvl.models.families import released_named
from internvl.train.config import LoraConfig, OptimConfig, Part, TrainConfig

Stage: TypeAlias = Literal["pretrain", "sft", "finetune", "lora", "stage1", "stage1_5", "stage2", "mpo"]

_MLP: frozenset[Part] = frozenset({"projector"})
_VIT_MLP: frozenset[Part] = frozenset({"vision_encoder", "projector"})
_MLP_LLM: frozenset[Part] = frozenset({"projector", "language_model"})
_ALL: frozenset[Part] = frozenset({"vision_encoder", "projector", "language_model"})
_NONE: frozenset[Part] = frozenset()
PACK_TOKENS, PACK_TILES = 16384, 48
LORA_RANK = 16
RUNS = Path("runs")
_SECOND_SOURCES = {"internvl2": "shell/internvl2.0/2nd_finetune", "internvl2_5": "shell/internvl2.5/2nd_finetune"}
_MPO_SOURCES = {"internvl2": "shell/internvl2.0_mpo", "internvl2_5": "shell/internvl2.5_mpo"}


@dataclass(frozen=True, kw_only=True)
class PublishedRun:
    """One run. model: the row of `models.families.RELEASED` with its sizes. train_parts: parts that learn as a whole.

    start: a hub name, the name of the run before, or two hub names (encoder, language model) to be assembled.
    warmup: below 1 a fraction, else steps. max_tokens: of a sequence. batch_size: sequences a step, or packs where `packed`.
    gpus: how many it was published with. tokens: seen in all where steps were not published, in billions.
    """

    name: str
    model: str
    stage: Stage
    start: str | tuple[str, str]
    train_parts: frozenset[Part]
    lr: float
    warmup: float
    weight_decay: float
    drop_path: float
    max_tokens: int
    batch_size: int
    gpus: int
    max_tiles: int
    source: str
    lora_rank: int = 0
    packed: bool = False
    group_by_length: bool = True
    steps: int | None = None
    tokens: float | None = None
    save_every: int = 200
    note: str = ""

    @property
    def template(self) -> str:
        """The chat template, which the checkpoint brings along."""
        return released_named(self.model).template

    @property
    def objective(self) -> Literal["sft", "preference"]:
        """What is minimised."""
        return "preference" if self.stage == "mpo" else "sft"

    @property
    def folder(self) -> Path:
        """Where the run writes, unless told otherwise."""
        return RUNS / self.name

    @property
    def starts_at(self) -> str:
        """What TrainConfig.model becomes: a hub name, or a folder that an earlier step fills."""
        if isinstance(self.start, tuple):
            return str(self.folder / "start")
        return str(PUBLISHED[self.start].folder / "model") if self.start in PUBLISHED else self.start


def published_named(name: str) -> PublishedRun:
    """A row. ConfigError names those that are spelled alike, or all."""
    if name not in PUBLISHED:
        known = get_close_matches(name, PUBLISHED, n=5, cutoff=0.5) or list(PUBLISHED)
        raise ConfigError(f"no published run {name!r:.80}; known are {', '.join(known)}")
    return PUBLISHED[name]


def published_config(name: str) -> TrainConfig:
    """The TrainConfig of a published run. The data are left open: the manifest is the user's."""
    run = published_named(name)
    data = DataConfig(
        max_tokens=run.max_tokens,
        max_tiles=run.max_tiles,
        packing=run.packed,
        pack_tokens=PACK_TOKENS,
        pack_tiles=PACK_TILES,
        group_by_length=run.group_by_length,
        loss_weighting="square" if run.packed else "token",
        workers=8 if run.packed else 4,
    )
    return TrainConfig(
        model=run.starts_at,
        out=run.folder,
        objective=run.objective,
        train_parts=run.train_parts,
        lora=LoraConfig(language_rank=run.lora_rank),
        data=data,
        optim=OptimConfig(lr=run.lr, weight_decay=run.weight_decay, warmup=run.warmup),
        drop_path=run.drop_path,
        batch_size=run.batch_size,
        steps=run.steps or _steps_of(run),
        checkpoint_activations=True,
        save_every=run.save_every,
    )


def _steps_of(run: PublishedRun) -> int | None:
    """Steps that see the published number of tokens when every pack is full; None where an epoch ends the run."""
    return None if run.tokens is None else round(run.tokens * 1e9 / (run.batch_size * PACK_TOKENS))


def _v1_2() -> Iterator[PublishedRun]:
    model = "InternVL-Chat-V1-2"
    first = PublishedRun(
        name="internvl-chat-v1-2-sft", model=model, stage="sft", train_parts=_ALL,
        start=("OpenGVLab/InternViT-6B-448px-V1-2", "NousResearch/Nous-Hermes-2-Yi-34B"),
        lr=1e-5, warmup=0.03, weight_decay=0.05, drop_path=0.4, max_tokens=2048, batch_size=512, gpus=64, max_tiles=1,
        source="shell/internvl1.2", note="assemble with the released projector and pixel shuffle v1",
    )  # fmt: skip
    yield first
    full = replace(
        first, name="internvl-chat-v1-2-finetune", stage="finetune", start="OpenGVLab/InternVL-Chat-V1-2-Plus",
        train_parts=_MLP_LLM, drop_path=0.0, batch_size=128, gpus=16, note="",
    )  # fmt: skip
    yield full
    yield _lora(full, gpus=2)


def _v1_5(
    stem: str, model: str, parts: tuple[str, str], trained: frozenset[Part], lrs: tuple[float, float], wd: float,
    drops: tuple[float, float], seq: int, gpus: int, *, released: bool = True,
) -> Iterator[PublishedRun]:  # fmt: skip
    """Pre-training, instruction tuning, and the users' second fine-tuning of one 1.5 model. lrs, drops: of the first two."""
    pretrain = PublishedRun(
        name=f"{stem}-pretrain", model=model, stage="pretrain", start=parts, train_parts=trained, lr=lrs[0], warmup=100,
        weight_decay=wd, drop_path=drops[0], max_tokens=4096, batch_size=2048, gpus=gpus, max_tiles=12,
        source="shell/internvl1.5", group_by_length=False,
    )  # fmt: skip
    yield pretrain
    sft = replace(
        pretrain, name=f"{stem}-sft", stage="sft", start=pretrain.name, train_parts=_ALL, lr=lrs[1], warmup=0.03,
        drop_path=drops[1], max_tokens=seq, batch_size=1024, group_by_length=True,
    )  # fmt: skip
    yield sft
    if released:
        full = replace(
            sft, name=f"{stem}-finetune", stage="finetune", start=f"OpenGVLab/{model}", train_parts=_MLP_LLM, max_tokens=4096,
            batch_size=128, gpus=8,
        )  # fmt: skip
        yield full
        yield _lora(full, gpus=2)


def _second(
    stem: str, size: str, model: str, lr: float, wd: float, drop: float, gpus: int, lora_gpus: int, seq: int
) -> Iterator[PublishedRun]:
    """The users' second fine-tuning of a 2.0 or 2.5 model: projector and language model, or adapters."""
    full = PublishedRun(
        name=f"{stem}-{size}-finetune", model=model, stage="finetune",
        start=f"OpenGVLab/{model}", train_parts=_MLP_LLM, lr=lr, warmup=0.03, weight_decay=wd, drop_path=drop, max_tokens=seq,
        batch_size=128, gpus=gpus, max_tiles=6, source=_SECOND_SOURCES[stem],
    )  # fmt: skip
    yield full
    yield _lora(full, gpus=lora_gpus)


def _v2_5(
    size: str, parts: tuple[str, str], tokens: tuple[float, float | None], steps: int, *, lr: float, wd: float, drop: float
) -> Iterator[PublishedRun]:
    """The stages of a 2.5 model. tokens: billions seen in stage 1 and, where there is one, in stage 1.5."""
    stem = f"internvl2_5-{size}"
    first = PublishedRun(
        name=f"{stem}-stage1", model=f"InternVL2_5-{size.upper()}", stage="stage1", start=parts, train_parts=_MLP, lr=2e-4,
        warmup=100, weight_decay=wd, drop_path=0.0, max_tokens=PACK_TOKENS, batch_size=512, gpus=512, max_tiles=12, packed=True,
        group_by_length=False, tokens=tokens[0], save_every=100, source="shell/internvl2.5/stage1",
    )  # fmt: skip
    before = first
    yield first
    if tokens[1] is not None:
        before = replace(
            first, name=f"{stem}-stage1_5", stage="stage1_5", start=first.name, train_parts=_VIT_MLP, lr=1e-5, drop_path=drop,
            batch_size=1024, tokens=tokens[1], source="shell/internvl2.5/stage1.5",
        )  # fmt: skip
        yield before
    yield replace(
        first, name=f"{stem}-stage2", stage="stage2", start=before.name, train_parts=_ALL, lr=lr, warmup=0.03, drop_path=drop,
        tokens=None, steps=steps, source="shell/internvl2.5/stage2",
    )  # fmt: skip


def _mpo(stem: str, model: str, lr: float, seq: int, batch: int, drop: float) -> PublishedRun:
    """Mixed preference optimisation of a released model."""
    return PublishedRun(
        name=f"{stem}-{model.rpartition('-')[2].lower()}-mpo", model=model, stage="mpo", start=f"OpenGVLab/{model}",
        train_parts=_ALL, lr=lr, warmup=0.03, weight_decay=0.05, drop_path=drop, max_tokens=seq, batch_size=batch, gpus=batch,
        max_tiles=12, group_by_length=False, save_every=100, source=_MPO_SOURCES[stem],
    )  # fmt: skip


def _lora(full: PublishedRun, *, gpus: int) -> PublishedRun:
    """The same with adapters on the language model alone."""
    return replace(
        full, name=full.name.replace("-finetune", "-lora"), stage="lora", train_parts=_NONE, lora_rank=LORA_RANK, drop_path=0.0,
        batch_size=16, gpus=gpus,
    )  # fmt: skip


_300M, _6B = "OpenGVLab/InternViT-300M-448px", "OpenGVLab/InternViT-6B-448px-V1-5"
_300M_25, _6B_25 = "OpenGVLab/InternViT-300M-448px-V2_5", "OpenGVLab/InternViT-6B-448px-V2_5"


def _rows() -> Iterator[PublishedRun]:
    yield from _v1_2()
    yield from _v1_5("internvl-chat-v1-5", "InternVL-Chat-V1-5", (_6B, "internlm/internlm2-chat-20b"), _VIT_MLP,
                     (1e-5, 2e-5), 0.05, (0.2, 0.4), 4096, 256)  # fmt: skip
    yield from _v1_5("internvl-chat-v1-5-yi-34b", "InternVL2-40B", (_6B, "NousResearch/Nous-Hermes-2-Yi-34B"), _MLP,
                     (1e-4, 2e-5), 0.05, (0.0, 0.4), 4096, 256, released=False)  # fmt: skip
    yield from _v1_5("mini-internvl-2b-v1-5", "Mini-InternVL-Chat-2B-V1-5", (_300M, "internlm/internlm2-chat-1_8b"), _VIT_MLP,
                     (2e-5, 4e-5), 0.01, (0.1, 0.1), 8192, 128)  # fmt: skip
    yield from _v1_5("mini-internvl-4b-v1-5", "Mini-InternVL-Chat-4B-V1-5", (_300M, "microsoft/Phi-3-mini-128k-instruct"), _MLP,
                     (2e-4, 4e-5), 0.05, (0.0, 0.1), 8192, 128)  # fmt: skip
    for size, lr, wd, drop, gpus, lora_gpus in (
        ("1b", 4e-5, 0.01, 0.1, 8, 2), ("2b", 4e-5, 0.01, 0.1, 8, 2), ("4b", 4e-5, 0.01, 0.1, 8, 2), ("8b", 4e-5, 0.05, 0.1, 8, 2),
        ("26b", 2e-5, 0.05, 0.4, 8, 2), ("40b", 2e-5, 0.05, 0.4, 16, 2), ("76b", 2e-5, 0.05, 0.4, 32, 8),
    ):  # fmt: skip
        model = "InternVL2-Llama3-76B" if size == "76b" else f"InternVL2-{size.upper()}"
        yield from _second("internvl2", size, model, lr, wd, drop, gpus, lora_gpus, 4096)
    yield _mpo("internvl2", "InternVL2-8B", 5e-6, 6144, 256, 0.1)
    yield from _v2_5("1b", (_300M_25, "Qwen/Qwen2.5-0.5B-Instruct"), (191, None), 22000, lr=4e-5, wd=0.01, drop=0.1)
    yield from _v2_5("2b", (_300M_25, "internlm/internlm2_5-1_8b-chat"), (277, None), 22000, lr=4e-5, wd=0.01, drop=0.1)
    yield from _v2_5("4b", (_300M_25, "Qwen/Qwen2.5-3B-Instruct"), (164, None), 11000, lr=4e-5, wd=0.01, drop=0.1)
    yield from _v2_5("8b", (_300M, "internlm/internlm2_5-7b-chat"), (22, 76), 5500, lr=4e-5, wd=0.05, drop=0.1)
    yield from _v2_5("26b", (_6B, "internlm/internlm2_5-20b-chat"), (31, 146), 5500, lr=2e-5, wd=0.05, drop=0.4)
    yield from _v2_5("38b", (_6B_25, "Qwen/Qwen2.5-32B-Instruct"), (107, None), 5500, lr=2e-5, wd=0.05, drop=0.4)
    yield from _v2_5("78b", (_6B_25, "Qwen/Qwen2.5-72B-Instruct"), (76, None), 5500, lr=2e-5, wd=0.05, drop=0.4)
    for size, lr, wd, drop, gpus, lora_gpus in (
        ("1b", 4e-5, 0.01, 0.1, 8, 2), ("2b", 4e-5, 0.01, 0.1, 8, 2), ("4b", 4e-5, 0.01, 0.1, 8, 2), ("8b", 4e-5, 0.05, 0.1, 8, 2),
        ("26b", 2e-5, 0.05, 0.4, 8, 2), ("38b", 2e-5, 0.05, 0.4, 16, 2), ("78b", 2e-5, 0.05, 0.4, 32, 8),
    ):  # fmt: skip
        yield from _second("internvl2_5", size, f"InternVL2_5-{size.upper()}", lr, wd, drop, gpus, lora_gpus, 8192)
        yield _mpo("internvl2_5", f"InternVL2_5-{size.upper()}", 1e-6, 8192, 512 if size in ("38b", "78b") else 256, drop)


PUBLISHED: dict[str, PublishedRun] = {run.name: run for run in _rows()}
