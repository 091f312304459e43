"""Pictures and captions as files that `internvl train` reads.

    Labelled of all sets -> OUT/pictures/STYLE/CODE.png (128 px, on a plain ground)
                         -> OUT/pictures.json: style, code, file, split, names
                         -> OUT/train.jsonl: a line for each trained picture and language

A caption is the name; now and then a keyword, or the name in a sentence, which may be of another language: people mix them.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image
from recipes.dual_nano.clip_art import clip_art
from recipes.dual_nano.concepts import TRAINED_SETS, UNSEEN_SET, concepts, emoji
from recipes.dual_nano.labelled import Labelled, held_out
from recipes.dual_nano.stamps import stamps
from recipes.nano.data.svg import draw_svg

from internvl.engine.dual_prompts import TEMPLATES

SIDE = 128
GROUNDS = ("white", "white", "white", "#f2f2f2", "#dfe9f5", "#fdf6e3", "#222222", "#cfe8cf", "#f5d6d6")
KEYWORD, SENTENCE = 0.15, 0.2
REPEATS = {"stamps": 2, "clip-art": 3}  # there are few of them, and in fewer languages
SEED = 7


def make(out: Path) -> None:
    """Draw what is missing, then write the lists. Raises MissingMaterial."""
    found = list(pictures())
    for style in {each.style for each in found}:
        (out / "pictures" / style).mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as pool:
        drawn = list(pool.map(_draw, found, [out] * len(found), chunksize=32))
    kept = [each for each, good in zip(found, drawn, strict=True) if good]
    (out / "pictures.json").write_text(json.dumps([_row(each) for each in kept], ensure_ascii=False), encoding="utf-8")
    source = random.Random(SEED)
    with (out / "train.jsonl").open("w", encoding="utf-8") as file:
        for each in kept:
            if split(each) == "train":
                file.writelines(_line(each.file, said) + "\n" for said in _captions(source, each))


def pictures() -> Iterator[Labelled]:
    """Every picture of every set, emoji first, with names in the languages that name emoji."""
    for style in (*TRAINED_SETS, UNSEEN_SET):
        yield from emoji(style)
    spoken = {language for concept in concepts() for language in concept.names}
    for each in stamps():
        yield replace(each, names={language: name for language, name in each.names.items() if language in spoken})
    yield from clip_art({concept.names["en"].lower(): concept.names for concept in concepts()})


def split(each: Labelled) -> str:
    """train, or unseen: another drawing style, or a photograph or drawing that is held out."""
    unseen = each.style == UNSEEN_SET or (each.style not in TRAINED_SETS and held_out(each.style, each.code))
    return "unseen" if unseen else "train"


def caption(source: random.Random, each: Labelled, language: str) -> str:
    """What is said of a picture in a language."""
    name, keywords = each.names[language], each.keywords.get(language, ())
    if keywords and source.random() < KEYWORD:
        return source.choice(keywords)
    if source.random() < SENTENCE:
        # Of the language's own sentences half of the time, of any otherwise.
        own = TEMPLATES.get(language.partition("-")[0])
        chosen = own if own and source.random() < 0.5 else TEMPLATES[source.choice(sorted(TEMPLATES))]
        return source.choice(chosen).replace("{}", name)
    return name


def _captions(source: random.Random, each: Labelled) -> Iterator[str]:
    for _ in range(REPEATS.get(each.style, 1)):
        for language in each.names:
            yield caption(source, each, language)


def _row(each: Labelled) -> dict[str, Any]:
    return {"style": each.style, "code": each.code, "file": each.file, "split": split(each), "photo": each.cut_out, "names": each.names}


def _line(file: str, said: str) -> str:
    turns = [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": said}]
    return json.dumps({"image": file, "conversations": turns}, ensure_ascii=False)


def _draw(each: Labelled, out: Path) -> bool:
    """One picture, unless it is there; whether it could be drawn."""
    file = out / each.file
    if file.is_file():
        return True
    picture = _rendered(each.source)
    if picture is None:
        return False
    picture.thumbnail((SIDE - 8, SIDE - 8), Image.Resampling.LANCZOS)
    ground = Image.new("RGB", (SIDE, SIDE), random.Random(f"{each.style}/{file.name}").choice(GROUNDS))
    ground.paste(picture, ((SIDE - picture.width) // 2, (SIDE - picture.height) // 2), picture)
    unfinished = file.with_suffix(".tmp")
    ground.save(unfinished, format="PNG")
    unfinished.replace(file)
    return True


def _rendered(source: str | Path) -> Image.Image | None:
    try:
        if isinstance(source, Path) and source.suffix != ".svg":
            return Image.open(source).convert("RGBA")
        text = source.read_text("utf-8") if isinstance(source, Path) else source
        return draw_svg(text, SIDE)
    except (ValueError, OSError):
        return None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draw the pictures of internvl-dual-nano and write their captions.")
    parser.add_argument("--out", type=Path, default=Path("runs/dual-data"))
    make(parser.parse_args().out)
