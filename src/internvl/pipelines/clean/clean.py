"""Cleaning from end to end: score, find duplicates, decide by each set of rules, write what stays, report.

    inputs --run--> out/units --group--> out/groups --decide--> out/NAME/{decisions, ledger.jsonl, shards} --> out/report.{html,json}

Every step is skipped when what it would make is there already, so the same call after a kill goes on, and other rules cost no scoring.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from internvl.data.record import Origin
from internvl.errors import MissingDependencyError
from internvl.pipelines.clean.against import HashList, RunBy, hash_pictures, is_list, open_list
from internvl.pipelines.clean.decide import Decided, decide
from internvl.pipelines.clean.example_pictures import read_pictures
from internvl.pipelines.clean.examples import Examples
from internvl.pipelines.clean.grouping import GroupConfig, Groups, forget_groups, group_run
from internvl.pipelines.clean.histogram_drawing import draw_histograms
from internvl.pipelines.clean.known_columns import COLUMNS
from internvl.pipelines.clean.report_html import report_page
from internvl.pipelines.clean.report_table import report_dict
from internvl.pipelines.clean.rules import Rules
from internvl.pipelines.clean.scoring import check_columns
from internvl.pipelines.clean.tally import Tally
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.folder import only_one
from internvl.pipelines.ledger_file import LEDGER_FILE, write_ledger
from internvl.pipelines.operator import Operator
from internvl.pipelines.run import RunConfig, RunReport, run
from internvl.pipelines.shard_forms import Form
from internvl.pipelines.shards import ShardReport, write_shards
from internvl.pipelines.whole_file import remove_parts, whole_file

REPORT_PAGE, REPORT_FILE, DECISIONS, AGAINST = "report.html", "report.json", "decisions", "against"
_OWN_NAMES = ("units", "groups", AGAINST)


@dataclass(frozen=True, kw_only=True)
class CleanConfig:
    """What is cleaned, by which rules, and what is written.

    run: inputs, folder, workers. operators: see `scoring.operators_for`. against: lists of hashes, or pictures of evaluation sets.
    write: write what stays as shards; without it only decisions, ledger and report. form, rows_per_shard: of the shards.
    examples: pictures shown of each kind of reason.
    """

    run: RunConfig
    rules: tuple[Rules, ...]
    operators: tuple[Operator, ...]
    against: tuple[Path, ...] = ()
    write: bool = True
    form: Form = "parquet"
    rows_per_shard: int = 10_000
    examples: int = 6


@dataclass(frozen=True)
class CleanReport:
    """What cleaning gave: one tally and, unless nothing was written, one folder of shards for each set of rules, in their order."""

    out: Path
    scored: RunReport
    tallies: tuple[Tally, ...]
    shards: tuple[ShardReport, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What report.json holds, with the counts of the scoring run."""
        return {"scored": self.scored.to_dict(), **report_dict(self.tallies), "notes": list(self.notes)}


def clean(
    config: CleanConfig,
    *,
    run_by: RunBy = run,
    told: Callable[[str], None] = lambda step: None,
) -> CleanReport:
    """Clean. run_by: what scores, `run` or something around it; told: called with the name of each later step.

    Raises PipelineError for rules, inputs or a folder that don't fit; MissingDependencyError for libraries; what models raise.
    """
    _check(config)
    scored = run_by(config.run, config.operators)
    with only_one(config.run.out):
        return _judged(config, scored, run_by, told)


def _judged(config: CleanConfig, scored: RunReport, run_by: RunBy, told: Callable[[str], None]) -> CleanReport:
    """Everything behind scoring, which holds the folder for itself as this does."""
    if config.against:
        told("pictures to compare with")
    lists = [_hash_list(path, config.run, run_by) for path in config.against]
    told("duplicates")
    if config.run.restart:
        forget_groups(config.run.out)
    groups = group_run(
        config.run.out, _widest(config.rules, lists), against=lists, workers=config.run.workers, address=config.run.address
    )
    tallies, shards = [], []
    for rules in config.rules:
        told(f"deciding: {rules.title}")
        tallies.append(_decided(config, rules, groups, lists))
        if config.write:
            told(f"writing: {rules.title}")
            shards.append(_written(config, rules))
    told("report")
    notes = _reported(config, tuple(tallies))
    report = CleanReport(config.run.out, scored, tuple(tallies), tuple(shards), notes)
    with whole_file(config.run.out / REPORT_FILE) as file:
        file.write((json.dumps(report.to_dict(), ensure_ascii=False, indent=2) + "\n").encode("utf-8", "backslashreplace"))
    return report


