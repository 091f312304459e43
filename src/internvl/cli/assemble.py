"""`internvl assemble`: a chat model from a vision encoder, a language model and a projector (progressive scaling)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from internvl.cli import options
from internvl.cli.console import note, print_table, progress, write_json
from internvl.cli.convert import parse_bytes

if TYPE_CHECKING:
    from internvl.checkpoint.assemble import Assembled

_SOURCE = "A folder, an embedded model, or a hub name: "


def assemble(
    vision: Annotated[str, typer.Option("--vision", help=_SOURCE + "an InternViT, or a chat model whose ViT is taken.")],
    language: Annotated[
        str, typer.Option("--language", help=_SOURCE + "a Qwen2, Qwen3, InternLM2, Llama or Phi-3 model, or a chat model.")
    ],
    out: Annotated[Path, typer.Option("--out", help="A new or empty folder.")],
    template: Annotated[str, typer.Option("--template", help="Chat template, such as internvl2_5, Hermes-2 or internlm2-chat.")],
    projector: Annotated[
        str | None,
        typer.Option("--projector", show_default=False, help="A chat model, or a .safetensors file; else a random one is drawn."),
    ] = None,
    image_size: Annotated[int, typer.Option("--image-size", min=1, help="Side of a tile in px.")] = 448,
    seed: Annotated[int, typer.Option("--seed", help="Of the random projector.")] = 0,
    dtype: options.Dtype = None,
    max_shard_size: Annotated[str, typer.Option("--max-shard-size", help="Largest file, such as 5GB or 500MB.")] = "5GB",
    as_json: options.Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar and no table.")] = False,
) -> None:
    """Put a chat model together from parts, ready to be trained.

    [bold]internvl assemble --vision OpenGVLab/InternViT-300M-448px-V2_5 --language Qwen/Qwen2.5-0.5B-Instruct --template internvl2_5
    --out ./start[/bold]

    Weights are taken over bit for bit. The nine tokens of the family are added where the tokenizer lacks them; their rows start as
    the mean of all others. With a random projector the model answers nonsense until the projector has learnt.
    """
    from internvl.checkpoint.assemble import assemble as assemble_checkpoint
    from internvl.checkpoint.hub import resolve
    from internvl.engine.vlm import dtype_named

    limit, kind = parse_bytes(max_shard_size), dtype_named(dtype)
    with progress("tensors", quiet=quiet) as bar:

        def advance(done: int, total: int) -> None:
            task = bar.task_ids[0] if bar.task_ids else bar.add_task("assemble", total=total, rate=0.0)
            bar.update(task, completed=done, rate=bar.tasks[0].speed or 0.0)

        made = assemble_checkpoint(
            vision=resolve(vision),
            language=resolve(language),
            projector=None if projector is None else _projector(projector),
            out=out,
            template=template,
            image_size=image_size,
            seed=seed,
            dtype=kind,
            max_shard_bytes=limit,
            progress=advance,
        )
    if as_json:
        write_json(_details(made), indent=2)
    elif not quiet:
        _show(made)


def _projector(name: str) -> Path:
    from internvl.checkpoint.hub import resolve

    path = Path(name).expanduser()
    return path if path.is_file() else resolve(name)


def _details(made: Assembled) -> dict[str, object]:
    return {"folder": str(made.folder), "parts": [vars(part) for part in made.parts], "new_tokens": dict(made.new_tokens)}


def _show(made: Assembled) -> None:
    rows = [(part.name.replace("_", " "), f"{part.parameters:,}", part.dtype, part.source) for part in made.parts]
    total = sum(part.parameters for part in made.parts)
    print_table([("part", "left"), ("parameters", "right"), ("type", "left"), ("from", "left")], [*rows, ("all", f"{total:,}", "", "")])
    tokens = ", ".join(f"{name} {id}" for name, id in made.new_tokens.items())
    note(f"wrote {made.folder}; new tokens: {tokens or 'none, the tokenizer had all of them'}")
