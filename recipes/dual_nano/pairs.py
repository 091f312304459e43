"""Pictures and captions as files that `internvl train` reads.

    drawings of each style -> OUT/pictures/STYLE/CODE.png (128 px, on a plain ground), OUT/pictures.json: style, code, file
                           -> OUT/train.jsonl, one line a picture and language, of the styles that are trained

A caption is the concept's name; now and then a keyword, or the name in a sentence, which may be of another language: people mix them.
"""

from __future__ import annotations

import argparse
import io
import json
import random
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from PIL import Image
from recipes.dual_nano.concepts import STYLES, TRAINED_STYLES, Concept, concepts, drawings

from internvl.engine.dual_prompts import TEMPLATES

SIDE = 128
GROUNDS = ("white", "white", "white", "#f2f2f2", "#dfe9f5", "#fdf6e3", "#222222", "#cfe8cf", "#f5d6d6")
KEYWORD, SENTENCE = 0.15, 0.2
SEED = 7


def make(out: Path) -> None:
    """Draw what is missing, then write the lines. Raises MissingMaterial."""
    rows = []
    with ProcessPoolExecutor() as pool:
        for style in STYLES:
            (out / "pictures" / style).mkdir(parents=True, exist_ok=True)
            jobs = [(source, out / "pictures" / style / f"{concept.code}.png") for concept, source in drawings(style)]
            drawn = list(pool.map(_draw, jobs, chunksize=32))
            rows += [
                {"style": style, "code": file.stem, "file": str(file.relative_to(out))}
                for (_, file), good in zip(jobs, drawn, strict=True)
                if good
            ]
    (out / "pictures.json").write_text(json.dumps(rows), encoding="utf-8")
    by_code = {concept.code: concept for concept in concepts()}
    source = random.Random(SEED)
    with (out / "train.jsonl").open("w", encoding="utf-8") as file:
        for row in rows:
            if row["style"] in TRAINED_STYLES:
                for language, name in by_code[row["code"]].names.items():
                    file.write(_line(row["file"], caption(source, by_code[row["code"]], language, name)) + "\n")


def caption(source: random.Random, concept: Concept, language: str, name: str) -> str:
    """What is said of a picture in a language."""
    keywords = concept.keywords.get(language, ())
    if keywords and source.random() < KEYWORD:
        return source.choice(keywords)
    if source.random() < SENTENCE:
        # Of the language's own sentences half of the time, of any otherwise.
        own = TEMPLATES.get(language.partition("-")[0])
        chosen = own if own and source.random() < 0.5 else TEMPLATES[source.choice(sorted(TEMPLATES))]
        return source.choice(chosen).replace("{}", name)
    return name


def _line(file: str, said: str) -> str:
    turns = [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": said}]
    return json.dumps({"image": file, "conversations": turns}, ensure_ascii=False)


def _draw(job: tuple[str | Path, Path]) -> bool:
    """One picture, unless it is there; whether it could be drawn."""
    source, file = job
    if file.is_file():
        return True
    picture = _rendered(source)
    if picture is None:
        return False
    picture.thumbnail((SIDE - 8, SIDE - 8), Image.Resampling.LANCZOS)
    ground = Image.new("RGB", (SIDE, SIDE), random.Random(f"{file.parent.name}/{file.name}").choice(GROUNDS))
    ground.paste(picture, ((SIDE - picture.width) // 2, (SIDE - picture.height) // 2), picture)
    unfinished = file.with_suffix(".tmp")
    ground.save(unfinished, format="PNG")
    unfinished.replace(file)
    return True


def _rendered(source: str | Path) -> Image.Image | None:
    import resvg_py

    try:
        if isinstance(source, Path):
            return Image.open(source).convert("RGBA")
        return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=source, width=SIDE)))).convert("RGBA")
    except (ValueError, OSError):
        return None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draw the pictures of internvl-dual-nano and write their captions.")
    parser.add_argument("--out", type=Path, default=Path("runs/dual-data"))
    make(parser.parse_args().out)
