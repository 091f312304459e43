"""`internvl search`: pictures of a folder by a sentence or by another picture, through an index that grows with the folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from internvl.cli import options
from internvl.cli.attachments import attach_picture
from internvl.cli.console import UsageError, note, print_table, progress, write_json

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

INDEX = ".internvl-index"


def search(
    pictures: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of pictures, with what is below it.")],
    query: Annotated[str | None, typer.Argument(metavar="WORDS", show_default=False, help="What the pictures should show.")] = None,
    like: Annotated[
        str | None, typer.Option("--like", metavar="PICTURE", show_default=False, help="Instead of words: a picture.")
    ] = None,
    model: options.Dual = options.DEFAULT_DUAL,
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
    from internvl.engine.picture_index import SKIPPED, PictureIndex

    dual = Dual.load(model, device=device, dtype=dtype, mode=mode)  # type: ignore[arg-type]
    known = PictureIndex(pictures / INDEX if index is None else index, pictures, dual)
    with progress("pictures", quiet=quiet) as bar:
        update = known.update(progress=_told(bar, "encoding"))
        known.prepare(progress=_told(bar, "building the graph"))
    began = time.perf_counter()
    found = known.search(wanted, top=top) if wanted is not None else []
    took_ms = 1000 * (time.perf_counter() - began)
    if as_json:
        write_json([{"path": str(each.path), "similarity": round(each.similarity, 4)} for each in found], indent=2)
    else:
        print_table([("similarity", "right"), ("picture", "left")], [[f"{each.similarity:.3f}", str(each.path)] for each in found])
    if not quiet:
        note(f"{len(known):,} pictures, {update.added:,} of them new, {update.removed:,} gone; answered in {took_ms:.0f} ms")
    if update.skipped:  # never silent: whoever looks for one of these would not find it
        path, reason = update.skipped[0]
        note(f"{len(update.skipped):,} could not be used, first {path}: {reason}; all are in {known.folder / SKIPPED}")


def _told(bar: Progress, what: str) -> Callable[[int, int], None]:
    """A row of the bar that appears with the first news."""
    began = time.perf_counter()
    rows: list[TaskID] = []

    def told(done: int, total: int) -> None:
        rows[:] = rows or [bar.add_task(what, total=total, rate=0.0)]
        bar.update(rows[0], completed=done, total=total, rate=done / max(1e-9, time.perf_counter() - began), visible=done < total)

    return told
