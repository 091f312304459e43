"""The entry point `internvl`: the verbs, and the one place where errors become a sentence and an exit code.

0 done    1 an error of the work, or the reader of our output went away    2 an error of the command line    130 Ctrl-C
"""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from internvl import __version__
from internvl.cli import (
    assemble,
    chat,
    classify,
    compare,
    convert,
    count,
    data,
    doctor,
    generate,
    quantize,
    score,
    search,
    serve,
    show,
    train,
)
from internvl.cli import eval as eval_verb
from internvl.cli.console import UsageError, complain, write_line
from internvl.errors import InternVLError

DEBUG = "--debug"
INTERRUPTED = 130


class Verbs(TyperGroup):
    """The group of verbs. Whatever goes wrong inside one passes here."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take `--debug` wherever it stands: it is typed in hindsight, at the end of a command that just failed."""
        options = args[: args.index("--")] if "--" in args else args
        ctx.meta[DEBUG] = DEBUG in options
        rest: list[str] = super().parse_args(ctx, [arg for arg in options if arg != DEBUG] + args[len(options) :])
        return rest

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; errors made for people become one sentence."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError as error:
            _close_stdout()
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error
        except (InternVLError, OSError) as error:
            if ctx.meta[DEBUG]:
                raise
            complain(error)
            raise typer.Exit(2 if isinstance(error, UsageError) else 1) from error
        return result


app = typer.Typer(
    name="internvl",
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Run and train the open multimodal models of the InternVL family: pictures and clips in, text out.",
    epilog='Start here: [bold]internvl chat examples/sign.png -q "What does the sign say?"[/bold]',
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("chat")(chat.chat)
app.command("generate")(generate.generate)
app.command("serve")(serve.serve)
app.command("search")(search.search)
app.command("classify")(classify.classify)
app.command("train")(train.train)
app.add_typer(data.app, name="data")
app.command("eval")(eval_verb.evaluate)
app.command("compare")(compare.compare)
app.command("score")(score.score)
app.command("show")(show.show)
app.command("convert")(convert.convert)
app.command("quantize")(quantize.quantize)
app.command("assemble")(assemble.assemble)
app.command("count")(count.count)
app.command("doctor")(doctor.doctor)


def _print_version(asked: bool) -> None:
    if asked:
        write_line(f"internvl {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show the traceback of an error. May stand anywhere.")] = False,
) -> None:
    """Options in front of a verb; both are dealt with before this is called."""


def main() -> None:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show Chinese still gets its answer, with escapes in it.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    finally:
        _flush()


def _flush() -> None:
    """The last flush, here rather than in the interpreter, which would print what goes wrong."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _close_stdout()
        sys.exit(1)


def _close_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's own last flush has nowhere to fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
