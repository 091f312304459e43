"""What questions about charts share: what can be read off a chart, and how to say it.

    (ChartSpec, Drawing, source, language) -> Asker -> read(value) -> "about 35" | "34.7", asked(task, answer) -> Asked

Numbers that stand on the chart are answered as they stand there. Others are read off the gridlines: "about", with `tolerance` in facts.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any

from recipes.nano.data.chart_spec import ChartSpec, Drawing, format_number
from recipes.nano.data.families.asked import Asked
from recipes.nano.data.families.phrases_charts import PHRASES
from recipes.nano.data.sample import Language, Turn

# Of the value axis: what two bars without numbers must differ by before anyone is asked which is higher.
VISIBLE_GAP = 0.05


@dataclass(frozen=True)
class Asker:
    """Asks about one chart in one language."""

    spec: ChartSpec
    drawing: Drawing
    source: random.Random
    language: Language

    # What the chart is like

    @property
    def round(self) -> bool:
        return self.spec.kind in ("pie", "donut")

    @property
    def plain(self) -> bool:
        """One value for each named place."""
        return len(self.spec.figures.series) == 1 and bool(self.spec.figures.categories)

    @property
    def values(self) -> tuple[float, ...]:
        return self.spec.figures.series[0].values

    @property
    def labelled(self) -> bool:
        return self.spec.style.value_labels

    @property
    def unit(self) -> float:
        """What can be told apart between two gridlines."""
        lead = self.spec.axis.step / 10 ** math.floor(math.log10(self.spec.axis.step) + 1e-9)
        return self.spec.axis.step / (4 if round(lead) == 2 and abs(lead - 2) < 0.1 else 5)

    def apart(self, a: float, b: float) -> bool:
        """Whether the picture tells which of the two is higher."""
        if self.labelled and not self.round:
            return a != b
        span = sum(self.values) if self.round else self.spec.axis.high - self.spec.axis.low
        return abs(a - b) >= VISIBLE_GAP * span

    # How to say it

    def asked(self, task: str, answer: str, *, facts: dict[str, Any] | None = None, **blanks: str) -> Asked:
        """The question in one of its wordings."""
        same = self.language == self.spec.figures.language
        blanks["measure"] = self.spec.figures.value_label.split(" (")[0].split("（")[0]
        wordings = [one for one in PHRASES[task][self.language] if same or "{measure}" not in one]
        question = self.source.choice(wordings).format(**blanks)
        return Asked(Turn(question=question[0].upper() + question[1:], answer=answer), {"task": task, **(facts or {})})

    def read(self, value: float) -> tuple[str, dict[str, Any]]:
        """A value as the chart lets it be read, with facts."""
        if self.labelled:
            return self.spec.number(value), {"value": value, "tolerance": 0.0}
        near = round(value / self.unit) * self.unit
        decimals = max(
            self.spec.axis.decimals,
            0 if abs(self.unit - round(self.unit)) < 1e-9 else max(0, 1 - math.floor(math.log10(self.unit) + 1e-9)),
        )
        text = format_number(near, decimals, self.spec.figures.unit, thousands=self.spec.style.thousands)
        if decimals and "." in text:  # 2.50 -> 2.5, with whatever unit follows
            head, _, tail = text.partition(".")
            digits = "".join(letter for letter in tail if letter.isdigit())
            kept = digits.rstrip("0")
            text = head + ("." + kept if kept else "") + tail[len(digits) :]
        return self.word("about ", "约") + text, {"value": round(near, 10), "tolerance": round(self.unit, 10)}

    def word(self, english: str, chinese: str) -> str:
        return chinese if self.language == "zh" else english

    def pair(self) -> tuple[int, int]:
        first, second = self.source.sample(range(len(self.spec.figures.categories)), 2)
        return first, second
