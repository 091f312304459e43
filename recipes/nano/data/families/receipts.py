"""Receipts, bills, tickets, cards and labels: papers with fields, in many layouts, and questions about what is printed on them.

kind -> Paper (what is printed) -> Drawn (picture, boxes) -> turns
"""

from __future__ import annotations

import random

from recipes.nano.data.families.receipts_documents import Writer
from recipes.nano.data.families.receipts_drawing import draw_paper
from recipes.nano.data.families.receipts_kinds import MAKERS
from recipes.nano.data.families.receipts_questions import Asked, ask, whole_json
from recipes.nano.data.sample import Language, Sample, Split

# Long answers teach more reading a second than short ones, so papers with lists come more often.
_OFTEN = {"shop": 4.0, "restaurant": 2.5, "invoice": 3.0, "hotel": 1.5, "boarding": 1.5, "train": 1.5, "business_card": 1.5}
OTHER_LANGUAGE = 0.15


class Receipts:
    """The family `receipts`."""

    name = "receipts"

    def sample(self, source: random.Random, split: Split) -> Sample:
        """One paper with one to four questions. Raises MissingMaterial without fonts."""
        printed: Language = source.choice(("en", "zh"))
        other: Language = "zh" if printed == "en" else "en"
        language = other if source.random() < OTHER_LANGUAGE else printed
        kind = source.choices(list(MAKERS), [_OFTEN.get(name, 1.0) for name in MAKERS])[0]
        paper = MAKERS[kind](Writer(source, printed, split))
        drawn = draw_paper(paper, source, split)
        turns = ask(Asked(paper, drawn.boxes, drawn.image.size, language, source), source.choice((1, 2, 3, 3, 4)))
        facts = {"kind": kind, "layout": drawn.layout, "tasks": [task for task, _ in turns], "fields": whole_json(paper, "en")}
        return Sample(
            family=self.name,
            task=turns[0][0],
            language=language,
            images=(drawn.image,),
            turns=tuple(turn for _, turn in turns),
            facts=facts,
        )
