"""A benchmark of sums and a model that adds, for tests of the runner; also a program, so that a run can be killed.

python eval_toy.py ROOT OUT [--shard I/N] [--die-at BYTES]     dies in the middle of a write, after so many bytes of samples.jsonl
"""

from __future__ import annotations

import argparse
import json
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from internvl.errors import MediaError
from internvl.eval.generator import Ask
from internvl.eval.generators.fake import FakeGenerator
from internvl.eval.journal import Journal
from internvl.eval.results import Result, dump_row
from internvl.eval.runner import run_task
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Decoding, Protocol, Task
from internvl.messages import Message, user


class Sums(Task):
    """a + b = ? from sums.jsonl; a sum that is divisible by three gets a second question."""

    name = "sums"
    title = "Sums"
    splits = ("test", "val")
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {"test": ("sums.jsonl",), "val": ("val.jsonl",)}
    variants: ClassVar[Mapping[str, Protocol]] = {
        "internvl": Protocol(max_tiles=6, decoding=Decoding(max_new_tokens=10)),
        "other": Protocol(max_tiles=12, decoding=Decoding(max_new_tokens=100), note="asked another way"),
    }
    metric = "accuracy"
    published: ClassVar[Mapping[str, str]] = {"test": "Sums test"}

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        for row, line in enumerate((root / self.files[split][0]).read_text("utf-8").splitlines(), start=1):
            record = json.loads(line)
            question = f"{record['a']} + {record['b']}"
            gold = record["a"] + record["b"]
            yield Sample(id=record["id"], messages=(user(question),), reference=gold, extra={"a": record["a"]}, row=row)

    def follow_up(self, sample: Sample, answers: Sequence[str]) -> Message | None:
        return user("Sure?") if sample.reference % 3 == 0 and len(answers) == 1 else None

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        return {"score": float(answers[0] == str(sample.reference)), "prediction": answers[0], "turns": len(answers)}

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        return {**super().aggregate(rows), "turns": sum(row.score["turns"] for row in rows)}


def write_sums(root: Path, count: int, *, name: str = "sums.jsonl", shift: int = 0) -> Path:
    """A file of sums with ids that are no numbers and words beyond ASCII."""
    root.mkdir(parents=True, exist_ok=True)
    records = ({"id": f"s{i}·é", "a": i, "b": i * i % 7 + shift} for i in range(count))
    (root / name).write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return root


def adds(ask: Ask) -> str:
    """Adds, but not sevens; on "13" the picture is damaged; says what it was asked in a second turn."""
    first = ask.messages[0].text
    if ask.turn:
        return f"yes, {ask.messages[1].text} of {first}"
    left, right = (int(word) for word in first.split(" + "))
    if left % 20 == 13:
        raise MediaError(f"{left}.png is damaged")
    return str(left + right) if left % 7 else "no idea"


def run_sums(root: Path, out: Path, *, reply: Any = adds, **options: Any) -> Result:
    """Run it with a fake model."""
    return run_task(Sums(), FakeGenerator(reply, batch_size=4), root=root, out=out, **options)


def lines_of(result_or_folder: Result | Path) -> list[dict[str, Any]]:
    """The stored samples as they are."""
    folder = result_or_folder.folder if isinstance(result_or_folder, Result) else result_or_folder
    assert folder is not None
    return [json.loads(line) for line in (folder / "samples.jsonl").read_text("utf-8").splitlines()]


def _die_at(byte: int) -> None:
    """Make the journal stop in the middle of a write, as a kill does."""
    original = Journal.append

    def append(self: Journal, rows: Sequence[Scored]) -> None:
        content = b"".join(dump_row(row) for row in rows)
        before = self.path.stat().st_size
        if before + len(content) > byte:
            with self.path.open("ab") as file:
                file.write(content[: max(0, byte - before)])
            os.kill(os.getpid(), signal.SIGKILL)
        original(self, rows)

    Journal.append = append  # type: ignore[method-assign]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--shard", default="0/1")
    parser.add_argument("--die-at", type=int)
    options = parser.parse_args()
    if options.die_at is not None:
        _die_at(options.die_at)
    index, count = options.shard.split("/")
    run_sums(options.root, options.out, shard=(int(index), int(count)))


if __name__ == "__main__":
    main()
