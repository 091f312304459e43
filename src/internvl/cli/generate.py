"""`internvl generate`: answer every record of a JSONL file, in batches, and go on after a kill where it stopped."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from internvl.cli import options
from internvl.cli.answer_form import form_fields
from internvl.cli.attachments import clip_fields
from internvl.cli.console import UsageError, note, progress, sentence
from internvl.cli.loading import load_vlm
from internvl.cli.records import Finished, check_continues, check_ids, conversation_of, read_finished, read_records
from internvl.cli.settings import parse_settings
from internvl.errors import InternVLError

if TYPE_CHECKING:
    from internvl.engine.request import Reply, Request
    from internvl.engine.sampling import SamplingParams
    from internvl.engine.vlm import VLM


def generate(
    source: Annotated[Path, typer.Argument(metavar="IN.jsonl", help="Records to answer.", exists=True, dir_okay=False)],
    target: Annotated[Path, typer.Argument(metavar="OUT.jsonl", help="Where answers go; an unfinished one is continued.")],
    model: options.Model = options.DEFAULT_MODEL,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Records decoded together.")] = 8,
    root: Annotated[
        Path | None, typer.Option("--root", show_default=False, help="Where relative paths start, instead of IN's folder.")
    ] = None,
    max_tiles: options.MaxTiles = None,
    frames: options.Frames = None,
    device: options.Device = "auto",
    dtype: options.Dtype = None,
    schema: options.Schema = None,
    regex: options.Regex = None,
    choice: options.Choice = None,
    settings: options.Settings = None,
    quiet: options.Quiet = False,
) -> None:
    """Answer every record of a JSONL file.

    [bold]internvl generate questions.jsonl answers.jsonl --batch 16 --set max_new_tokens=128[/bold]

    A record is {"id": 1, "question": "What is it?", "images": \\["a.png"]}, or has "messages" instead of a question; "videos" and
    "system" may stand beside them. An answer is {"id": 1, "answer": ...}; a record that fails becomes {"id": 1, "error": ...}, and
    the exit code is 1. With --schema, --regex or --choice every answer has that form. Run the same command again after an
    interruption: ids that are in OUT are not asked again.
    """
    from internvl.engine.sampling import SamplingParams

    values = parse_settings(settings)
    values.sampling.update(form_fields(schema, regex, choice))
    params = SamplingParams.of(values.sampling)
    ids, finished = check_files(source, target)
    if finished.torn:
        note(f"{target}: its last line was cut while it was written; it is taken off")
        os.truncate(target, finished.whole_bytes)
    clip = clip_fields(frames, values.clip)
    todo = len(ids) - len(finished.ids)
    tally = Tally(skipped=len(finished.ids), failed_before=finished.failed)
    if todo:
        vlm, _ = load_vlm(model, device=device, dtype=dtype, policy=values.policy, max_tiles=max_tiles)
        vlm.engine.grammars.check(params, room=params.max_new_tokens)  # a bad form is one error, not one for each record
        worker = Worker(vlm, params, root or source.parent, clip, tally)
        records = read_records(source, skip=finished.ids)
        _answer_all(worker, records, target, batch=batch, todo=todo, quiet=quiet)
    note(f"{tally} -> {target}")
    if tally.failed or tally.failed_before:
        raise typer.Exit(1)


@dataclass
class Tally:
    """What became of the records."""

    skipped: int = 0
    failed_before: int = 0
    answered: int = 0
    failed: int = 0

    def __str__(self) -> str:
        parts = [f"{self.answered} answered", f"{self.failed} failed"]
        if self.skipped:
            parts.append(f"{self.skipped} done before ({self.failed_before} of them failed)")
        return ", ".join(parts)


def check_files(source: Path, target: Path) -> tuple[frozenset[str | int], Finished]:
    """The ids of the input and what the output holds of them. RecordError, UsageError where the two don't fit."""
    if target.exists() and target.samefile(source):
        raise UsageError(f"IN and OUT are the same file, {source}")
    if not target.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {target.absolute().parent} for OUT")
    ids = check_ids(source)
    finished = read_finished(target)
    check_continues(finished, ids, source, target)
    return ids, finished


@dataclass
class Worker:
    """Answers a few records at a time; a record that fails doesn't take its neighbours with it."""

    vlm: VLM
    params: SamplingParams
    root: Path
    clip: Mapping[str, Any] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    def answer(self, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Lines for the output, in the order of the records."""
        prepared = [self._prepare(record) for record in records]
        replies = iter(self._generate([item for item in prepared if not isinstance(item, InternVLError)]))
        outcomes = [item if isinstance(item, InternVLError) else next(replies) for item in prepared]
        return [self._line(record["id"], outcome) for record, outcome in zip(records, outcomes, strict=True)]

    def _prepare(self, record: Mapping[str, Any]) -> Request | InternVLError:
        from internvl.engine.request import Request

        try:
            conversation = conversation_of(record, self.root, self.clip)
            return Request(self.vlm.processor.prepare(conversation), self.params)
        except InternVLError as error:
            return error

    def _generate(self, requests: Sequence[Request]) -> list[Reply | InternVLError]:
        if not requests:
            return []
        try:
            return list(self.vlm.engine.generate(requests, max_batch=len(requests)))
        except InternVLError as error:
            # One prompt that is too long fails its whole batch; alone it fails alone.
            if len(requests) == 1:
                return [error]
            return [outcome for request in requests for outcome in self._generate([request])]

    def _line(self, record_id: str | int, outcome: Reply | InternVLError) -> dict[str, Any]:
        if isinstance(outcome, InternVLError):
            self.tally.failed += 1
            return {"id": record_id, "error": sentence(outcome)}
        self.tally.answered += 1
        return {"id": record_id, **outcome.to_dict()}


def _answer_all(
    worker: Worker,
    records: Iterator[dict[str, Any]],
    target: Path,
    *,
    batch: int,
    todo: int,
    quiet: bool,
) -> None:
    with target.open("ab") as file, progress("records", quiet=quiet) as bar:
        task = bar.add_task(target.name, total=todo, rate=0.0)
        started, done = time.perf_counter(), 0
        while chunk := list(islice(records, batch)):
            _write_lines(file, worker.answer(chunk))
            done += len(chunk)
            bar.update(task, completed=done, rate=done / (time.perf_counter() - started))


def _write_lines(file: BinaryIO, lines: Sequence[Mapping[str, Any]]) -> None:
    for line in lines:
        file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    file.flush()
