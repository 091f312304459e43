"""`--set key=value`: fields of the library's own configs, typed as the configs declare them.

    --set temperature=0.7 --set budget=24 --set fps=1   ->   SamplingParams, TilePolicy and VideoSampling fields

A new field of a config can be set here the day it is added; no flag needs to be written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_type_hints

from internvl.cli.config_fields import parsed
from internvl.cli.console import UsageError
from internvl.media.tiling import TilePolicy
from internvl.messages import VideoSampling

# The side of a tile belongs to the weights; a clip's max_tiles has the name of a picture's and is 1 as the card has it.
NOT_SETTABLE = {"policy": {"tile_size"}, "clip": {"max_tiles"}}


@dataclass(frozen=True)
class SettingValues:
    """Values by the config they belong to: decoding, tiling, and the choice of stills."""

    sampling: dict[str, Any] = field(default_factory=dict)
    policy: dict[str, Any] = field(default_factory=dict)
    clip: dict[str, Any] = field(default_factory=dict)


def parse_settings(pairs: Sequence[str] | None) -> SettingValues:
    """`key=value` strings, sorted by config. The last of several values counts, but every `stop` string is kept.

    Raises UsageError for an unknown key or a value of the wrong kind; ranges are checked by the configs themselves.
    """
    values = SettingValues()
    if not pairs:
        return values
    known = _known()
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise UsageError(f"--set needs key=value, such as --set temperature=0.7, not {pair!r}")
        if key not in known:
            raise UsageError(f"--set knows no {key!r}; known are {', '.join(sorted(known))}")
        config, kind = known[key]
        held: dict[str, Any] = getattr(values, config)
        held[key] = (*held.get(key, ()), text) if kind == tuple[str, ...] else parsed(key, kind, text)
    return values


def policy_with(policy: TilePolicy, changes: Mapping[str, Any], max_tiles: int | None) -> TilePolicy:
    """A model's policy with what the command line changes. A lower `max_tiles` lowers `min_tiles` with it.

    Raises ConfigError when the result contradicts itself.
    """
    changes = dict(changes) if max_tiles is None else {"max_tiles": max_tiles, **changes}
    if "max_tiles" in changes:
        changes.setdefault("min_tiles", min(policy.min_tiles, max(1, changes["max_tiles"])))
    changed = replace(policy, **changes)
    # Says so where a policy that shows every picture as one tile would ignore the limit.
    return changed.with_max_tiles(changed.max_tiles) if "max_tiles" in changes else changed


def _known() -> dict[str, tuple[str, Any]]:
    """Key -> the config it belongs to and its declared type."""
    from internvl.engine.sampling import SamplingParams

    return {
        name: (config, kind)
        for config, owner in (("clip", VideoSampling), ("policy", TilePolicy), ("sampling", SamplingParams))
        for name, kind in get_type_hints(owner).items()
        if name not in NOT_SETTABLE.get(config, ())
    }
