"""`internvl convert`: a checkpoint from one layout to the other, bit for bit; the pickles of InternVL 1.0 to the released layout."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from internvl.cli.console import UsageError, bytes_in_words, note, progress

if TYPE_CHECKING:
    from internvl.checkpoint.keymap import Layout

UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def convert(
    source: Annotated[str, typer.Argument(metavar="SRC", help="A checkpoint folder, an embedded model, or a hub name.")],
    target: Annotated[Path, typer.Argument(metavar="DST", help="A new or empty folder.")],
    to: Annotated[
        str,
        typer.Option("--to", metavar="LAYOUT", help="original: as released. native: as transformers loads it, without remote code."),
    ],
    dtype: Annotated[
        str | None,
        typer.Option("--dtype", show_default=False, help="Of a quantised SRC: write plain weights, such as bfloat16, from it."),
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option("--tokenizer", show_default=False, help="Of a pickle with a text tower: the folder of its tokenizer.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", show_default=False, help="Of a pickle: a config.json, where heads are not 128 wide.")
    ] = None,
    max_shard_size: Annotated[str, typer.Option("--max-shard-size", help="Largest file, such as 5GB or 500MB.")] = "5GB",
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar and no summary.")] = False,
) -> None:
    """Write a checkpoint in the other layout.

    [bold]internvl convert OpenGVLab/InternVL2-8B ./internvl2-8b-hf --to native[/bold]

    Numbers keep their type and their bits; LoRA adapters are merged. Memory peaks at one shard. Converting to the layout that SRC
    has writes it anew, in shards of the size asked for. A quantised SRC needs --dtype, and becomes the plain weights it stands for.

    [bold]internvl convert internvl_c_13b_224px.pth ./internvl-c --to original --tokenizer ./InternVL-14B-224px[/bold]

    SRC may also be one of the two pickles of InternVL 1.0, InternVL-C's or InternViT's. No code of it is run.
    """
    from internvl.checkpoint.convert import convert as convert_checkpoint
    from internvl.checkpoint.hub import resolve
    from internvl.checkpoint.unpickle import is_pickle
    from internvl.engine.vlm import dtype_named

    layout, limit, kind = parse_layout(to), parse_bytes(max_shard_size), dtype_named(dtype)
    pickled = Path(source).expanduser()
    of_a_pickle = is_pickle(pickled) and pickled.is_file()
    if not of_a_pickle and (tokenizer is not None or config is not None):
        raise UsageError("--tokenizer and --config belong to a pickle; a checkpoint folder has its own")
    if of_a_pickle and (layout != "original" or kind is not None):
        raise UsageError("a pickle becomes --to original, in the type of its numbers; convert the folder that comes out once more")
    folder = pickled if of_a_pickle else resolve(source)
    with progress("tensors", quiet=quiet) as bar:

        def advance(done: int, total: int) -> None:
            # The bar appears with the first tensor: a refusal before it is then one sentence and nothing else.
            task = bar.task_ids[0] if bar.task_ids else bar.add_task(f"-> {layout}", total=total, rate=0.0)
            bar.update(task, completed=done, rate=bar.tasks[0].speed or 0.0)

        if of_a_pickle:
            from internvl.checkpoint.pickled_models import convert_pickle

            given = {"tokenizer": tokenizer, "config": config}
            left_out = convert_pickle(folder, target, max_shard_bytes=limit, progress=advance, **given).left_out
        else:
            convert_checkpoint(folder, target, layout=layout, dtype=kind, max_shard_bytes=limit, progress=advance)
            left_out = ()
    if left_out and not quiet:
        note(f"left out, as the model has no use for them: {', '.join(left_out[:5])}" + (" ..." if len(left_out) > 5 else ""))
    if not quiet:
        shards = sorted(target.glob("*.safetensors"))
        size = sum(shard.stat().st_size for shard in shards)
        note(f"wrote {target} in the {layout} layout: {len(shards)} file{'s' * (len(shards) != 1)}, {bytes_in_words(size)} of weights")


def parse_layout(text: str) -> Layout:
    """The layout of a name. Raises UsageError."""
    if text == "original":
        return "original"
    if text == "native":
        return "native"
    raise UsageError(f"--to is original or native, not {text!r}")


def parse_bytes(text: str) -> int:
    """Bytes of a size such as 5GB, 1.5GiB or 100000. Raises UsageError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKmMgG]?[iI]?[bB]?)\s*", text)
    unit = match[2].upper().removesuffix("B") if match else "?"
    factor = UNITS.get(unit + "B" if unit else "")
    size = int(float(match[1]) * factor) if match and factor else 0
    if size < 1:
        raise UsageError(f"--max-shard-size is a size such as 5GB, 500MB or 2GiB, not {text!r}")
    return size
