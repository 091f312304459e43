"""`internvl data convert`: a published data set as released records, or the list of those that can be converted.

NAME, annotations, pictures --converter--> OUT.jsonl, OUT.meta.json, OUT.ledger.jsonl, and what was refused by kind of reason
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from internvl.cli import options
from internvl.cli.console import UsageError, note, print_table, progress, write_json, write_line

if TYPE_CHECKING:
    from internvl.pipelines.convert import Converter, ConvertReport, Inputs

NOTED_EVERY = 500


def convert(
    name: Annotated[str | None, typer.Argument(metavar="NAME", show_default=False, help="The data set, such as docvqa.")] = None,
    annotations: Annotated[
        list[str] | None,
        typer.Option(
            "--annotations", "-a", metavar="[ROLE=]PATH", show_default=False, help="Its file, pattern or folder; once for each role."
        ),
    ] = None,
    images: Annotated[
        Path | None, typer.Option("--images", "-i", metavar="ROOT", show_default=False, help="Where its pictures are.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE.jsonl", show_default=False, help="What to write.")] = None,
    language: Annotated[str, typer.Option("--language", help="Of the questions: en or zh.")] = "en",
    names: Annotated[
        Path | None,
        typer.Option(
            "--names", metavar="FILE.json", show_default=False, help="Categories or phrases and their names in that language."
        ),
    ] = None,
    ask: Annotated[
        str, typer.Option("--ask", metavar="TASK", show_default=False, help="Which of its tasks; --list NAME tells them.")
    ] = "",
    prompts: Annotated[
        Path | None,
        typer.Option("--prompts", metavar="FILE", show_default=False, help="Questions, one a line, instead of the one usual question."),
    ] = None,
    turns: Annotated[int, typer.Option("--turns", min=1, help="Questions about one picture that a record may hold.")] = 1,
    check_images: Annotated[
        bool, typer.Option("--check-images", help="Open each picture's header: refuse missing and damaged ones, write sizes.")
    ] = False,
    ledger: Annotated[
        Path | None, typer.Option("--ledger", show_default=False, help="Where refusals go; OUT.ledger.jsonl if not given.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, show_default=False, help="Stop after so many records.")] = None,
    show: Annotated[bool, typer.Option("--list", help="Show all data sets, or one: its files, tasks and places of pictures.")] = False,
    as_json: options.Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Turn a published data set into the released records.

    [bold]internvl data convert docvqa -a train_v1.0.json -i docvqa -o data/docvqa.jsonl[/bold]

    [bold]internvl data convert okvqa -a questions.json -a annotations.json -i coco -o data/okvqa.jsonl[/bold]

    [bold]internvl data convert --list[/bold]

    Nothing is bent into shape: an annotation that can't be right is refused, and the ledger says where it stands and why.
    """
    if show:
        _show(name, as_json=as_json)
        return
    if name is None or not annotations or out is None:
        raise UsageError("convert needs NAME, --annotations and --out; `internvl data convert --list` shows all data sets")
    from internvl.pipelines.convert import Pictures, Settings, converter_named

    converter = converter_named(name)
    settings = Settings(language=language, names=_names(names), ask=ask, prompts=_prompts(prompts))
    inputs = converter.inputs(annotations, Pictures(images), settings)
    report = _convert(converter, inputs, out, ledger, check_images=check_images, turns=turns, limit=limit, quiet=quiet)
    if as_json:
        write_json({"name": converter.name, "out": str(out), **report.to_dict()}, indent=2)
    else:
        _print(report, out, ledger)


def _convert(
    converter: Converter,
    inputs: Inputs,
    out: Path,
    ledger: Path | None,
    *,
    check_images: bool,
    turns: int,
    limit: int | None,
    quiet: bool,
) -> ConvertReport:
    from internvl.pipelines.convert import convert as run

    began = time.perf_counter()
    with progress("records", quiet=quiet) as bar:
        task = bar.add_task(converter.title, total=limit, rate=0.0)

        def told(done: int) -> None:
            if done % NOTED_EVERY == 0:
                bar.update(task, completed=done, rate=done / max(time.perf_counter() - began, 1e-9))

        report = run(converter, inputs, out=out, ledger=ledger, check_images=check_images, turns=turns, limit=limit, progress=told)
        bar.update(task, completed=report.records)
    return report


def _print(report: ConvertReport, out: Path, ledger: Path | None) -> None:
    rows = [(f"{kind} records", f"{count:,}") for kind, count in sorted(report.kinds.items())]
    rows += [("answers", f"{report.answers:,}"), *((f"refused: {kind}", f"{count:,}") for kind, count in report.refused.most_common())]
    print_table((("result", "left"), ("count", "right")), rows)
    note(f"{report.records:,} records in {out}")
    if report.refused:
        note(f"{sum(report.refused.values()):,} annotations were refused; why is in {ledger or out.with_suffix('.ledger.jsonl')}")


def _show(name: str | None, *, as_json: bool) -> None:
    from internvl.pipelines.convert import CONVERTERS, converter_named

    shown = list(CONVERTERS.values()) if name is None else [converter_named(name)]
    if as_json:
        write_json([_facts(each) for each in shown], indent=2)
    elif name is None:
        columns = ("name", "data set", "task", "languages", "annotations")
        rows = [(each.name, each.title, each.task, " ".join(each.languages), _roles(each)) for each in shown]
        print_table([(column, "left") for column in columns], rows)
    else:
        _show_one(shown[0])


def _show_one(converter: Converter) -> None:
    write_line((converter.about or "").strip())
    write_line()
    write_line(f"annotations: {_roles(converter)}")
    facts = (
        ("tasks (--ask)", ", ".join(converter.asks)),
        ("also takes", ", ".join(f"--{each}" for each in converter.takes)),
        ("pictures", converter.pictures),
        ("checked against", converter.checked),
    )
    for what, value in facts:
        if value:
            write_line(f"{what}: {value}")


def _facts(converter: Converter) -> dict[str, object]:
    keys = ("name", "title", "task", "languages", "files", "optional", "asks", "takes", "pictures", "checked")
    return {key: getattr(converter, key) for key in keys}


def _roles(converter: Converter) -> str:
    return ", ".join(f"[{role}]" if role in converter.optional else role for role in converter.files)


def _names(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        names = json.loads(path.read_text("utf-8-sig"))
    except ValueError as error:
        raise UsageError(f"--names: {path} is not valid JSON ({error})") from error
    if not isinstance(names, dict) or not all(isinstance(value, str) for value in names.values()):
        raise UsageError(f"--names: {path} should be an object of name to name")
    return names


def _prompts(path: Path | None) -> tuple[str, ...]:
    lines = [] if path is None else [line.strip() for line in path.read_text("utf-8-sig").splitlines()]
    if path is not None and not any(lines):
        raise UsageError(f"--prompts: {path} has no line")
    return tuple(line for line in lines if line)
