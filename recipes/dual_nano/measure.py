"""How well internvl-dual-nano finds what it has not seen: another drawing style, held-out photographs, held-out clip art.

names in a language x pictures of a style -> recall@1, @5, @10 of the right picture, and of the right name
-> a table for docs/models/internvl-dual-nano.md, and the same figures as JSON beside it

    python -m recipes.dual_nano.measure --model internvl-dual-nano --card docs/models/internvl-dual-nano.md
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from recipes.dual_nano.concepts import TRAINED_SETS, UNSEEN_SET
from recipes.dual_nano.pairs import make

from internvl import Image
from internvl.engine.dual import Dual
from internvl.engine.dual_prompts import TEMPLATES
from internvl.prompt.captions import cleaned_caption

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
KS = (1, 5, 10)
FEWEST = 50  # names, below which a row says nothing
STAMP_LANGUAGES = ("en", "de", "fr", "es", "ru", "ja", "ko", "zh", "th", "uk")
Picture = dict[str, Any]
Namer = Callable[[Picture], str]


@dataclass(frozen=True)
class Row:
    """Recalls in percent, by k, of pictures for names and of names for pictures; chance is that of picture@1."""

    pictures_of: str
    language: str
    names: int
    chance: float
    pictures: dict[int, float]
    texts: dict[int, float]


def measure(dual: Dual, data: Path) -> list[Row]:
    """Unseen pictures in every language, then trained ones in English for comparison."""
    pictures: list[Picture] = json.loads((data / "pictures.json").read_text("utf-8"))
    seen = {(each["style"], each["code"]): vector for each, vector in zip(pictures, _vectors(dual, pictures, data), strict=True)}

    def row(title: str, language: str, chosen: Sequence[Picture], name: Namer) -> Row:
        return _row(dual, title, language, chosen, torch.stack([seen[each["style"], each["code"]] for each in chosen]), name)

    unseen = [each for each in pictures if each["split"] == "unseen"]
    drawn = [each for each in unseen if each["style"] == UNSEEN_SET]
    stamps = [each for each in unseen if each["style"] == "stamps"]
    rows = []
    for language in sorted({language for each in drawn for language in each["names"]}):
        rows.append(row(f"{UNSEEN_SET}, a style never trained", language, _named(drawn, language), _in(language)))
    rows.append(row(f"{UNSEEN_SET}, a style never trained", "any, in any other's sentence", drawn, _mixed))
    for language in STAMP_LANGUAGES:
        rows.append(row("stamps held out, most of them photographs", language, _named(stamps, language), _in(language)))
    rows.append(row("clip art held out", "en", [each for each in unseen if each["style"] == "clip-art"], _in("en")))
    for style in TRAINED_SETS:
        rows.append(row(f"{style}, trained", "en", _named([each for each in pictures if each["style"] == style], "en"), _in("en")))
    return [each for each in rows if each.names >= FEWEST]


def _vectors(dual: Dual, pictures: Sequence[Picture], data: Path) -> torch.Tensor:
    return dual.encode_images([Image(data / each["file"]) for each in pictures])


def _named(pictures: Sequence[Picture], language: str) -> list[Picture]:
    return [each for each in pictures if language in each["names"]]


def _in(language: str) -> Namer:
    return lambda picture: str(picture["names"][language])


def _mixed(picture: Picture) -> str:
    """A name in a sentence of another language, both chosen by the picture."""
    source = random.Random(picture["code"])
    language = source.choice(sorted(picture["names"]))
    others = sorted(other for other in TEMPLATES if other != language)
    return source.choice(TEMPLATES[source.choice(others)]).replace("{}", picture["names"][language])


def _row(dual: Dual, title: str, language: str, chosen: Sequence[Picture], vectors: torch.Tensor, name: Namer) -> Row:
    """Pictures that share a cleaned name all count as right."""
    names = [cleaned_caption(name(each)) for each in chosen]
    scores = dual.encode_texts(names) @ vectors.T
    right = torch.tensor([[one == other for other in names] for one in names])
    shared = Counter(names)
    chance = 100 * sum(shared[each] for each in names) / len(names) ** 2
    return Row(title, language, len(names), round(chance, 2), _recalls(scores, right), _recalls(scores.T, right.T))


def _recalls(scores: torch.Tensor, right: torch.Tensor) -> dict[int, float]:
    order = scores.topk(max(KS)).indices
    hits = right.gather(1, order)
    return {k: round(100 * float(hits[:, :k].any(1).float().mean()), 1) for k in KS}


def table(rows: Sequence[Row]) -> str:
    """Markdown."""
    columns = ("pictures", "names in", "number", "chance", "picture@1", "@5", "@10", "name@1", "@5", "@10")
    head = f"| {' | '.join(columns)} |\n|---|---|{'---:|' * (len(columns) - 2)}\n"
    lines = [
        f"| {row.pictures_of} | {row.language} | {row.names} | {row.chance} | "
        + " | ".join(str(values[k]) for values in (row.pictures, row.texts) for k in KS)
        + " |"
        for row in rows
    ]
    return head + "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and put the table into the card."""
    parser = argparse.ArgumentParser(description="Measure internvl-dual-nano on pictures it has not seen.")
    parser.add_argument("--model", default="internvl-dual-nano")
    parser.add_argument("--data", type=Path, default=Path("runs/dual-data"))
    parser.add_argument(
        "--card", type=Path, help="the model card; the table goes between its marks, the figures into the .json beside it"
    )
    options = parser.parse_args()
    if not (options.data / "pictures.json").is_file():
        make(options.data)
    rows = measure(Dual.load(options.model, batch=128), options.data)
    print(table(rows))
    if options.card is not None:
        options.card.with_suffix(".json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")
        text = options.card.read_text("utf-8")
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        options.card.write_text(f"{before}{BEGIN}\n{table(rows)}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
