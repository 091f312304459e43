"""Mixtures by task: the tables of the 1.5 report, and the training meta file that follows one with the data there is.

table (TOML) + data sets --plan_mix--> repeats or weights --> meta.json for training, MixReport
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from internvl.pipelines.mix.have import checked_tasks, counted, find_data, placed
from internvl.pipelines.mix.plan import MixSettings, plan_mix, write_meta
from internvl.pipelines.mix.report import MixReport
from internvl.pipelines.mix.table import MixTable, load_table, published_tables, table_text

__all__ = ["MixReport", "MixSettings", "MixTable", "load_table", "mix", "published_tables", "table_text", "write_meta"]


def mix(table: MixTable, have: Path, settings: MixSettings, *, tasks: Sequence[str] = ()) -> MixReport:
    """Follow a table with the data sets of a folder or meta file. tasks: `NAME=TASK`. Raises PipelineError and ManifestError."""
    specs = find_data(have)
    given: Mapping[str, str] = checked_tasks(tasks, [spec.name for spec in specs])
    owned = [placed(counted(spec), table, given) for spec in specs]
    return MixReport(table, plan_mix(table, owned, settings), owned, settings)
