"""`internvl classify`: pictures into classes that are named on the command line, by a dual encoder that was never trained on them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from internvl.cli import options
from internvl.cli.console import UsageError, note, print_table, progress, write_json

if TYPE_CHECKING:
    from internvl.engine.dual import Dual, Guess

UNSURE = "unsure"
BATCH = 64


def classify(
    pictures: Annotated[list[Path], typer.Argument(metavar="PICTURE|FOLDER...", help="Pictures, or folders with what is below them.")],
    names: Annotated[
        str | None, typer.Option("--names", "-n", show_default=False, help="The classes, separated by commas: cat,dog,house.")
    ] = None,
    names_file: Annotated[
        Path | None,
        typer.Option("--names-file", show_default=False, exists=True, dir_okay=False, help="Instead: a file, a name on each line."),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option("--language", help="Of the names: en, zh, ja, ar or it puts them into sentences; without it they stand alone."),
    ] = None,
    template: Annotated[
        list[str] | None,
        typer.Option("--template", show_default=False, help='A sentence of your own, such as "a photo of {}"; may be repeated.'),
    ] = None,
    into: Annotated[
        Path | None, typer.Option("--into", show_default=False, help="Copy each picture to INTO/NAME/; the originals stay.")
    ] = None,
    sure: Annotated[
        float, typer.Option("--sure", min=0.0, max=1.0, help=f"Below this probability a picture is called {UNSURE!r}.")
    ] = 0.0,
    model: options.Dual = options.DEFAULT_DUAL,
    device: options.Device = "auto",
    dtype: options.Dtype = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Sort pictures into classes by their names, in any language the model knows.

    [bold]internvl classify photos --names "cat,dog,car" --into sorted[/bold]

    [bold]internvl classify photos --names 猫,狗,汽车 --json[/bold]

    Probabilities are among the names that were given: a picture that is none of them still gets one. Names such as "other" help
    little; --sure 0.6 puts doubtful pictures aside. What can't be opened is listed with its reason, and the exit code is then 1.
    """
    from internvl.engine.dual import Dual

    wanted = _names(names, names_file)
    files, unusable = _files(pictures)
    dual = Dual.load(model, device=device, dtype=dtype, batch=BATCH)
    sentences = template or (None if language else ["{}"])
    rows = []
    with progress("pictures", quiet=quiet) as bar:
        task = bar.add_task("classifying", total=len(files), rate=0.0)
        for start in range(0, len(files), BATCH):
            for file, found in _guesses(dual, files[start : start + BATCH], wanted, language or "en", sentences):
                if isinstance(found, str):
                    unusable.append((str(file), found))
                else:
                    rows.append((file, found))
            bar.update(task, completed=min(start + BATCH, len(files)))
    if into is not None:
        for file, guesses in rows:
            _copy(file, into / _label(guesses, sure))
    _tell(rows, unusable, sure=sure, as_json=as_json)
    if unusable:
        raise typer.Exit(1)


def _names(text: str | None, file: Path | None) -> list[str]:
    if (text is None) == (file is None):
        raise UsageError("give the classes by --names cat,dog, or by --names-file FILE")
    parts = text.replace("，", ",").split(",") if text is not None else file.read_text("utf-8").splitlines() if file else []
    found = [part.strip() for part in parts if part.strip()]
    if len(found) < 2:
        raise UsageError(f"classes are two names or more, and {len(found)} came")
    for name in found:
        if "/" in name or "\\" in name or name in (".", "..", UNSURE):
            raise UsageError(f"{name!r} can't be the name of a class: it names a folder elsewhere, or the doubtful ones")
    return found


def _files(pictures: Sequence[Path]) -> tuple[list[Path], list[tuple[str, str]]]:
    """Pictures, and what looks like one but can't be read, with the reason."""
    from internvl.engine.picture_files import list_pictures

    files: list[Path] = []
    unusable: list[tuple[str, str]] = []
    for each in pictures:
        if each.is_dir():
            listing = list_pictures(each, each / ".internvl-index")
            files += [each / path for path in listing.files]
            unusable += [(str(each / path), reason) for path, reason in listing.unusable]
        elif each.is_file():
            files.append(each)
        else:
            raise UsageError(f"there is no picture or folder {str(each)!r}")
    if not files:
        raise UsageError(f"there is no picture below {', '.join(map(str, pictures))}")
    return files, unusable


def _guesses(
    dual: Dual, files: Sequence[Path], names: Sequence[str], language: str, templates: Sequence[str] | None
) -> Iterator[tuple[Path, list[Guess] | str]]:
    """The guesses of each picture, or why it can't be opened. One that can't doesn't hold up the others."""
    from internvl.errors import MediaError
    from internvl.messages import Image

    try:
        yield from zip(
            files, dual.classify_all([Image(file) for file in files], names, language=language, templates=templates), strict=True
        )
    except MediaError as error:
        if len(files) == 1:
            yield files[0], str(error)
            return
        for file in files:
            yield from _guesses(dual, [file], names, language, templates)


def _label(guesses: Sequence[Guess], sure: float) -> str:
    return guesses[0].name if guesses[0].probability >= sure else UNSURE


def _copy(file: Path, folder: Path) -> None:
    """Beside a picture of the same name, a number is put behind the stem: nothing is written over."""
    folder.mkdir(parents=True, exist_ok=True)
    target, number = folder / file.name, 1
    while target.exists() and target.read_bytes() != file.read_bytes():
        number += 1
        target = folder / f"{file.stem}-{number}{file.suffix}"
    if not target.exists():
        shutil.copy2(file, target)


def _tell(rows: Sequence[tuple[Path, list[Guess]]], unusable: Sequence[tuple[str, str]], *, sure: float, as_json: bool) -> None:
    if as_json:
        found = [
            {
                "path": str(file),
                "class": _label(guesses, sure),
                "probabilities": {each.name: round(each.probability, 4) for each in guesses},
            }
            for file, guesses in rows
        ]
        write_json({"pictures": found, "unreadable": [{"path": path, "reason": reason} for path, reason in unusable]}, indent=2)
        return
    cells = [(str(file), _label(guesses, sure), f"{guesses[0].probability:.2f}", _second(guesses)) for file, guesses in rows]
    print_table([("picture", "left"), ("class", "left"), ("sure", "right"), ("next", "left")], cells)
    for path, reason in unusable:
        note(f"{path}: {reason}")


def _second(guesses: Sequence[Guess]) -> str:
    return f"{guesses[1].name} {guesses[1].probability:.2f}"
