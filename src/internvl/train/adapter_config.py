"""`adapter_config.json` of a PEFT folder: which matrices have adapters, of which rank and scale.

    {module: (rank, alpha)}  ->  r, lora_alpha, target_modules + rank_pattern and alpha_pattern for what differs  ->  back again

Modules are named as the base model's checkpoint names them. Patterns are read as ends of names, never as regular expressions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from internvl.checkpoint.fields import Fields, read_json
from internvl.errors import CheckpointError

CONFIG_FILE = "adapter_config.json"
# What this package's adapters are not, and why each would give wrong numbers if it were passed over.
_REFUSED = {
    "use_dora": (False, "DoRA rescales the weights as well"),
    "lora_bias": (False, "adapters here have no bias"),
    "bias": ("none", "biases trained along with the adapters are not read"),
    "fan_in_fan_out": (False, "the model's matrices are stored [out, in]"),
}
# Starts that change the base weights, which the folder doesn't hold.
_CHANGING_STARTS = ("pissa", "olora", "corda", "loftq", "lora_ga")
_NAME = re.compile(r"\^?[\w.]+")


@dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """The fields that matter. `whole`: modules stored whole beside the adapters (`modules_to_save`)."""

    base_name: str
    rank: int
    alpha: float
    dropout: float = 0.0
    targets: tuple[str, ...] = ()
    ranks: Mapping[str, int] = field(default_factory=dict)
    alphas: Mapping[str, float] = field(default_factory=dict)
    whole: tuple[str, ...] = ()
    root_scaled: bool = False  # rsLoRA: alpha / sqrt(rank)
    revision: str | None = None

    def rank_of(self, module: str) -> int:
        """Rank of a module's adapter."""
        return self.ranks.get(_matching(self.ranks, module), self.rank)

    def scale_of(self, module: str) -> float:
        """What a module's B A is multiplied by."""
        alpha, rank = self.alphas.get(_matching(self.alphas, module), self.alpha), self.rank_of(module)
        return alpha / (rank**0.5 if self.root_scaled else rank)

    def values(self) -> dict[str, Any]:
        """The JSON, as PEFT reads it."""
        return {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": self.base_name,
            "revision": self.revision,
            "inference_mode": True,
            "r": self.rank,
            "lora_alpha": _whole(self.alpha),
            "lora_dropout": self.dropout,
            "target_modules": list(self.targets),
            "rank_pattern": dict(self.ranks),
            "alpha_pattern": {name: _whole(alpha) for name, alpha in self.alphas.items()},
            "modules_to_save": list(self.whole) or None,
            "bias": "none",
            "fan_in_fan_out": False,
            "init_lora_weights": True,
            "use_rslora": self.root_scaled,
            "use_dora": False,
        }


def read_adapter_config(folder: Path) -> AdapterConfig:
    """The config of a PEFT folder. Raises CheckpointError or ConfigError, which name the file and the field."""
    path = folder / CONFIG_FILE
    fields = Fields(read_json(path), str(path))
    if fields.get("peft_type", str) != "LORA":
        raise CheckpointError(f"{path}: peft_type must be LORA, not {fields.values['peft_type']!r:.60}")
    for name, (allowed, reason) in _REFUSED.items():
        fields.expect(name, allowed, reason)
    start = fields.values.get("init_lora_weights")
    if isinstance(start, str) and start.lower().startswith(_CHANGING_STARTS):
        raise CheckpointError(
            f"{path}: init_lora_weights {start!r:.40} changed the base weights; save the adapter converted to plain LoRA"
        )
    rank = _positive_int(path, "r", fields.get("r", int))
    return AdapterConfig(
        base_name=fields.get("base_model_name_or_path", str, ""),
        rank=rank,
        alpha=fields.get("lora_alpha", float),
        dropout=_dropout(path, fields.get("lora_dropout", float, 0.0)),
        targets=tuple(_names(path, "target_modules", fields.values.get("target_modules"))),
        ranks={name: _positive_int(path, "rank_pattern", value) for name, value in _patterns(fields, "rank_pattern", int).items()},
        alphas=_patterns(fields, "alpha_pattern", float),
        whole=tuple(_names(path, "modules_to_save", fields.values.get("modules_to_save"))),
        root_scaled=fields.get("use_rslora", bool, False),
        revision=fields.get("revision", str, None),
    )


def describe_adapters(
    adapted: Mapping[str, tuple[int, float]],
    modules: Collection[str],
    *,
    base_name: str,
    dropout: float,
    whole: Sequence[str] = (),
    revision: str | None = None,
) -> AdapterConfig:
    """The config of adapters given as {module: (rank, alpha)}. `modules` are all of the model, so that targets catch no other."""
    rank, alpha = Counter(adapted.values()).most_common(1)[0][0]
    ends = {_end(name) for name in adapted}
    exact = all(name in adapted for name in modules if _end(name) in ends)
    ranks, alphas = {}, {}
    for name, (its_rank, its_alpha) in _exceptions(adapted, (rank, alpha)).items():
        ranks[name], alphas[name] = its_rank, its_alpha
    return AdapterConfig(
        base_name=base_name,
        rank=rank,
        alpha=alpha,
        dropout=dropout,
        targets=tuple(sorted(ends if exact else adapted)),
        ranks=ranks,
        alphas=alphas,
        whole=tuple(whole),
        revision=revision,
    )


def _exceptions(adapted: Mapping[str, tuple[int, float]], common: tuple[int, float]) -> dict[str, tuple[int, float]]:
    """What differs from the common rank and alpha: by end of name where all of that end agree, else by whole name."""
    by_end: dict[str, set[tuple[int, float]]] = {}
    for name, value in adapted.items():
        by_end.setdefault(_end(name), set()).add(value)
    found: dict[str, tuple[int, float]] = {}
    for name, value in adapted.items():
        if len(by_end[_end(name)]) > 1:
            found[name] = value
        elif value != common:
            found[_end(name)] = value
    return found


def _end(name: str) -> str:
    """`...layers.3.self_attn.q_proj` -> `self_attn.q_proj`: long enough to tell the vision encoder's from the language model's."""
    return ".".join(name.split(".")[-2:])


def _matching(patterns: Mapping[str, object], module: str) -> str:
    """The first pattern that is the module's name or its end; `^` asks for the whole name."""
    for pattern in patterns:
        name = pattern.removeprefix("^")
        if module == name or (name == pattern and module.endswith(f".{name}")):
            return pattern
    return ""


def _patterns(fields: Fields, name: str, kind: type[Any]) -> dict[str, Any]:
    values = Fields(fields.get(name, dict, {}), f"{fields.where} {name}")
    for pattern in values.values:
        if not _NAME.fullmatch(pattern):
            raise CheckpointError(f"{values.where}: patterns must be names or ends of names, not {pattern!r:.60}")
    return {pattern: values.get(pattern, kind) for pattern in values.values}


def _names(path: Path, name: str, value: Any) -> list[str]:
    if value is None:
        return []
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise CheckpointError(f"{path}: {name} must be a list of names, not {value!r:.60}")
    return sorted(names)


def _positive_int(path: Path, name: str, value: int) -> int:
    if value < 1:
        raise CheckpointError(f"{path}: {name} must be 1 or above, not {value}")
    return value


def _dropout(path: Path, value: float) -> float:
    if not 0.0 <= value < 1.0:
        raise CheckpointError(f"{path}: lora_dropout must lie in [0, 1), not {value}")
    return value


def _whole(number: float) -> float:
    """A whole number as an int, which is what PEFT itself writes."""
    return int(number) if float(number).is_integer() else number