def _check(config: CleanConfig) -> None:
    names = [rules.name for rules in config.rules]
    if not names:
        raise PipelineError("cleaning needs at least one set of rules")
    for name in names:
        if names.count(name) > 1:
            raise PipelineError(f"two sets of rules are called {name!r}; rename a file")
        if name in _OWN_NAMES:
            raise PipelineError(f"rules can't be called {name!r}: a folder of that name is ours")
    for rules in config.rules:
        check_columns(rules, config.operators)


def _hash_list(path: Path, config: RunConfig, run_by: RunBy) -> HashList:
    """A stored list, or one made of pictures in the run's folder, where the next call finds it."""
    if is_list(path):
        return open_list(path)
    where = path.resolve()
    place = config.out / AGAINST / f"{where.stem}-{hashlib.sha256(str(where).encode()).hexdigest()[:8]}"  # many sets are called images
    wanted = RunConfig(inputs=(path,), out=place, workers=config.workers, address=config.address, restart=config.restart)
    hashed, _ = hash_pictures(wanted, run_by=run_by)
    return hashed


def _widest(all_rules: Sequence[Rules], lists: Sequence[HashList]) -> GroupConfig:
    """Limits that find whatever one of the rules may count."""
    looking = [rules.duplicates for rules in all_rules if rules.duplicates.near or (lists and rules.evaluation)]
    if not looking:
        return GroupConfig(bits=None)
    return GroupConfig(bits=max(each.near_bits for each in looking), colours=max(each.near_colours for each in looking))


def _decided(config: CleanConfig, rules: Rules, groups: Groups, lists: Sequence[HashList]) -> Tally:
    """Decisions and ledger of one set of rules."""
    folder = config.run.out / rules.name
    (folder / DECISIONS).mkdir(parents=True, exist_ok=True)
    remove_parts(folder)
    for stale in (folder / DECISIONS).glob("*.parquet"):
        stale.unlink()
    tally = Tally(rules, Examples(rules, config.examples))
    columns = [name for name in COLUMNS if name not in ("caption_copies", "caption_near_copies")]

    def entries() -> Iterator[tuple[Origin, str]]:
        for decided in decide(config.run.out, groups, rules, against=lists, columns=columns):
            tally.add(decided)
            _store(folder / DECISIONS / f"{decided.number:06}.parquet", decided)
            yield from _ledger_lines(decided)

    write_ledger(folder / LEDGER_FILE, entries())
    return tally


def _store(path: Path, decided: Decided) -> None:
    """A unit's decisions: rows in the order of the unit's table."""
    import pyarrow
    import pyarrow.parquet

    own = ["dataset", "file", "row", "sub", "caption_copies", "caption_near_copies"]
    reasons = pyarrow.array(decided.reasons, pyarrow.list_(pyarrow.string()))
    table = decided.table.select(own).append_column("kept", pyarrow.array(decided.kept)).append_column("reasons", reasons)
    with whole_file(path) as file:
        pyarrow.parquet.write_table(table, file, compression="zstd")


def _ledger_lines(decided: Decided) -> Iterator[tuple[Origin, str]]:
    places = zip(*(decided.table[name].to_pylist() for name in ("dataset", "file", "row")), strict=True)
    for place, reasons in zip(places, decided.reasons, strict=True):
        for reason in reasons:
            yield Origin(*place), reason


def _written(config: CleanConfig, rules: Rules) -> ShardReport:
    """What stays, as shards."""
    folder = config.run.out / rules.name
    return write_shards(
        config.run.out,
        _kept(folder / DECISIONS),
        to=folder / "shards",
        form=config.form,
        rows_per_shard=config.rows_per_shard,
        restart=config.run.restart,
    )


def _kept(folder: Path) -> Iterator[tuple[str, int, int]]:
    import pyarrow.parquet

    for path in sorted(folder.glob("*.parquet"), key=lambda path: int(path.stem)):  # beyond a million, names get longer
        with pyarrow.parquet.ParquetFile(path) as file:
            table = file.read(columns=["file", "row", "sub", "kept"])
        chosen = table.filter(table["kept"])
        yield from zip(*(chosen[name].to_pylist() for name in ("file", "row", "sub")), strict=True)


def _reported(config: CleanConfig, tallies: tuple[Tally, ...]) -> tuple[str, ...]:
    """The page and the histograms; a note where they can't be drawn."""
    rows = {row for tally in tallies for found in tally.examples.chosen().values() for each in found for row in (each.row, each.stays)}
    pictures = read_pictures(config.run.out, rows, tallies[0].unit_rows)
    title = f"Cleaning of {', '.join(tallies[0].datasets)}"[:120]
    page = report_page(tallies, pictures, title=title)
    with whole_file(config.run.out / REPORT_PAGE) as file:
        file.write(page.encode("utf-8", "replace"))
    try:
        for tally in tallies:
            draw_histograms(tally, config.run.out / tally.rules.name / "histograms.png")
    except MissingDependencyError as error:
        return (f"no histograms.png: {error}",)
    return ()
