"""Draw docs/images/overview.svg: the way from a picture to an answer, with what the embedded model really says of the example.

python docs/images/draw_overview.py && rsvg-convert docs/images/overview.svg -o docs/images/overview.png
"""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path

import internvl

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURE = ROOT / "examples" / "sign.png"
QUESTIONS = ("What does the sign say?", "What colour is the star?", "牌子上写着什么？", "圆形是什么颜色？")


def main() -> None:
    """Ask, draw, write."""
    vlm = internvl.load("internvl-nano")
    image = internvl.Image(PICTURE)
    grid = vlm.policy.grid(*vlm.processor.count(internvl.messages.user(image)).media[0].size)
    answers = [(question, vlm.chat(question, image)) for question in QUESTIONS]
    body = [*tiles(grid), *boxes(), *terminal(answers), *captions()]
    frame = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="1200" height="470" '
        'viewBox="0 0 1200 470" font-family="DejaVu Sans, Noto Sans CJK SC, Noto Serif CJK SC, sans-serif">'
        '<defs><marker id="a" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L10 5L0 10z" fill="#64748b"/></marker></defs><rect width="1200" height="470" fill="#ffffff"/>'
    )
    Path(__file__).with_name("overview.svg").write_text("\n".join([frame, *body, "</svg>"]), "utf-8")


def tiles(grid: tuple[int, int]) -> list[str]:
    """The picture under its grid, and its thumbnail."""
    data = base64.b64encode(PICTURE.read_bytes()).decode()
    columns, rows = grid
    cuts = [f"M{40 + 200 * c / columns} 60V260" for c in range(1, columns)] + [f"M40 {60 + 200 * r / rows}H240" for r in range(1, rows)]
    dashed = 'stroke="#ef4444" stroke-width="2" fill="none" stroke-dasharray="6 4"'
    return [
        heading(40, 42, "a picture, in tiles"),
        f'<image x="40" y="60" width="200" height="200" xlink:href="data:image/png;base64,{data}"/>',
        f'<rect x="40" y="60" width="200" height="200" {dashed}/><path d="{"".join(cuts)}" {dashed}/>',
        f'<image x="252" y="200" width="60" height="60" xlink:href="data:image/png;base64,{data}"/>',
        f'<rect x="252" y="200" width="60" height="60" {dashed}/>',
        small(40, 280, "grid chosen by aspect ratio"),
        small(252, 280, "thumbnail"),
    ]


def boxes() -> list[str]:
    """The three parts and the arrows between them."""
    return [
        box(370, 70, 110, "InternViT", ("one vector a 14 px patch,", "each tile encoded once"), "#eef2ff"),
        box(370, 215, 90, "projector", ("2 x 2 patches become", "one visual token"), "#ecfdf5"),
        box(
            640,
            120,
            140,
            "language model",
            ("Qwen2, InternLM2, Llama,", "Phi-3, Yi: one decoder,", "its key cache kept", "between turns"),
            "#fff7ed",
        ),
        arrow(316, 125, 366, 125),
        arrow(465, 180, 465, 211),
        arrow(560, 260, 636, 215),
        arrow(830, 190, 866, 190),
        small(600, 300, "placeholders go in by id:"),
        small(600, 319, "typed text can't forge them"),
    ]


def terminal(answers: list[tuple[str, str]]) -> list[str]:
    """Questions and the model's own answers."""
    lines = ['<rect x="870" y="60" width="300" height="270" rx="10" fill="#0f172a"/>']
    for number, (question, answer) in enumerate(answers):
        y = 96 + 60 * number
        lines += [mono(890, y, f"&gt; {escape(question)}", "#93c5fd"), mono(890, y + 26, escape(answer), "#f8fafc")]
    return lines


def captions() -> list[str]:
    """What the package promises, below."""
    return [
        heading(40, 345, "every released chat checkpoint, both layouts"),
        small(40, 370, "Chat-V1-1, V1-2, V1-5, Mini, 2.0 (1B to 76B), 2.5, 3, 3.5 dense"),
        heading(40, 412, "correct to the token"),
        small(40, 437, "replies equal the original's: text, images, two turns, video, batch"),
        mono(640, 405, 'vlm = internvl.load("internvl-nano")', "#1f2937"),
        mono(640, 432, 'vlm.chat("What does the sign say?", internvl.Image("sign.png"))', "#1f2937"),
    ]


def box(x: int, y: int, height: int, title: str, lines: tuple[str, ...], colour: str) -> str:
    """A part of the model."""
    text = "".join(small(x + 95, y + 56 + 19 * i, line, "middle") for i, line in enumerate(lines))
    shape = f'<rect x="{x}" y="{y}" width="190" height="{height}" rx="10" fill="{colour}" stroke="#94a3b8"/>'
    return shape + heading(x + 95, y + 32, title, "middle") + text


def arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    """From one part to the next."""
    return f'<path d="M{x1} {y1}L{x2} {y2}" stroke="#64748b" stroke-width="2.5" marker-end="url(#a)"/>'


def heading(x: int, y: int, text: str, anchor: str = "start") -> str:
    """A bold line."""
    return f'<text x="{x}" y="{y}" font-size="17" font-weight="bold" fill="#1f2937" text-anchor="{anchor}">{text}</text>'


def small(x: int, y: int, text: str, anchor: str = "start") -> str:
    """An explaining line."""
    return f'<text x="{x}" y="{y}" font-size="13.5" fill="#4b5563" text-anchor="{anchor}">{text}</text>'


def mono(x: int, y: int, text: str, colour: str) -> str:
    """A line of a terminal."""
    family = "DejaVu Sans Mono, Noto Serif CJK SC, monospace"
    return f'<text x="{x}" y="{y}" font-size="14" font-family="{family}" fill="{colour}">{text}</text>'


if __name__ == "__main__":
    main()
