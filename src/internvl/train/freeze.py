"""What learns and what stays: of the three parts, of the vision encoder's layers, and of adapters.

    train_parts + vision_layers + lora  ->  requires_grad of every parameter, train or eval mode of every module

A part learns as a whole, or by its adapters when it has some, or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from internvl.errors import ConfigError
from internvl.models.internvl import InternVL
from internvl.train.config import PARTS, TrainConfig
from internvl.train.lora import adapters, lora_parameters, ranks
from internvl.train.objectives.module import is_frozen


@dataclass(frozen=True)
class PartRow:
    """One line of the table of what learns: numbers of parameters, tied ones counted once."""

    part: str
    trainable: int
    total: int
    note: str = ""


def freeze(model: InternVL, config: TrainConfig) -> None:
    """Let learn what the config names and nothing else; frozen modules are put in evaluation mode.

    A part of `train_parts` learns wholly, one that has adapters (`add_lora` comes first) by them alone. `vision_layers` = n
    lets the ViT's `layers[n:]` learn while the rest of it is frozen: n below 0 counts from the end of the layers that run.
    Vision layers after `select_layer` never learn: nothing reads them, and a parameter without gradient hangs DDP and FSDP.
    Raises ConfigError when wishes contradict each other or nothing is left to learn.
    """
    _check(model, config)
    model.requires_grad_(False)
    for part in PARTS:
        module = getattr(model, part)
        adapted = lora_parameters(module)
        if adapted and (part in config.train_parts or part in ranks(config.lora)):
            for parameter in adapted.values():
                parameter.requires_grad_(True)
        elif part in config.train_parts:
            module.requires_grad_(True)
    if config.vision_layers is not None:
        for block in model.vision_encoder.layers[_first_layer(model, config.vision_layers) :]:
            block.requires_grad_(True)
    for block in unread_layers(model):
        block.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ConfigError("nothing learns: name parts in train_parts, layers in vision_layers, or ranks in lora")
    learning_mode(model)


def learning_mode(model: nn.Module) -> None:
    """Train mode for what learns, evaluation mode for what is frozen, as `TrainingModule.train` has it.

    So a frozen ViT has no drop path, unlike the reference, whose scripts give a frozen ViT rates of up to 0.4.
    """
    for module in model.modules():
        module.training = not is_frozen(module)


def describe_trainable(model: InternVL) -> list[PartRow]:
    """What learns of each part, and of all together. Works on sharded models too: sizes are those of the whole tensors."""
    rows = []
    for part in PARTS:
        parameters = list(getattr(model, part).parameters())
        learning = sum(p.numel() for p in parameters if p.requires_grad)
        rows.append(PartRow(part, learning, sum(p.numel() for p in parameters), "; ".join(_notes(model, part))))
    return [*rows, PartRow("all", sum(row.trainable for row in rows), sum(row.total for row in rows))]


def unread_layers(model: InternVL) -> nn.ModuleList:
    """The ViT's layers after the one that is read: they never run."""
    return model.vision_encoder.layers[model.config.vision_layers_used :]


def _notes(model: InternVL, part: str) -> list[str]:
    notes = []
    sizes = sorted({module.shape.rank for _, module in adapters(getattr(model, part))})
    if sizes:
        notes.append(f"adapters of rank {', '.join(map(str, sizes))}")
    if part == "vision_encoder":
        learning = [i for i, block in enumerate(model.vision_encoder.layers) if not is_frozen(block)]
        used, layers = model.config.vision_layers_used, model.config.vision.num_layers
        if learning and is_frozen(model.vision_encoder.embeddings) and not sizes:
            notes.append(f"layers {learning[0]} to {learning[-1]}")
        if used < layers:
            notes.append(
                f"{layers - used} layers from {used} on are not read (select_layer {model.config.select_layer}) and never learn"
            )
    if part == "language_model" and model.language_model.head is None:
        notes.append("head tied to the token embedding")
    return notes


def _first_layer(model: InternVL, wanted: int) -> int:
    """`layers[wanted:]` as an index from the front; only layers that run count."""
    used = model.config.vision_layers_used
    if not -used <= wanted < used:
        raise ConfigError(f"vision_layers must lie in [{-used}, {used - 1}]: {used} layers of the vision encoder run, not {wanted}")
    return wanted % used


def _check(model: InternVL, config: TrainConfig) -> None:
    unknown = sorted(set(config.train_parts) - set(PARTS))
    if unknown:
        raise ConfigError(f"train_parts: {', '.join(unknown)} is no part; parts are {', '.join(PARTS)}")
    for part in ranks(config.lora):
        if not lora_parameters(getattr(model, part)):
            raise ConfigError(f"lora gives {part} a rank, but the model has no adapters there; call add_lora before freeze")
    if config.vision_layers is None:
        return
    if "vision_encoder" in config.train_parts:
        raise ConfigError("vision_layers is for a frozen vision encoder; take vision_encoder out of train_parts, or vision_layers away")
    if lora_parameters(model.vision_encoder):
        raise ConfigError("vision_layers and adapters on the vision encoder exclude each other; choose one")
