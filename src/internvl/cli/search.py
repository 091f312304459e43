"""`internvl search`: pictures of a folder by a sentence or by another picture, through an index that grows with the folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from internvl.cli import options
from internvl.cli.attachments import attach_picture
from internvl.cli.console import UsageError, note, print_table, progress, write_json

INDEX = ".internvl-index"
DEFAULT_DUAL = "internvl-dual-nano"


def search(
    pictures: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of pictures, with what is below it.")],
    query: Annotated[str | None, typer.Argument(metavar="WORDS", show_default=False, help="What the pictures should show.")] = None,
    like: Annotated[
        str | None, typer.Option("--like", metavar="PICTURE", show_default=False, help="Instead of words: a picture.")
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", help="A dual encoder: a folder, an embedded one, or a hub name such as OpenGVLab/InternVL-14B-224px."
        ),
    ] = DEFAULT_DUAL,
    top: Annotated[int, typer.Option("--top", "-k", min=1, help="How many pictures are shown.")] = 10,
    index: Annotated[
        Path | None, typer.Option("--index", show_default=False, help=f"Where the index is kept; FOLDER/{INDEX} if not given.")
    ] = None,
    mode: Annotated[str, typer.Option("--mode", help="InternVL-C, or InternVL-G: slower and better.")] = "InternVL-C",
    device: options.Device = "auto",
    dtype: options.Dtype = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Find pictures by what they show, in any language the model knows.

    [bold]internvl search photos "a red car in the snow"[/bold]

    [bold]internvl search photos 一只猫 --top 3[/bold]

    [bold]internvl search photos --like holiday.jpg[/bold]

    The first time all pictures are encoded; later only new and changed ones are, and an answer takes milliseconds.
    An interrupted run goes on where it stopped. With faiss ([bold]pip install 'internvl[search]'[/bold]) large folders get a graph.
    """
    if (query is None) == (like is None):
        raise UsageError("search for WORDS, or for a picture by --like")
    wanted = attach_picture(like) if like is not None else query
    from internvl.engine.dual import Dual
    from internvl.engine.picture_index import PictureIndex

    dual = Dual.load(model, device=device, dtype=dtype, mode=mode)  # type: ignore[arg-type]
    known = PictureIndex(pictures / INDEX if index is None else index, pictures, dual)
    with progress("pictures", quiet=quiet) as bar:
        task = bar.add_task("encoding", total=None, rate=0.0)
        began = time.perf_counter()

        def told(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, rate=done / max(1e-9, time.perf_counter() - began))

        update = known.update(progress=told)
        bar.update(task, visible=False)
    began = time.perf_counter()
    found = known.search(wanted, top=top) if wanted is not None else []
    took_ms = 1000 * (time.perf_counter() - began)
    if as_json:
        write_json([{"path": str(each.path), "similarity": round(each.similarity, 4)} for each in found], indent=2)
        return
    print_table([("similarity", "right"), ("picture", "left")], [[f"{each.similarity:.3f}", str(each.path)] for each in found])
    note(f"{len(known):,} pictures, {update.added:,} of them new, {update.removed:,} gone; answered in {took_ms:.0f} ms")
    if update.skipped:
        note(f"{len(update.skipped)} could not be opened, first {update.skipped[0][0]}: {update.skipped[0][1]}")
