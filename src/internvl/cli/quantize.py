"""`internvl quantize`: a model of 8- or 4-bit weights, calibrated on pictures, its loss of accuracy printed next to its size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from internvl.cli import options
from internvl.cli.console import UsageError, bytes_in_words, note, print_table, progress, write_json
from internvl.cli.convert import parse_bytes

if TYPE_CHECKING:
    from internvl.engine.quantizing import QuantConfig
    from internvl.quantize.report import PartReport, Report

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def quantize(
    source: Annotated[str, typer.Argument(metavar="MODEL", help="A checkpoint folder, an embedded model, or a hub name.")],
    to: Annotated[
        str, typer.Option("--to", metavar="KIND", help="int8, or int4: the language model's weights in 4 bits, all others in 8.")
    ],
    out: Annotated[Path, typer.Option("--out", help="A new or empty folder.")],
    pictures: Annotated[
        list[Path] | None,
        typer.Option("--pictures", show_default=False, help="Pictures like those it will see, or a folder of them; may be repeated."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            show_default=False,
            help="A field of the plan or the calibration, such as plan.group=32 or calibration.samples=48; may be repeated.",
        ),
    ] = None,
    max_shard_size: Annotated[str, typer.Option("--max-shard-size", help="Largest file, such as 5GB or 500MB.")] = "5GB",
    as_json: options.Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar and no table.")] = False,
) -> None:
    """Write a model with weights of 8 or 4 bits.

    [bold]internvl quantize OpenGVLab/InternVL2-1B --to int4 --out ./internvl2-1b-int4[/bold]

    Every layer is rounded in several ways, and the one is kept that changes its output least on pictures held out; a layer that no
    way suits stays at more bits. The folder then goes wherever a model is asked for. What was lost stands in the table, part by part,
    and in quantization_report.json. Without --pictures some are drawn.
    """
    from internvl.checkpoint.hub import resolve
    from internvl.engine.quantizing import quantise_folder

    config, limit, files = _config(to, settings or []), parse_bytes(max_shard_size), _files(pictures or [])
    folder = resolve(source)
    with progress("steps", quiet=quiet) as bar:

        def advance(what: str, done: int, total: int) -> None:
            task = next((task.id for task in bar.tasks if task.description == what), None)
            task = bar.add_task(what, total=total, rate=0.0) if task is None else task
            bar.update(task, completed=done, rate=bar.tasks[task].speed or 0.0)

        report = quantise_folder(folder, out, name=to, config=config, pictures=files, max_shard_bytes=limit, progress=advance)
    if as_json:
        write_json(report.to_dict(), indent=2)
    elif not quiet:
        _show(report, out)


def _config(to: str, settings: list[str]) -> QuantConfig:
    from internvl.cli.config_fields import with_settings
    from internvl.engine.quantizing import QuantConfig
    from internvl.quantize.plan import PRESETS

    if to not in PRESETS:
        raise UsageError(f"--to is {' or '.join(PRESETS)}, not {to!r}")
    return with_settings(QuantConfig(plan=PRESETS[to]), settings)


def _files(given: list[Path]) -> list[Path]:
    """Pictures, and those in folders, by name. Raises UsageError for a path that has none."""
    files: list[Path] = []
    for path in given:
        found = sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
        if not found or not all(each.is_file() for each in found):
            raise UsageError(f"--pictures: {path} is neither a picture nor a folder of pictures")
        files += found
    if len(files) == 1:
        raise UsageError("--pictures needs two or more: what helps is decided on pictures held out")
    return files


def _show(report: Report, out: Path) -> None:
    numbers = ("before", "after", "divergence", "same next token", "visual tokens")
    print_table([("part", "left"), ("layers", "left"), *((name, "right") for name in numbers)], [_row(part) for part in report.parts])
    note(
        f"{report.held_out} held-out samples ({report.pictures}): KL divergence of the next token in nats, how often the likeliest one "
        "stays, cosine of visual tokens (least); each part alone, then all of them"
    )
    if report.higher:
        more = f" and {len(report.higher) - 1} more" if len(report.higher) > 1 else ""
        note(f"kept at more bits than planned, because of their error: {report.higher[0]}{more}")
    note(f"wrote {out} in {report.seconds:.0f} s; quantization_report.json has every layer")


def _row(part: PartReport) -> tuple[str, ...]:
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(part.kinds.items()))
    loss = part.loss
    shown = ("", "", "") if loss is None else (f"{loss.divergence:.5f}", f"{100 * loss.agreement:.1f}%", _cosine(part))
    return (part.name.replace("_", " "), kinds, bytes_in_words(part.bytes_before), bytes_in_words(part.bytes_after), *shown)


def _cosine(part: PartReport) -> str:
    loss = part.loss
    return "" if loss is None or loss.cosine is None else f"{loss.cosine:.5f} ({loss.least_cosine:.4f})"
