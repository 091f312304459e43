"""`internvl data ocr`: what stands on pictures and PDF pages, as conversations to train on."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from internvl.cli import pipeline_options as shared
from internvl.cli.config_fields import with_settings
from internvl.cli.console import bytes_in_words, note, print_table, write_json

if TYPE_CHECKING:
    from internvl.pipelines.ocr.summary import OcrSummary
    from internvl.pipelines.run import RunReport


def ocr(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="PDF files, pictures, folders of both, and data files that hold or name them."),
    ],
    out: shared.Out,
    mix: Annotated[
        str | None,
        typer.Option(
            "--mix", metavar="KIND=WEIGHT,...", show_default=False, help="read_all=3,read_region=2,locate=2,answer=2,absent=1"
        ),
    ] = None,
    turns: Annotated[int, typer.Option("--turns", min=1, help="Questions about a page, at most.")] = 3,
    ask_in: Annotated[Literal["page", "en", "zh", "mixed"], typer.Option("--ask-in", help="Language of the questions.")] = "page",
    languages: Annotated[str, typer.Option("--languages", help="Of the pages to keep, by code; 'any' for all.")] = "en,zh",
    min_line: Annotated[float, typer.Option("--min-line", help="Least score of a line that becomes a label.")] = 0.9,
    min_share: Annotated[float, typer.Option("--min-share", help="Least share of a page's characters on such lines.")] = 0.9,
    agree: Annotated[bool, typer.Option("--agree", help="PP-OCRv6 and v5 both read; lines must be read alike.")] = False,
    text_layer: Annotated[
        Literal["auto", "never", "only"],
        typer.Option("--text-layer", help="Of PDFs: taken where it can be trusted, never, or no page without one."),
    ] = "auto",
    dpi: Annotated[int, typer.Option("--dpi", help="Dots per inch of rendered pages.")] = 144,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", show_default=False, help="Another field of OcrConfig, such as max_pages=50."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the questions.")] = 0,
    draw: Annotated[int, typer.Option("--draw", min=0, help="So many pages with their boxes drawn, in OUT/drawn.")] = 0,
    image_field: shared.ImageField = None,
    root: shared.Root = None,
    form: shared.Format = "jsonl",
    shard_rows: shared.RowsPerShard = 10_000,
    unit_rows: shared.UnitRows = 16,
    workers: shared.Workers = 1,
    address: shared.Address = None,
    restart: shared.Restart = False,
    as_json: shared.Json = False,
    quiet: shared.Quiet = False,
) -> None:
    """Read pictures and PDF pages with PP-OCR, and ask about what stands on them.

    [bold]internvl data ocr scans/ manual.pdf --out labels --draw 5[/bold]

    [bold]internvl data ocr 'shards/*.tar' --out labels --agree --min-line 0.95 --mix read_all=1 --workers 8[/bold]

    Questions: read everything, read a region, find a text, answer from the text, and things that aren't there.
    A PDF's own text is used where a reader confirms it. What is left out is in OUT/ledger.jsonl, with the reason.
    OUT/shards holds records that training reads; OUT/units holds all lines with boxes and scores, see the docs.
    An interrupted run goes on where it stopped.
    """
    from internvl.pipelines.ocr import OcrConfig, ocr_operators, parse_mix
    from internvl.pipelines.run import RunConfig
    from internvl.pipelines.shards import write_shards

    config = OcrConfig(
        turns=turns, ask_in=ask_in, languages=_languages(languages), min_line_score=min_line, min_confident_share=min_share,
        agree=agree, text_layer=text_layer, dpi=dpi, seed=seed,
    )  # fmt: skip
    if mix is not None:
        config = replace(config, mix=parse_mix(mix))
    config = with_settings(config, settings or ())
    run_config = RunConfig(
        inputs=tuple(inputs), out=out, root=root, image_field=image_field, unit_rows=unit_rows, workers=workers, address=address,
        restart=restart, keep_images=True, documents=True,
    )  # fmt: skip
    report = shared.run_with_bar(run_config, ocr_operators(config), quiet=quiet, unit="files")
    shards = write_shards(out, form=form, rows_per_shard=shard_rows, restart=restart)
    _print(report, out, draw, as_json=as_json)
    note(f"{shards.rows:,} records in {shards.shards:,} files, {bytes_in_words(shards.bytes)}, in {shards.folder}")


def _languages(text: str) -> tuple[str, ...]:
    codes = tuple(code.strip() for code in text.split(",") if code.strip())
    return () if codes == ("any",) else codes


def _print(report: RunReport, out: Path, draw: int, *, as_json: bool) -> None:
    from internvl.pipelines.ocr.summary import draw_pages, summary_of

    summary = summary_of(out)
    pictures = draw_pages(out, draw) if draw else []
    if as_json:
        write_json({**report.to_dict(), "kept_pages": asdict(summary)}, indent=2)
        return
    shared.print_report(report, as_json=False)
    _print_summary(summary)
    for picture in pictures:
        note(f"boxes drawn: {picture}")


def _print_summary(summary: OcrSummary) -> None:
    tables = (("read by", "pages", summary.read_by), ("language", "pages", summary.languages), ("questions", "turns", summary.kinds))
    for name, unit, counts in tables:
        if counts:
            print_table(((name, "left"), (unit, "right")), [(key or "none", f"{count:,}") for key, count in counts.items()])
    note(
        f"{summary.lines:,} lines of {summary.characters:,} characters are labels, {summary.in_doubt:,} are in doubt; "
        f"mean score of a page {summary.score:.3f}"
    )
