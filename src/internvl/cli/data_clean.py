"""`internvl data clean`: image-text pairs scored, compared and sorted into what stays and what goes, with a report of why."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from internvl.cli import options, pipeline_options
from internvl.cli.console import Justify, UsageError, note, print_table, write, write_json
from internvl.cli.pipeline_options import run_with_bar

if TYPE_CHECKING:
    from internvl.pipelines.clean.clean import CleanConfig, CleanReport
    from internvl.pipelines.clean.rules import Rules

DEFAULT_PRESETS = ("stage1", "stage2")


def clean(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT...",
            show_default=False,
            help="JSONL, JSON lists, Parquet, tar shards, patterns of them, meta files, folders of pictures.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FOLDER", show_default=False, help="Where results go. The same call again goes on there."),
    ] = None,
    presets: Annotated[
        list[str] | None,
        typer.Option("--preset", "-p", show_default=False, help="stage1 (light) or stage2 (strict); may be repeated. Both by default."),
    ] = None,
    rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", metavar="FILE.toml", show_default=False, help="Rules of your own, named by the file; may be repeated."),
    ] = None,
    show_rules: Annotated[
        str | None, typer.Option("--show-rules", metavar="PRESET", show_default=False, help="Print a preset to begin from, and stop.")
    ] = None,
    model: Annotated[
        str,
        typer.Option("--model", "-m", help="Scores picture and caption: a dual encoder, open_clip:ARCH/WEIGHTS, or transformers:NAME."),
    ] = "internvl-dual-nano",
    scores: Annotated[
        str, typer.Option("--scores", help="Scores that need a model, with commas; `none` for facts alone.")
    ] = "similarity,watermark,aesthetic,unsafe",
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against",
            metavar="PATH",
            show_default=False,
            help="Pictures that must not stay, such as evaluation sets: a list by `internvl data hashes`, a data file, a folder.",
        ),
    ] = None,
    blocklist: Annotated[
        Path | None,
        typer.Option("--blocklist", metavar="FILE", show_default=False, help="Words, one a line: captions with one are `blocked`."),
    ] = None,
    declared: Annotated[str, typer.Option("--language-field", help="The field that names the caption's language.")] = "language",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Score, decide and report, but write no samples.")] = False,
    device: options.Device = "auto",
    gpus: Annotated[float, typer.Option("--gpus", min=0.0, help="GPUs that Ray reserves for a worker of the similarity.")] = 0.0,
    form: pipeline_options.Format = "parquet",
    rows_per_shard: pipeline_options.RowsPerShard = 10_000,
    root: pipeline_options.Root = None,
    text_field: pipeline_options.TextField = None,
    image_field: pipeline_options.ImageField = None,
    workers: pipeline_options.Workers = 1,
    address: pipeline_options.Address = None,
    unit_rows: pipeline_options.UnitRows = 256,
    restart: pipeline_options.Restart = False,
    as_json: pipeline_options.Json = False,
    quiet: pipeline_options.Quiet = False,
) -> None:
    """Keep the image-text pairs that are worth training on, and know why the others went.

    [bold]internvl data clean pairs.parquet --out cleaned[/bold]

    [bold]internvl data clean 'laion/*.tar' --out cleaned --preset stage2 --against coco-hashes --workers 16[/bold]

    [bold]internvl data clean --show-rules stage2 > mine.toml[/bold]

    [bold]internvl data clean pairs.parquet --out cleaned --rules mine.toml[/bold]

    Every sample is scored once: size, similarity of picture and caption, watermark, aesthetic, unsafe, caption statistics, language,
    hashes. Rules only read the scores, so other thresholds in the same folder take seconds. FOLDER/report.html shows what each rule
    took, with histograms and pictures; FOLDER/NAME has what stays by each set of rules, and a ledger of what doesn't.
    """
    if show_rules is not None:
        from internvl.pipelines.clean.rules import preset_text

        write(preset_text(show_rules))
        return
    if not inputs or out is None:
        raise UsageError("name what to clean and where to: internvl data clean INPUT... --out FOLDER")
    from internvl.pipelines.clean.clean import CleanConfig
    from internvl.pipelines.clean.scoring import operators_for
    from internvl.pipelines.run import RunConfig

    run = RunConfig(
        inputs=tuple(inputs),
        out=out,
        root=root,
        text_field=text_field,
        image_field=image_field,
        unit_rows=unit_rows,
        workers=workers,
        address=address,
        restart=restart,
    )
    wanted = [] if scores == "none" else [name.strip() for name in scores.split(",")]
    config = CleanConfig(
        run=run,
        rules=_rules(presets, rules, wanted),
        operators=operators_for(
            wanted,
            model=model,
            device=device,
            gpus=gpus,
            declared=declared,
            blocklist=_lines(blocklist),
        ),
        against=tuple(against or ()),
        write=not dry_run,
        form=form,
        rows_per_shard=rows_per_shard,
    )
    report = _cleaned(config, quiet=quiet)
    if as_json:
        write_json(report.to_dict(), indent=2)
    else:
        _print(report)


def _rules(presets: list[str] | None, files: list[Path] | None, scores: list[str]) -> tuple[Rules, ...]:
    """Presets fit themselves to the scores that are asked for, and say so; a user's own rules mean what they say."""
    from internvl.pipelines.clean.rules import load_preset, load_rules
    from internvl.pipelines.clean.scoring import without_scores

    chosen = []
    for name in DEFAULT_PRESETS if presets is None and not files else presets or ():
        preset = load_preset(name)
        fitted = without_scores(preset, scores)
        left_out = [rule.column for rule in preset.columns if rule not in fitted.columns]
        if left_out:
            note(f"{preset.title} without its rules on {', '.join(left_out)}, which are not among the scores")
        chosen.append(fitted)
    return (*chosen, *(load_rules(path) for path in files or ()))


def _lines(path: Path | None) -> list[str]:
    return [] if path is None else [line.strip() for line in path.read_text("utf-8-sig").splitlines() if line.strip()]


def _cleaned(config: CleanConfig, *, quiet: bool) -> CleanReport:
    """With a bar while samples are scored, and a word about each step behind."""
    from internvl.pipelines.clean.clean import clean as run_clean

    def told(step: str) -> None:
        if not quiet:
            note(step)

    return run_clean(config, run_by=partial(run_with_bar, quiet=quiet), told=told)


def _print(report: CleanReport) -> None:
    from internvl.pipelines.clean.report_table import family_header, family_rows, reason_rows

    texts = ("data set", "language", "reason", "rule")

    def columns(names: list[str]) -> list[tuple[str, Justify]]:
        return [(name, "left" if name in texts else "right") for name in names]

    print_table(columns(family_header(report.tallies)), family_rows(report.tallies))
    for tally in report.tallies:
        rows = [row for row in reason_rows(tally) if row[2] != "0"]
        print_table(columns(["reason", "rule", "any", "alone", "first", "of all"]), rows, title=f"what {tally.rules.title} takes out")
    for shards in report.shards:
        note(f"{shards.rows:,} samples in {shards.shards:,} files of {shards.folder}")
    for line in report.notes:
        note(line)
    note(f"why the others went: {report.out / 'report.html'}")
