"""`internvl count`: what a question would cost in tokens, from file headers and the tokenizer; no weights, no pixels."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from internvl.cli import options
from internvl.cli.attachments import attach, clip_fields
from internvl.cli.console import Justify, print_facts, print_table, write_json
from internvl.cli.loading import load_processor
from internvl.cli.settings import parse_settings

if TYPE_CHECKING:
    from internvl.media.tiling import TilePolicy
    from internvl.processor import MediaCount, TokenCount

COLUMNS: tuple[tuple[str, Justify], ...] = (
    ("file", "left"),
    ("stills", "right"),
    ("size", "right"),
    ("grid", "right"),
    ("tiles", "right"),
    ("tokens", "right"),
)


def count(
    media: options.Media = None,
    question: Annotated[str, typer.Option("--question", "-q", show_default=False, help="The text of the question.")] = "",
    model: options.Model = options.DEFAULT_MODEL,
    system: options.System = None,
    max_tiles: options.MaxTiles = None,
    frames: options.Frames = None,
    settings: options.Settings = None,
    as_json: options.Json = False,
) -> None:
    """Count the tokens of a question before anything runs.

    [bold]internvl count scan.png -q "What is the total?" --model OpenGVLab/InternVL2-8B[/bold]

    [bold]internvl count *.jpg --set budget=24[/bold]
    shows what sharing 24 tiles among all pictures makes of each.

    Only the model's JSON and tokenizer files and the headers of the pictures are read.
    """
    values = parse_settings(settings)
    attached = attach(media or (), clip=clip_fields(frames, values.clip))
    processor, config = load_processor(model, policy=values.policy, max_tiles=max_tiles)
    from internvl.engine.vlm import as_conversation

    counted = processor.count(as_conversation(question, attached, system))
    context = config.language.max_positions
    if as_json:
        write_json(_as_json(counted, context, processor.policy, model), indent=2)
    else:
        _print(counted, context, processor.policy, model)


def _print(counted: TokenCount, context: int, policy: TilePolicy, model: str) -> None:
    if counted.media:
        print_table(COLUMNS, [_row(item, times) for item, times in _grouped(counted.media)])
    left = context - counted.total
    facts = [
        ("visual tokens", f"{counted.visual:,}"),
        ("text tokens", f"{counted.text:,} (words, template, marks)"),
        ("together", f"{counted.total:,}"),
        ("context left", f"{left:,} of {context:,}" + (": too long for what the model was trained on" if left < 0 else "")),
        ("tile policy", str(policy)),
        ("model", model),
    ]
    print_facts(facts)


def _grouped(media: tuple[MediaCount, ...]) -> list[tuple[MediaCount, int]]:
    """Stills of a clip that are cut alike, as one row."""
    return [(item, sum(1 for _ in same)) for item, same in groupby(media)]


def _row(item: MediaCount, times: int) -> tuple[str, ...]:
    size = "any" if item.size is None else f"{item.size[0]} x {item.size[1]}"
    return (item.name, str(times), size, item.grid, str(item.tiles * times), f"{item.tokens * times:,}")


def _as_json(counted: TokenCount, context: int, policy: TilePolicy, model: str) -> dict[str, Any]:
    return {
        "model": model,
        "media": [vars(item) for item in counted.media],
        "visual_tokens": counted.visual,
        "text_tokens": counted.text,
        "total_tokens": counted.total,
        "context": context,
        "context_left": context - counted.total,
        "tiles": policy.to_dict(),
    }
