"""`internvl data`: the verbs that look at training data and make it, one file each."""

from __future__ import annotations

import typer

from internvl.cli import data_check, data_clean, data_convert, data_hashes, data_mix, data_ocr, data_plan, data_report, data_translate

app = typer.Typer(no_args_is_help=True, help="Look at training data, and make it.", rich_markup_mode="rich")


@app.callback()
def data() -> None:
    """Look at training data, and make it."""


app.command("check")(data_check.check)
app.command("clean")(data_clean.clean)
app.command("hashes")(data_hashes.hashes)
app.command("ocr")(data_ocr.ocr)
app.command("translate")(data_translate.translate)
app.command("convert")(data_convert.convert)
app.command("mix")(data_mix.mix)
app.command("report")(data_report.report)
app.command("plan")(data_plan.plan)
