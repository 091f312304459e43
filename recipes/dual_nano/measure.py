"""How well internvl-dual-nano finds what it has not seen: another drawing style, and stamps, most of which are photographs.

names in a language x pictures of a style -> recall@1, @5, @10 of the right picture, and of the right name
-> a table for docs/models/internvl-dual-nano.md, and measured.json

python -m recipes.dual_nano.measure --model internvl-dual-nano --data runs/dual-data [--card docs/models/internvl-dual-nano.md]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from recipes.dual_nano.concepts import TRAINED_STYLES, UNSEEN_STYLE, concepts, languages

from internvl import Image
from internvl.engine.dual import Dual
from internvl.prompt.captions import cleaned_caption

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
KS = (1, 5, 10)


@dataclass(frozen=True)
class Row:
    """Recalls in percent, by k, of pictures for names and of names for pictures."""

    language: str
    style: str
    names: int
    pictures: dict[int, float]
    texts: dict[int, float]


def measure(dual: Dual, data: Path) -> list[Row]:
    """A row for each language on the unseen style, and for English on each trained one."""
    files: dict[str, dict[str, Path]] = {}
    for row in json.loads((data / "pictures.json").read_text("utf-8")):
        files.setdefault(row["style"], {})[row["code"]] = data / row["file"]
    seen = {style: dual.encode_images([Image(path) for path in found.values()]) for style, found in files.items()}
    rows = [_row(dual, language, UNSEEN_STYLE, list(files[UNSEEN_STYLE]), seen[UNSEEN_STYLE]) for language in languages()]
    return rows + [_row(dual, "en", style, list(files[style]), seen[style]) for style in TRAINED_STYLES]


def _row(dual: Dual, language: str, style: str, codes: list[str], images: torch.Tensor) -> Row:
    """Concepts that share a cleaned name all count as right."""
    by_code = {concept.code: concept for concept in concepts()}
    kept = [index for index, code in enumerate(codes) if language in by_code[code].names]
    names = [cleaned_caption(by_code[codes[index]].names[language]) for index in kept]
    scores = dual.encode_texts(names) @ images[kept].T
    right = torch.tensor([[one == other for other in names] for one in names])
    return Row(language, style, len(names), _recalls(scores, right), _recalls(scores.T, right.T))


def _recalls(scores: torch.Tensor, right: torch.Tensor) -> dict[int, float]:
    order = scores.topk(max(KS)).indices
    hits = right.gather(1, order)
    return {k: round(100 * float(hits[:, :k].any(1).float().mean()), 1) for k in KS}


def table(rows: list[Row]) -> str:
    """Markdown."""
    head = "| language | style | names | picture@1 | @5 | @10 | name@1 | @5 | @10 |\n|---|---|---:|---:|---:|---:|---:|---:|---:|\n"
    lines = [
        f"| {row.language} | {row.style}{'' if row.style == UNSEEN_STYLE else ' (trained)'} | {row.names} | "
        + " | ".join(str(values[k]) for values in (row.pictures, row.texts) for k in KS)
        + " |"
        for row in rows
    ]
    return head + "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and put the table into the card."""
    parser = argparse.ArgumentParser(description="Measure internvl-dual-nano on an unseen drawing style.")
    parser.add_argument("--model", default="internvl-dual-nano")
    parser.add_argument("--data", type=Path, default=Path("runs/dual-data"))
    parser.add_argument("--out", type=Path, default=Path("runs/dual-nano/measured.json"))
    parser.add_argument("--card", type=Path)
    options = parser.parse_args()
    rows = measure(Dual.load(options.model, batch=128), options.data)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps([vars(row) for row in rows], indent=1), encoding="utf-8")
    print(table(rows))
    if options.card is not None:
        text = options.card.read_text("utf-8")
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        options.card.write_text(f"{before}{BEGIN}\n{table(rows)}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
