"""`internvl data translate`: captions and conversations in another language, by a model behind an OpenAI-compatible address."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from internvl.cli import pipeline_options as shared
from internvl.cli.config_fields import with_settings
from internvl.cli.console import note, print_facts, print_table, write_json

if TYPE_CHECKING:
    from internvl.pipelines.run import RunConfig
    from internvl.pipelines.translate.estimate import Estimate
    from internvl.pipelines.translate.operator import TranslateOperator
    from internvl.pipelines.translate.output import TranslationReport, Wanted


def translate(
    inputs: shared.Inputs,
    to: Annotated[str, typer.Option("--to", help="The language: a code such as zh, ja, pt-BR, a name, or code=Name for others.")],
    base_url: Annotated[str, typer.Option("--base-url", metavar="URL", help="The service, with its /v1.")],
    model: Annotated[str, typer.Option("--model", "-m", help="The model, as the service calls it.")],
    out: shared.Out,
    source: Annotated[str, typer.Option("--from", help="The language of the input.")] = "en",
    api_key_env: Annotated[
        str | None, typer.Option("--api-key-env", show_default=False, help="The environment variable that holds the API key.")
    ] = None,
    prompt: Annotated[
        Path | None, typer.Option("--prompt", show_default=False, exists=True, dir_okay=False, help="Another prompt: see the docs.")
    ] = None,
    glossary: Annotated[
        Path | None,
        typer.Option("--glossary", show_default=False, exists=True, dir_okay=False, help="Names that must stay, a line each."),
    ] = None,
    records: Annotated[
        Literal["none", "both", "translation", "source"], typer.Option("--records", help="What to write as training records.")
    ] = "none",
    shards: Annotated[
        shared.Form | None, typer.Option("--shards", show_default=False, help="Write samples with pictures and translations as shards.")
    ] = None,
    in_flight: Annotated[int, typer.Option("--in-flight", min=1, help="Requests at once, of each worker.")] = 16,
    timeout_s: Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds for one request.")] = 300.0,
    tries: Annotated[int, typer.Option("--tries", min=1, help="How often a request is sent when the service fails.")] = 6,
    prompt_price: Annotated[float, typer.Option("--prompt-price", min=0, help="Of a million prompt tokens.")] = 0.0,
    answer_price: Annotated[float, typer.Option("--answer-price", min=0, help="Of a million tokens of answers.")] = 0.0,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", min=0, show_default=False, help="Stop when the run has cost this, over all its calls.")
    ] = None,
    max_requests: Annotated[
        int | None, typer.Option("--max-requests", min=0, show_default=False, help="Stop after so many answers, over all calls.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option("--cache", show_default=False, help="File of answers; OUT/replies.sqlite if not given.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", show_default=False, help="A field of TranslationSettings, such as attempts=5."),
    ] = None,
    only_estimate: Annotated[bool, typer.Option("--estimate", help="Ask nothing; tell about how much there is to ask.")] = False,
    root: shared.Root = None,
    text_field: shared.TextField = None,
    unit_rows: shared.UnitRows = 256,
    workers: shared.Workers = 1,
    address: shared.Address = None,
    restart: shared.Restart = False,
    as_json: shared.Json = False,
    quiet: shared.Quiet = False,
) -> None:
    """Translate captions or conversations; what a translation must keep is checked, and what fails is left out with the reason.

    [bold]internvl data translate captions.jsonl --to zh --base-url http://localhost:8000/v1 --model Qwen2.5-7B-Instruct --out zh[/bold]

    [bold]internvl data translate talk.jsonl --to ja --base-url https://api.example.com/v1 --model m --api-key-env KEY --out ja
    --prompt-price 0.15 --answer-price 0.6 --max-cost 20 --records both[/bold]

    Marks, boxes, numbers, code, formulas, addresses and names of the glossary come back exactly, or the record is refused.
    An interrupted run goes on where it stopped, and no answer is paid for twice.
    """
    from internvl.pipelines.run import RunConfig
    from internvl.pipelines.translate.estimate import estimate
    from internvl.pipelines.translate.languages import language_of
    from internvl.pipelines.translate.operator import Service, TranslateOperator, read_glossary
    from internvl.pipelines.translate.prompt import read_prompt
    from internvl.pipelines.translate.settings import TranslationSettings
    from internvl.pipelines.translate.spending import Prices
    from internvl.pipelines.translate.translator import TranslationTask

    task = TranslationTask(
        model=model,
        source=language_of(source),
        target=language_of(to),
        prompt=read_prompt(prompt),
        glossary=read_glossary(glossary),
        settings=with_settings(TranslationSettings(), settings or ()),
    )
    prices = Prices(prompt_per_million=prompt_price, new_per_million=answer_price)
    if only_estimate:
        found = estimate(inputs, task, prices, root=root, text_field=text_field)
        write_json(found.to_dict(), indent=2) if as_json else _print_estimate(found)
        return
    operator = TranslateOperator(
        task=task,
        service=Service(url=base_url, key_env=api_key_env, in_flight=in_flight, timeout_s=timeout_s, tries=tries),
        cache=(cache or out / "replies.sqlite").absolute(),
        spending=(out / "spent.sqlite").absolute(),
        prices=prices,
        max_requests=max_requests,
        max_cost=max_cost,
    )
    config = RunConfig(
        inputs=tuple(inputs), out=out, root=root, text_field=text_field, unit_rows=unit_rows, workers=workers, address=address,
        restart=restart, images=False,
    )  # fmt: skip
    report = _run(config, operator, records, quiet=quiet)
    if shards is not None:
        from internvl.pipelines.shards import write_shards

        written = write_shards(out, form=shards, restart=restart)
        note(f"{written.rows:,} samples in {written.shards:,} shards, {written.folder}")
    if as_json:
        write_json(report.to_dict(), indent=2)
    else:
        _print(report, out)


def _run(config: RunConfig, operator: TranslateOperator, records: Wanted, *, quiet: bool) -> TranslationReport:
    """The run, and its files. What was spent is told however it ends."""
    from internvl.pipelines.translate.output import spent_so_far, write_output

    operator.open()  # an empty key or a wrong address is told before anything is read
    try:
        shared.run_with_bar(config, [operator], quiet=quiet)
        return write_output(config.out, operator, records=records)
    finally:
        spent = spent_so_far(operator)
        tokens = f"{spent['prompt_tokens']:,} prompt tokens, {spent['new_tokens']:,} new tokens"
        note(f"{spent['requests']:,} answers so far, {tokens}, cost {spent['cost']:g}")


def _print_estimate(found: Estimate) -> None:
    facts = [
        ("records", f"{found.records:,}"),
        ("texts", f"{found.texts:,} to translate, {found.requests:,} of them different; {found.characters:,} characters"),
        ("tokens", f"about {found.prompt_tokens:,} of prompts and {found.new_tokens:,} of answers, if none is asked for again"),
        ("cost", f"about {found.cost:.2g}"),
    ]
    print_facts(facts)


def _print(report: TranslationReport, out: Path) -> None:
    share = 100 * report.translated / max(1, report.records)
    facts = [
        ("records", f"{report.records:,}"),
        ("translated", f"{report.translated:,} ({share:.1f} %), {report.source} to {report.target} by {report.model}"),
        ("answers", f"{report.requests:,}; {report.prompt_tokens:,} prompt tokens, {report.new_tokens:,} new tokens"),
        ("cost", f"{report.cost:g}"),
        ("files", f"{out}: pairs.jsonl, ledger.jsonl, report.json"),
    ]
    print_facts(facts)
    if report.refused:
        print_table((("refused", "left"), ("records", "right")), [(kind, f"{count:,}") for kind, count in report.refused.items()])
