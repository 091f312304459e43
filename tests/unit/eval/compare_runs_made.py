"""Result folders made for the tests of comparing: a toy benchmark with pictures, and any scores one wants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import PIL.Image
import PIL.ImageDraw

from internvl.eval.results import SAMPLES_FILE, Result, dump_row, result_folder, save_result
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Decoding, Protocol, Task
from internvl.messages import Image, user

EVIL = '</script><script>alert("x")</script><img src=x onerror=alert(1)> & "quoted" \'single\''


class Toy(Task):
    """Five questions about three pictures below the root; the question of sample q1 holds HTML."""

    name = "toy"
    title = "Toy"
    splits = ("val",)
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {"val": ("toy.jsonl",)}
    variants: ClassVar[Mapping[str, Protocol]] = {"internvl": Protocol(max_tiles=6, decoding=Decoding(max_new_tokens=10))}
    metric = "accuracy"

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """q0 ... q4."""
        for row in range(5):
            text = EVIL if row == 1 else f"第 {row} 个数字是什么？ What number?"
            yield Sample(id=f"q{row}", messages=(user(Image(root / f"{row % 3}.png"), text),), reference=str(row), row=row + 1)

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        """1 for the reference."""
        return {"score": float(answers[-1] == sample.reference), "prediction": answers[-1]}


TASK = Toy


def draw_pictures(root: Path, *, size: tuple[int, int] = (900, 600)) -> None:
    """0.png, 1.png, 2.png: large numbers on colours."""
    root.mkdir(parents=True, exist_ok=True)
    for number, colour in enumerate(("#d0e8ff", "#ffe0c0", "#d8f0d0")):
        picture = PIL.Image.new("RGB", size, colour)
        PIL.ImageDraw.Draw(picture).text((size[0] // 3, size[1] // 5), str(number), fill="black", font_size=size[1] // 2)
        picture.save(root / f"{number}.png")


def write_run(
    out: Path,
    points: Sequence[float],
    *,
    task: str = "toy",
    title: str = "Toy",
    split: str = "val",
    variant: str = "internvl",
    tiles: int = 6,
    ablation: bool = False,
    answers: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    references: Sequence[Any] | None = None,
    extra: Sequence[Mapping[str, Any]] | None = None,
    model: str = "internvl-nano",
    judge: str | None = None,
    **fields: Any,
) -> Path:
    """A folder as the runner leaves it. fields: of Result instead of what follows from the points (headline: 100 x mean)."""
    folder = result_folder(out, task, split, variant, tiles=tiles if ablation else None)
    count = len(points)
    names = ids or [f"q{row}" for row in range(count)]
    said = answers or [str(row) if score else "?" for row, score in enumerate(points)]
    gold = references or [str(row) for row in range(count)]
    rows = [
        Scored(
            id=names[row],
            row=row + 1,
            answers=(said[row],),
            reference=gold[row],
            extra=extra[row] if extra else {},
            score={"score": points[row], "prediction": said[row]},
        )
        for row, score in enumerate(points)
    ]
    mean = sum(points) / count if count else 0.0
    values: dict[str, Any] = {
        "task": task,
        "title": title,
        "split": split,
        "variant": variant,
        "metric": "accuracy",
        "headline": 100 * mean,
        "scores": {"accuracy": mean, "groups": {"even": 0.5, "odd": {"small": 0.25}}},
        "samples": count,
        "total": count,
        "recipe": _recipe(tiles, model, judge),
    }
    save_result(Result(**(values | fields)), folder)
    (folder / SAMPLES_FILE).write_bytes(b"".join(dump_row(row) for row in rows))
    return folder


def _recipe(tiles: int, model: str, judge: str | None) -> dict[str, Any]:
    return {
        "protocol": {"max_tiles": tiles, "dynamic": True, "decoding": {"max_new_tokens": 10}},
        "generator": {"name": model, "hash": "sha256:00"},
        "data": {"toy.jsonl": "sha256:11"},
        "questions": "sha256:22",
        "judge": None if judge is None else {"model": judge},
        "setting": {"commit": "abc"},
    }
