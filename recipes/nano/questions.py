"""What can be asked about a scene, and the right answer: `turns(scene, source)` -> [(question, answer, task), ...].

Every kind of question has several wordings in English and Chinese. Answers are short: a word, a number, the text as it stands. A
question whose answer could be disputed (two red shapes and "the red one", a shape between two places) is never asked; a question
about something that isn't there gets an answer that says so.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from recipes.nano.lexicon import COLOURS, PLACES, SHAPES, Name
from recipes.nano.scene import Box, Scene
from recipes.nano.signs import kind_of


@dataclass(frozen=True)
class Turn:
    """One question and its answer; `task` names the column of the results table, `language` is en or zh."""

    question: str
    answer: str
    task: str
    language: str


# task -> language -> wordings. {shape}, {shapes}, {colour} and {thing} are filled in.
WORDINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "read": {
        "en": (
            "What does the sign say?",
            "What does it say?",
            "Read the text.",
            "What is written here?",
            "What text is in the picture?",
            "What is written in the picture?",
            "Please read the text in the image.",
            "What is the text?",
        ),
        "zh": ("牌子上写着什么？", "图中写着什么？", "图片上的文字是什么？", "请读出图中的文字。", "写的是什么？", "图里有什么字？"),
    },
    "read number": {
        "en": ("What number is this?", "What is the number?", "Which number do you see?", "Read the number."),
        "zh": ("这是什么数字？", "图中的数字是多少？", "数字是多少？", "请读出数字。"),
    },
    "read word": {
        "en": ("What word is this?", "What is the word?", "Which word do you see?", "Read the word."),
        "zh": ("这是什么字？", "这个词是什么？", "请读出这个词。"),
    },
    "shape": {
        "en": ("What shape is this?", "Which shape do you see?", "What is the shape?", "Name the shape."),
        "zh": ("这是什么形状？", "图中是什么图形？", "图形是什么形状？"),
    },
    "shape of colour": {
        "en": ("What shape is {colour}?", "What is the {colour} shape?", "Which shape is {colour}?"),
        "zh": ("{colour}的是什么形状？", "{colour}的图形是什么？", "哪个图形是{colour}的？"),
    },
    "colour": {
        "en": ("What colour is the {shape}?", "What color is the {shape}?", "Which colour is the {shape}?"),
        "zh": ("{shape}是什么颜色？", "{shape}是什么颜色的？", "{shape}的颜色是什么？"),
    },
    "colour of text": {
        "en": ("What colour is the text?", "What color is the text?", "Which colour are the letters?"),
        "zh": ("文字是什么颜色？", "字是什么颜色的？", "文字的颜色是什么？"),
    },
    "background": {
        "en": ("What colour is the background?", "What color is the background?"),
        "zh": ("背景是什么颜色？", "背景的颜色是什么？"),
    },
    "count": {
        "en": ("How many shapes are there?", "How many shapes do you see?", "Count the shapes."),
        "zh": ("有几个图形？", "图中有多少个图形？", "一共有几个图形？", "数一数有几个图形。"),
    },
    "count some": {
        "en": ("How many {thing} are there?", "How many {thing} do you see?", "Count the {thing}."),
        "zh": ("有几个{thing}？", "图中有多少个{thing}？", "数一数有几个{thing}。"),
    },
    "place": {
        "en": ("Where is the {thing}?", "In which part of the picture is the {thing}?", "Where do you see the {thing}?"),
        "zh": ("{thing}在哪里？", "{thing}在图中的什么位置？", "{thing}在哪儿？"),
    },
    "exists": {
        "en": ("Is there a {thing}?", "Is there a {thing} in the picture?", "Do you see a {thing}?"),
        "zh": ("有{thing}吗？", "图中有{thing}吗？", "有没有{thing}？"),
    },
    "describe": {
        "en": ("Describe the picture.", "What is in the picture?", "What do you see?", "Describe the image."),
        "zh": ("描述一下这张图片。", "图中有什么？", "你看到了什么？", "请描述图片。"),
    },
}

NO_TEXT = {"en": "There is no text in the picture.", "zh": "图中没有文字。"}
NO_SHAPES = {"en": "There are no shapes in the picture.", "zh": "图中没有图形。"}
NO_THING = {"en": "There is no {thing} in the picture.", "zh": "图中没有{thing}。"}
NOTHING = {"en": "The picture is empty.", "zh": "图中什么也没有。"}
YES, NO = {"en": "yes", "zh": "有"}, {"en": "no", "zh": "没有"}
TEXT = Name("text", "文字")
# Asked twice, these would teach copying the first answer instead of looking again.
ASKED_ONCE = ("read", "no text", "no shapes", "describe", "background")
EDGE = 0.035  # how far from the border between two places a centre must lie, as a share of the side

# How often each kind is chosen where it can be asked: reading is the hardest and gets the most.
WEIGHTS = {
    "read": 10.0,
    "no text": 0.8,
    "shape": 3.0,
    "no shapes": 0.5,
    "colour": 3.0,
    "count": 3.0,
    "place": 3.0,
    "exists": 1.5,
    "absent": 0.7,
    "describe": 2.5,
    "background": 1.0,
}


def turns(scene: Scene, source: random.Random, count: int) -> list[Turn]:
    """Up to `count` different questions about a scene, in random order; a conversation mostly keeps to one language."""
    language = source.choice(("en", "zh"))
    possible = {name: make for name, make in MAKERS.items() if _fits(name, scene)}
    chosen: dict[tuple[str, str], Turn] = {}
    while possible and len(chosen) < count:
        name = source.choices(tuple(possible), [WEIGHTS[name] for name in possible])[0]
        turn = possible[name](scene, source, language if source.random() < 0.9 else source.choice(("en", "zh")))
        if name in ASKED_ONCE or turn is None or (name, turn.question) in chosen:
            del possible[name]
        if turn is not None:
            chosen[name, turn.question] = turn
    return list(chosen.values())


def all_phrases() -> Iterator[str]:
    """Every wording and fixed answer with every name filled in: what the tokenizer must know."""
    for by_language in WORDINGS.values():
        for language, wordings in by_language.items():
            for wording in wordings:
                yield from _filled(wording, language)
    for table in (NO_TEXT, NO_SHAPES, NO_THING, NOTHING, YES, NO):
        for language, wording in table.items():
            yield from _filled(wording, language)
    yield 'a red circle, a blue square and the text "'
    yield "一个红色的圆形、一个蓝色的正方形和文字“出口”"
    for name in (*(place for row in PLACES for place in row), TEXT):
        yield f"x {name.en} {name.zh}"


def _filled(wording: str, language: str) -> Iterator[str]:
    for shape in SHAPES:
        for colour in COLOURS:
            yield wording.format(
                shape=_say(shape, language),
                colour=_say(colour.name, language),
                thing=_say(colour.name, language) + (" " + shape.plural if language == "en" else "的" + shape.zh),
            )


def _fits(name: str, scene: Scene) -> bool:
    needs = {
        "read": bool(scene.lines),
        "no text": not scene.lines,
        "shape": bool(scene.shapes),
        "no shapes": not scene.shapes,
        "colour": bool(scene.shapes or scene.lines),
        "count": bool(scene.shapes),
        "place": bool(scene.shapes or scene.lines),
        "background": scene.background.name is not None,
    }
    return needs.get(name, True)


def _ask(task: str, wording: str, answer: str, language: str, source: random.Random, **names: str) -> Turn:
    return Turn(source.choice(WORDINGS[wording][language]).format(**names), answer, task, language)


def _read(scene: Scene, source: random.Random, language: str) -> Turn:
    text = reading_order(scene)
    kind = kind_of(text)
    wording = "read"
    if source.random() < 0.3 and " " not in text:
        wording = "read number" if kind == "number" else "read word" if text.isalpha() else "read"
    return _ask(f"read {kind}", wording, text, language, source)


def _no_text(scene: Scene, source: random.Random, language: str) -> Turn:
    wording = source.choice(("read", "read", "read number", "read word", "colour of text"))
    return _ask("refuse", wording, NO_TEXT[language], language, source)


def _shape(scene: Scene, source: random.Random, language: str) -> Turn | None:
    if len(scene.shapes) == 1 and source.random() < 0.5:
        return _ask("shape", "shape", _say(SHAPES[scene.shapes[0].kind], language), language, source)
    single = [shape for shape in scene.shapes if sum(other.colour == shape.colour for other in scene.shapes) == 1]
    if not single:
        return None
    shape = source.choice(single)
    colour = _say(COLOURS[shape.colour].name, language)
    return _ask("shape", "shape of colour", _say(SHAPES[shape.kind], language), language, source, colour=colour)


def _no_shapes(scene: Scene, source: random.Random, language: str) -> Turn:
    return _ask("refuse", source.choice(("shape", "count")), NO_SHAPES[language], language, source)


def _colour(scene: Scene, source: random.Random, language: str) -> Turn | None:
    if scene.lines and (not scene.shapes or source.random() < 0.25):
        if len({line.colour for line in scene.lines}) > 1:
            return None
        return _ask("colour", "colour of text", _say(COLOURS[scene.lines[0].colour].name, language), language, source)
    single = [shape for shape in scene.shapes if sum(other.kind == shape.kind for other in scene.shapes) == 1]
    if not single:
        return None
    shape = source.choice(single)
    answer = _say(COLOURS[shape.colour].name, language)
    return _ask("colour", "colour", answer, language, source, shape=_say(SHAPES[shape.kind], language))


def _count(scene: Scene, source: random.Random, language: str) -> Turn:
    if source.random() < 0.5:
        return _ask("count", "count", str(len(scene.shapes)), language, source)
    kind = source.choice(scene.shapes).kind
    if source.random() < 0.6:
        thing = SHAPES[kind].plural if language == "en" else SHAPES[kind].zh
        answer = sum(shape.kind == kind for shape in scene.shapes)
    else:
        colour = source.choice(scene.shapes).colour
        thing = f"{COLOURS[colour].name.en} shapes" if language == "en" else f"{COLOURS[colour].name.zh}的图形"
        answer = sum(shape.colour == colour for shape in scene.shapes)
    return _ask("count", "count some", str(answer), language, source, thing=thing)


def _place(scene: Scene, source: random.Random, language: str) -> Turn | None:
    named = _unique_things(scene, language)
    if not named:
        return None
    thing, box = source.choice(named)
    place = place_of(box, scene)
    return None if place is None else _ask("place", "place", _say(place, language), language, source, thing=thing)


def _exists(scene: Scene, source: random.Random, language: str) -> Turn:
    seen = {(shape.kind, shape.colour) for shape in scene.shapes}
    if seen and source.random() < 0.5:
        kind, colour = source.choice(sorted(seen))
    else:
        kind, colour = source.randrange(len(SHAPES)), source.randrange(len(COLOURS))
    if source.random() < 0.4:
        there = any(shape.kind == kind for shape in scene.shapes)
        return _ask("exists", "exists", (YES if there else NO)[language], language, source, thing=_say(SHAPES[kind], language))
    answer = (YES if (kind, colour) in seen else NO)[language]
    return _ask("exists", "exists", answer, language, source, thing=thing_name(kind, colour, language))


def _absent(scene: Scene, source: random.Random, language: str) -> Turn | None:
    missing = [kind for kind in range(len(SHAPES)) if all(shape.kind != kind for shape in scene.shapes)]
    if not missing:
        return None
    shape = _say(SHAPES[source.choice(missing)], language)
    answer = NO_THING[language].format(thing=shape)
    wording = source.choice(("colour", "place"))
    return _ask("refuse", wording, answer, language, source, shape=shape, thing=shape)


def _describe(scene: Scene, source: random.Random, language: str) -> Turn:
    return _ask("describe", "describe", description(scene, language), language, source)


def _background_colour(scene: Scene, source: random.Random, language: str) -> Turn:
    name = COLOURS[scene.background.name or 0].name
    return _ask("colour", "background", _say(name, language), language, source)


MAKERS: dict[str, Callable[[Scene, random.Random, str], Turn | None]] = {
    "read": _read,
    "no text": _no_text,
    "shape": _shape,
    "no shapes": _no_shapes,
    "colour": _colour,
    "count": _count,
    "place": _place,
    "exists": _exists,
    "absent": _absent,
    "describe": _describe,
    "background": _background_colour,
}


def reading_order(scene: Scene) -> str:
    """All text of a scene, upper lines first."""
    return " ".join(line.text for line in sorted(scene.lines, key=lambda line: line.box[1] + line.box[3]))


def description(scene: Scene, language: str) -> str:
    """Shapes from left to right, then the text."""
    shapes = sorted(scene.shapes, key=lambda shape: shape.box[0] + shape.box[2])
    parts = [thing_name(shape.kind, shape.colour, language) for shape in shapes]
    if language == "zh":
        parts = [f"一个{part}" for part in parts] + ([f"文字“{reading_order(scene)}”"] if scene.lines else [])
        return _joined(parts, "、", "和", NOTHING["zh"])
    parts = [f"{_article(part)} {part}" for part in parts]
    return _joined(parts + ([f'the text "{reading_order(scene)}"'] if scene.lines else []), ", ", " and ", NOTHING["en"])


def thing_name(kind: int, colour: int, language: str) -> str:
    """red circle, 红色的圆形."""
    if language == "zh":
        return f"{COLOURS[colour].name.zh}的{SHAPES[kind].zh}"
    return f"{COLOURS[colour].name.en} {SHAPES[kind].en}"


def place_of(box: Box, scene: Scene) -> Name | None:
    """Which ninth of the picture the centre of a box lies in; None when it is too near a border to be sure."""
    x, y = (box[0] + box[2]) / 2 / scene.width, (box[1] + box[3]) / 2 / scene.height
    if min(abs(value - border) for value in (x, y) for border in (1 / 3, 2 / 3)) < EDGE:
        return None
    return PLACES[min(2, int(y * 3))][min(2, int(x * 3))]


def _unique_things(scene: Scene, language: str) -> list[tuple[str, Box]]:
    """Names that mean exactly one thing of the scene, with its box."""
    named = []
    for shape in scene.shapes:
        if sum(other.kind == shape.kind for other in scene.shapes) == 1:
            named.append((_say(SHAPES[shape.kind], language), shape.box))
        elif sum((other.kind, other.colour) == (shape.kind, shape.colour) for other in scene.shapes) == 1:
            named.append((thing_name(shape.kind, shape.colour, language), shape.box))
    if len(scene.lines) == 1:
        named.append((_say(TEXT, language), scene.lines[0].box))
    return named


def _say(name: Name, language: str) -> str:
    return name.zh if language == "zh" else name.en


def _article(words: str) -> str:
    return "an" if words[0] in "aeiou" else "a"


def _joined(parts: list[str], comma: str, last: str, empty: str) -> str:
    if not parts:
        return empty
    return parts[0] if len(parts) == 1 else comma.join(parts[:-1]) + last + parts[-1]
