"""Questions about formulas on a page, answered in normalised LaTeX.

formulas, their boxes -> questions(...) -> [Asked(turn, facts)]
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from recipes.nano.data.families.asked import Asked
from recipes.nano.data.families.phrases_formulas import PHRASES, REFUSALS, SIGNS
from recipes.nano.data.formula_grammar import Formula
from recipes.nano.data.formula_latex import normalise
from recipes.nano.data.sample import Language, Turn

OPERATORS = (r"\int", r"\sum", r"\prod")
# A part is asked for only where the formula has one thing that it could be a part of.
OWNERS = {
    **dict.fromkeys(("numerator", "denominator"), (r"\frac",)),
    **dict.fromkeys(("lower", "upper"), OPERATORS),
    "under_root": (r"\sqrt",),
}
MATRICES = ("pmatrix", "bmatrix", "vmatrix")


class Asker:
    """Asks about one formula, or about one of several numbered ones."""

    def __init__(self, formulas: Sequence[Formula], boxes: Sequence[list[int]], source: random.Random, language: Language) -> None:
        self.formulas, self.boxes, self.source, self.language = formulas, boxes, source, language

    def questions(self, wanted: int) -> list[Asked]:
        """Up to this many different questions; always at least one."""
        tasks: dict[str, tuple[float, Callable[[], Asked | None]]] = (
            {
                "transcribe": (6.0, self.transcribe),
                "part": (3.0, self.part),
                "contains": (1.0, self.contains),
                "matrix": (3.0, self.matrix),
            }
            | {"absent": (1.1, self.absent)}
            if len(self.formulas) == 1
            else {
                "numbered": (5.0, self.numbered),
                "count": (1.0, self.count),
                "locate": (1.5, self.locate),
                "absent": (0.8, self.absent),
            }
        )
        found: list[Asked] = []
        while tasks and len(found) < wanted:
            name = self.source.choices(list(tasks), [weight for weight, _ in tasks.values()])[0]
            asked = tasks.pop(name)[1]()
            found += [asked] if asked is not None else []
        return found

    def transcribe(self) -> Asked:
        """The whole formula."""
        return self._asked("transcribe", self.formulas[0].latex)

    def part(self) -> Asked | None:
        """A side, a numerator, a limit."""
        formula = self.formulas[0]
        latex = formula.latex
        parts = [name for name in formula.marks if name in PHRASES and self._is_only(latex, name)]
        if not parts:
            return None
        name = self.source.choice(parts)
        return self._asked(name, formula.marks[name], sign=self._sign_word(latex))

    def contains(self) -> Asked:
        """Yes or no. Whether a determinant is a matrix is not asked."""
        determinant = any(block.kind == "vmatrix" for block in self.formulas[0].blocks)
        sign = self.source.choice([sign for sign in SIGNS if not (determinant and sign == r"\begin")])
        yes, no = ("是。", "否。") if self.language == "zh" else ("Yes.", "No.")
        return self._asked("contains", yes if _has(self.formulas[0].latex, sign) else no, sign=SIGNS[sign][self.language][0])

    def matrix(self) -> Asked | None:
        """Size of a matrix, or one of its entries."""
        blocks = [block for block in self.formulas[0].blocks if block.kind in MATRICES]
        if not blocks:
            return None
        rows = blocks[0].rows
        if self.source.random() < 0.4:
            return self._asked("size", f"{len(rows)} x {len(rows[0])}" if self.language == "en" else f"{len(rows)}行{len(rows[0])}列")
        row, column = self.source.randrange(len(rows)), self.source.randrange(len(rows[0]))
        return self._asked("entry", normalise(rows[row][column]), row=str(row + 1), column=str(column + 1))

    def numbered(self) -> Asked:
        """One of several formulas."""
        at = self.source.randrange(len(self.formulas))
        return self._asked("transcribe_numbered", self.formulas[at].latex, number=str(at + 1))

    def count(self) -> Asked:
        """How many formulas."""
        return self._asked("count", str(len(self.formulas)))

    def locate(self) -> Asked:
        """The box of one of several formulas."""
        at = self.source.randrange(len(self.formulas))
        name = f"公式({at + 1})" if self.language == "zh" else f"formula ({at + 1})"
        return self._asked(
            "locate", f"<ref>{name}</ref><box>[{self.boxes[at]}]</box>", facts={"box": self.boxes[at]}, number=str(at + 1)
        )

    def absent(self) -> Asked | None:
        """Something that isn't there: another number, a limit, a fraction, a root, a matrix."""
        no = self.source.choice(REFUSALS[self.language])
        if len(self.formulas) > 1:
            number = str(len(self.formulas) + self.source.randint(1, 5))
            return self._asked("transcribe_numbered", no, task="absent", number=number)
        latex = self.formulas[0].latex
        names = [name for name, owners in OWNERS.items() if not any(_has(latex, owner) for owner in (*owners, *_also(name)))]
        if not self.formulas[0].blocks:
            names += ["entry", "size"]
        if not names:
            return None
        sign = SIGNS[self.source.choice(OPERATORS)][self.language][1]
        return self._asked(self.source.choice(names), no, task="absent", sign=sign, row=str(self.source.randint(1, 3)), column="2")

    def name(self, names: dict[Language, str]) -> Asked:
        """What a famous formula is called."""
        text = names[self.language]
        return self._asked("name", text[0].upper() + text[1:] + ("。" if self.language == "zh" else "."))

    def _is_only(self, latex: str, name: str) -> bool:
        owners = OWNERS.get(name)
        return owners is None or sum(latex.count(owner) for owner in owners) == 1

    def _sign_word(self, latex: str) -> str:
        shown = [sign for sign in OPERATORS if _has(latex, sign)]
        return SIGNS[shown[0] if shown else r"\int"][self.language][1]

    def _asked(self, wording: str, answer: str, *, task: str = "", facts: dict[str, Any] | None = None, **blanks: str) -> Asked:
        question = self.source.choice(PHRASES[wording][self.language]).format(**blanks)
        return Asked(Turn(question=question, answer=answer), {"task": task or wording, **(facts or {})})


def _has(latex: str, sign: str) -> bool:
    return sign in latex


def _also(name: str) -> tuple[str, ...]:
    """A limit has something below it too; a binomial looks like a fraction without a bar."""
    return {"lower": (r"\lim",), "upper": (), "numerator": (r"\binom",), "denominator": (r"\binom",)}.get(name, ())
