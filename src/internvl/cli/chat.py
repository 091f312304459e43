"""`internvl chat`: ask about pictures and clips; one question, or a conversation.

-q QUESTION, or a question on stdin -> one answer        neither, on a terminal -> a conversation
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from internvl.cli import options
from internvl.cli.answer_form import form_fields
from internvl.cli.answering import Answerer
from internvl.cli.attachments import attach, clip_fields
from internvl.cli.console import UsageError
from internvl.cli.loading import load_vlm
from internvl.cli.settings import parse_settings


def chat(
    media: options.Media = None,
    question: Annotated[
        str | None, typer.Option("--question", "-q", show_default=False, help="Ask this, print the answer, and exit.")
    ] = None,
    model: options.Model = options.DEFAULT_MODEL,
    system: options.System = None,
    max_tiles: options.MaxTiles = None,
    frames: options.Frames = None,
    device: options.Device = "auto",
    dtype: options.Dtype = None,
    schema: options.Schema = None,
    regex: options.Regex = None,
    choice: options.Choice = None,
    settings: options.Settings = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Ask about pictures and clips.

    [bold]internvl chat receipt.png -q "What is the total?"[/bold]
    answers one question; the answer goes to stdout, what it cost to stderr.

    [bold]internvl chat a.png b.png clip.mp4 --model OpenGVLab/InternVL2-8B[/bold]
    without -q starts a conversation about them; /help lists its commands.

    [bold]echo "Read the text." | internvl chat sign.jpg --set max_new_tokens=64 --json[/bold]
    takes the question from stdin and prints one JSON object.

    [bold]internvl chat receipt.png -q "Read the receipt." --schema receipt.schema.json[/bold]
    answers in JSON of that schema; --regex and --choice hold the answer to other forms.
    """
    from internvl.engine.sampling import SamplingParams

    values = parse_settings(settings)
    values.sampling.update(form_fields(schema, regex, choice))
    SamplingParams.of(values.sampling)  # a wrong setting is told before a model is loaded for it
    clip = clip_fields(frames, values.clip)
    attached = attach(media or (), clip=clip)
    interactive = question is None and sys.stdin.isatty()
    asked = None if interactive else _question(question)
    vlm, load_s = load_vlm(model, device=device, dtype=dtype, policy=values.policy, max_tiles=max_tiles)
    answerer = Answerer(vlm, vlm.session(system=system), values.sampling, load_s=load_s, as_json=as_json, quiet=quiet)
    if asked is not None:
        answerer.answer(asked, attached)
        return
    from internvl.cli.conversation import Conversation

    Conversation(answerer, attached, clip=clip).run()


def _question(given: str | None) -> str:
    question = sys.stdin.read().strip() if given is None else given
    if not question.strip():
        raise UsageError('there is no question; give one with -q "What is it?" or on stdin')
    return question
