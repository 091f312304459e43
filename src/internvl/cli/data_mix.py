"""`internvl data mix`: the meta file of a run whose tasks have the shares that a table asks for.

table, data sets that are there --mix--> meta.json, and what is asked, reached and missing
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from internvl.cli import options
from internvl.cli.console import Justify, UsageError, note, print_table, write, write_json

if TYPE_CHECKING:
    from internvl.pipelines.mix import MixReport, MixTable

COLUMNS: tuple[tuple[str, Justify], ...] = (
    ("data set", "left"),
    ("task", "left"),
    ("languages", "left"),
    ("rows", "right"),
    ("passes", "right"),
    ("share", "right"),
)
Mixing = Literal["length", "sqrt_length", "manifest"]
Within = Literal["length", "sqrt_length", "even"]


def mix(
    table: Annotated[
        str | None, typer.Argument(metavar="TABLE", show_default=False, help="A mixture that comes with the package, or a TOML file.")
    ] = None,
    have: Annotated[
        Path | None,
        typer.Option(
            "--have", metavar="FOLDER|FILE.json", show_default=False, help="The data: a folder of data files, or a meta file."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="meta.json", show_default=False, help="What to write.")] = None,
    mixing: Annotated[
        Mixing, typer.Option("--mixing", help="The run's `mixing`: length repeats records, the others weight data sets.")
    ] = "length",
    examples: Annotated[
        int | None,
        typer.Option("--examples", min=1, show_default=False, help="Examples of an epoch; as many as there are rows if not given."),
    ] = None,
    max_repeat: Annotated[float, typer.Option("--max-repeat", help="How often an epoch may use a record.")] = 4.0,
    within: Annotated[Within, typer.Option("--within", help="How a task's share is divided among its data sets.")] = "length",
    task: Annotated[
        list[str] | None,
        typer.Option("--task", metavar="NAME=TASK", show_default=False, help="The task of a data set; may be repeated."),
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Leave out tasks without data; the others share their part.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="Show the mixtures that come with the package.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Show a table.")] = False,
    toml: Annotated[bool, typer.Option("--toml", help="Print a table's TOML, to be edited.")] = False,
    as_json: options.Json = False,
) -> None:
    """Put data sets together in the shares of a table.

    [bold]internvl data mix internvl1_5_pretrain --have data --out meta.json[/bold]

    [bold]internvl data mix --show internvl1_5_finetune[/bold]

    The meta file gives each data set a `repeat_time`, or with --mixing manifest a `weight`, so that training reads every task as often
    as the table asks. No record is used more than --max-repeat times: a task that is too small stays short of its share, and is listed.
    """
    from internvl.pipelines.mix import load_table, published_tables, table_text

    if listing:
        _print_tables([load_table(name) for name in published_tables()], as_json=as_json)
        return
    if table is None:
        raise UsageError("mix needs a TABLE; `internvl data mix --list` shows those that come with the package")
    if show or toml:
        write(table_text(table)) if toml else _print_table(load_table(table), as_json=as_json)
        return
    if have is None or out is None:
        raise UsageError("mix needs --have and --out")
    from internvl.pipelines.mix import MixSettings, write_meta
    from internvl.pipelines.mix import mix as mixed

    settings = MixSettings(mixing=mixing, examples=examples, max_repeat=max_repeat, within=within, partial=partial)
    report = mixed(load_table(table), have, settings, tasks=task or ())
    write_meta(report.parts, out)
    if as_json:
        write_json({"out": str(out), **report.to_dict()}, indent=2)
    else:
        _print(report, out)


def _print_tables(tables: list[MixTable], *, as_json: bool) -> None:
    if as_json:
        write_json([{"name": each.name, "title": each.title, "tasks": [task.name for task in each.tasks]} for each in tables], indent=2)
        return
    rows = [(each.name, each.title, str(len(each.tasks)), str(sum(len(task.datasets) for task in each.tasks))) for each in tables]
    print_table((("name", "left"), ("title", "left"), ("tasks", "right"), ("data sets", "right")), rows)


def _print_table(table: MixTable, *, as_json: bool) -> None:
    if as_json:
        tasks = {
            task.name: {"ratio_percent": task.ratio, "datasets": {each.name: list(each.languages) for each in task.datasets}}
            for task in table.tasks
        }
        write_json({"name": table.name, "title": table.title, "tasks": tasks}, indent=2)
        return
    rows = [
        (task.name, _percent(task.ratio), ", ".join(f"{each.name} ({'&'.join(each.languages)})" for each in task.datasets))
        for task in table.tasks
    ]
    print_table((("task", "left"), ("ratio", "right"), ("data sets", "left")), rows, title=table.title)


def _print(report: MixReport, out: Path) -> None:
    asked, reached, missing = report.asked, report.reached, report.missing
    rows = [(name, _percent(asked[name]), _percent(share), ", ".join(missing.get(name, []))) for name, share in reached.items()]
    print_table((("task", "left"), ("asked", "right"), ("reached", "right"), ("not there", "left")), rows)
    sets = [
        (
            part.spec.name,
            part.owned.task.name if part.owned.task else "",
            "&".join(part.owned.languages),
            f"{part.owned.rows:,}",
            f"{part.passes:.3g}",
            _percent(100 * part.share),
        )
        for part in report.parts
    ]
    print_table(COLUMNS, sets)
    _print_notes(report, out)


def _print_notes(report: MixReport, out: Path) -> None:
    note("languages: " + ", ".join(f"{name} {_percent(share)}" for name, share in report.languages.items()))
    for what, names in (("not in the table, left out", report.unlisted), ("without a record, left out", report.empty)):
        if names:
            note(f"{what}: {', '.join(names)}")
    if report.short:
        most = report.most_examples
        hint = f"; with --examples {most} or fewer every ratio is reached" if most and report.settings.mixing == "length" else ""
        note(f"off their ratio: {', '.join(report.short)}, as no record is used more than {report.settings.max_repeat:g} times{hint}")
    more = "" if report.settings.mixing == "length" else f"; train with --set data.mixing={report.settings.mixing}"
    note(f"{report.examples:,} examples an epoch, in {out}{more}")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1f} %"
