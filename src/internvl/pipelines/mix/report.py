"""What a mixture came to: asked and reached share of each task, what is missing, languages, and how often records are used.

MixTable, Owned, Part --> MixReport --> tables, JSON
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from internvl.pipelines.mix.have import Owned
from internvl.pipelines.mix.plan import MixSettings, Part, by_task, most_examples
from internvl.pipelines.mix.table import MixTable

REACHED_PERCENT = 0.1
"""Up to this distance a task counts as having its ratio, besides what whole rows of small data sets make impossible."""


@dataclass(frozen=True)
class MixReport:
    """Shares are in percent of the run. unlisted: data sets that the table doesn't list; empty: those without rows."""

    table: MixTable
    parts: Sequence[Part]
    owned: Sequence[Owned]
    settings: MixSettings

    @property
    def reached(self) -> dict[str, float]:
        """Share of each task in percent."""
        return {name: 100 * share for name, share in by_task(self.table, self.parts).items()}

    @property
    def asked(self) -> dict[str, float | None]:
        """Share that the table asks for, shared out again where tasks have no data; None where it tells none."""
        present = {part.owned.task.name for part in self.parts if part.owned.task is not None}
        given = sum(task.ratio or 0.0 for task in self.table.tasks if task.name in present)
        scale = 100 / given if given else 0.0
        return {
            task.name: None if task.ratio is None else (task.ratio * scale if task.name in present else 0.0)
            for task in self.table.tasks
        }

    @property
    def short(self) -> list[str]:
        """Tasks that miss their ratio."""
        near = REACHED_PERCENT + 50 * len(self.parts) / max(self.examples, 1)
        return [name for name, asked in self.asked.items() if asked is not None and abs(asked - self.reached[name]) > near]

    @property
    def examples(self) -> int:
        """Of an epoch."""
        return round(sum(part.passes * part.owned.rows for part in self.parts))

    @property
    def missing(self) -> dict[str, list[str]]:
        """By task, the data sets of the table that are not there, and the languages that are not there of those that are."""
        found: dict[str, list[str]] = {}
        for task in self.table.tasks:
            for listed in task.datasets:
                there = [part for part in self.parts if part.owned.task is task and part.owned.listed is listed]
                absent = [each for each in listed.languages if not any(each in part.owned.languages for part in there)]
                if not there:
                    found.setdefault(task.name, []).append(listed.name)
                elif absent:
                    found.setdefault(task.name, []).append(f"{listed.name} ({', '.join(absent)})")
        return found

    @property
    def languages(self) -> dict[str, float]:
        """Share of each language in percent; data in several languages under all of them together, such as "en&zh"."""
        total: Counter[str] = Counter()
        for part in self.parts:
            total["&".join(part.owned.languages) or "unknown"] += 100 * part.share  # type: ignore[assignment]
        return dict(total.most_common())

    @property
    def unlisted(self) -> list[str]:
        """Data sets that are there and not used, because the table doesn't list them."""
        return [each.spec.name for each in self.owned if each.task is None]

    @property
    def empty(self) -> list[str]:
        """Data sets without a row."""
        return [each.spec.name for each in self.owned if each.task is not None and not each.rows]

    @property
    def most_examples(self) -> int | None:
        """Of an epoch in which all ratios are reached."""
        return most_examples(self.table, self.owned, self.settings.max_repeat)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        asked = self.asked
        return {
            "table": self.table.name,
            "mixing": self.settings.mixing,
            "examples": self.examples,
            "tasks": {name: {"asked_percent": asked[name], "reached_percent": share} for name, share in self.reached.items()},
            "datasets": {
                part.spec.name: {
                    "task": part.owned.task.name if part.owned.task else None,
                    "languages": list(part.owned.languages),
                    "rows": part.owned.rows,
                    "passes": part.passes,
                    "share_percent": 100 * part.share,
                }
                for part in self.parts
            },
            "missing": self.missing,
            "unlisted": self.unlisted,
            "empty": self.empty,
            "languages_percent": self.languages,
            "most_examples": self.most_examples,
        }
