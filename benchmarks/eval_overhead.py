"""What the evaluation loop itself costs a sample, on a model that answers at once: `python -m benchmarks.eval_overhead`.

    one TSV in VLMEvalKit's format -> ours: run_task with RealWorldQA (read, ask, score, journal, result)
                                   -> VLMEvalKit's loop: read, dump the picture, ask, pickle all answers every 10 samples
    each in a fresh process, in turns -> ms of wall and processor time a sample, MB -> benchmarks/results

Where VLMEvalKit can be imported (PyPI: ms-vlmeval), its own `infer_data` and its own dataset class are run. Elsewhere the second column
is a RE-STATEMENT of what that function does; the printed and stored name says which it was. Scoring is in our figure only.
"""

from __future__ import annotations

import argparse
import ast
import base64
import csv
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import os
import pickle
import random
import shutil
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy
import PIL.Image

from internvl.eval.generators.fake import FakeGenerator
from internvl.eval.runner import run_task
from internvl.eval.tasks import task_named

LETTERS = "ABCD"
COLUMNS = ("index", "image", "question", *LETTERS, "answer", "category")
DUMP_EVERY = 10
RESULTS = Path(__file__).parent / "results"
FIELDS = ("wall_ms", "cpu_ms", "peak_mb", "peak_mb_before")

Job = Callable[[], None]


def main() -> int:
    """Measure in turns, print, store."""
    options = _options()
    if options.contender:
        print(json.dumps(timed(CONTENDERS[options.contender], options.root, options.rows)))
        return 0
    # Here, not above: it imports torch, which would be in the memory of our column.
    from benchmarks.machine import describe, moment

    before = moment()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "RealWorldQA.tsv"
        write_tsv(path, options.rows, options.side)
        megabytes = path.stat().st_size / 1e6
        opening = opening_ms(path)
        figures = in_turns(Path(folder), options.rows, options.rounds)
    row = {
        "date": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
        "command": "python -m benchmarks.eval_overhead " + " ".join(sys.argv[1:]),
        **describe(),
        "evalkit": _evalkit_versions(),
        "rows": options.rows,
        "side": options.side,
        "tsv_mb": round(megabytes, 1),
        "rounds": options.rounds,
        "before": before,
        "after": moment(),
        "unit": "ms a sample; MB of the process at its highest, and before the loop began",
        "opening_one_picture_cpu_ms": round(opening, 3),
        "figures": figures,
    }
    for name, each in figures.items():
        print(
            f"{each['wall_ms']['median']:9.3f} ms {each['cpu_ms']['median']:9.3f} ms CPU {each['peak_mb']['median']:7.0f} MB   {name}"
        )
    options.out.mkdir(parents=True, exist_ok=True)
    stored = options.out / f"eval_overhead_{time.strftime('%Y%m%d_%H%M%S')}.json"
    stored.write_text(json.dumps(row, indent=1) + "\n", "utf-8")
    print(f"stored in {stored}")
    return 0


def in_turns(root: Path, rows: int, rounds: int) -> dict[str, dict[str, dict[str, Any]]]:
    """Every contender once a round, in a process of its own -> name -> field -> median and all rounds."""
    measured: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        # VLMEvalKit keeps its picture files between runs; each round starts without them.
        shutil.rmtree(root / "images", ignore_errors=True)
        for key, name in names().items():
            words = [sys.executable, "-m", "benchmarks.eval_overhead", "--contender", key, "--root", str(root), "--rows", str(rows)]
            done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, "LMUData": str(root)})
            measured.setdefault(name, []).append(json.loads(done.stdout.splitlines()[-1]))
    return {
        name: {field: {"median": round(median(x[field] for x in each), 4), "all": [x[field] for x in each]} for field in FIELDS}
        for name, each in measured.items()
    }


def names() -> dict[str, str]:
    """Contender -> the name it is printed and stored under: VLMEvalKit's own loop, or its re-statement."""
    if importlib.util.find_spec("vlmeval") is not None:
        kit = {"evalkit": "VLMEvalKit, infer_data, first run", "evalkit_again": "VLMEvalKit, infer_data, picture files there"}
    else:
        kit = {"restated": "VLMEvalKit's loop, a re-statement (the package is not installed)"}
    return {"ours": "internvl", **kit}


def timed(prepare: Callable[[Path, Path], Job], root: Path, rows: int) -> dict[str, float]:
    """One run of one contender; what it imports and sets up before its data is read is not in the times."""
    with tempfile.TemporaryDirectory(dir=root) as out:
        job = prepare(root, Path(out) / "run")
        memory = _peak_mb()
        wall, busy = time.perf_counter(), time.process_time()
        job()
        busy, wall = time.process_time() - busy, time.perf_counter() - wall
    return {"wall_ms": wall / rows * 1e3, "cpu_ms": busy / rows * 1e3, "peak_mb": _peak_mb(), "peak_mb_before": memory}


def ours(root: Path, out: Path) -> Job:
    """Everything from the file to the result."""
    task = task_named("realworldqa")

    def job() -> None:
        result = run_task(task, FakeGenerator("A", batch_size=8), root=root, out=out)
        if not result.complete or result.failed:
            raise RuntimeError(f"our run is not what was to be measured: {result.notes}")

    return job


class OneWord:
    """A model of one word, with the interface of VLMEvalKit's adapters."""

    is_api = False

    def use_custom_prompt(self, dataset: str) -> bool:
        """The dataset's own prompt is taken."""
        return False

    def set_dump_image(self, dump: Any) -> None:
        """Called by the loop; pictures are dumped by the dataset's prompt."""

    def generate(self, message: Any, dataset: str | None = None) -> str:
        """At once, the picture file unopened."""
        return "A"


def evalkit(root: Path, out: Path) -> Job:
    """VLMEvalKit's own inference loop and dataset class on the same file."""
    _stand_ins()
    from vlmeval.dataset.image_mcq import ImageMCQDataset
    from vlmeval.inference import infer_data

    # The class compares the file's MD5 with the published file's and would download that; it is given this file's, so the check stays.
    ImageMCQDataset.DATASET_MD5["RealWorldQA"] = hashlib.md5((root / "RealWorldQA.tsv").read_bytes()).hexdigest()
    out.mkdir(parents=True)

    def job() -> None:
        infer_data(OneWord(), "fake", str(out), ImageMCQDataset("RealWorldQA"), str(out / "answers.pkl"))
        answers = pickle.loads((out / "answers.pkl").read_bytes())
        if set(answers.values()) != {"A"} or len(answers) != len(list((root / "images" / "RealWorldQA").iterdir())):
            raise RuntimeError("VLMEvalKit's run is not what was to be measured")

    return job


def _stand_ins() -> None:
    """Put empty modules where VLMEvalKit would import what this measurement never calls.

    `vlmeval.config` imports every model's adapter; `vlmeval.tools`, its command line, needs that and all benchmarks; the list in
    `vlmeval.dataset` imports hundreds of benchmarks with torchvision, decord and more. The last one keeps its folder, so the real
    ones are `vlmeval.dataset.image_mcq` with RealWorldQA's class, `vlmeval.inference` with the loop, and `vlmeval.smp` below both.
    """
    spec = importlib.util.find_spec("vlmeval")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("VLMEvalKit cannot be imported here")
    config, tools, dataset = (types.ModuleType(f"vlmeval.{name}") for name in ("config", "tools", "dataset"))
    config.supported_VLM = {}  # type: ignore[attr-defined]
    tools.cli = None  # type: ignore[attr-defined]
    dataset.__path__ = [str(Path(folder) / "dataset") for folder in spec.submodule_search_locations]
    sys.modules.update({each.__name__: each for each in (config, tools, dataset)})


def _evalkit_versions() -> dict[str, str]:
    found = {each: importlib.metadata.version(each) for each in ("ms-vlmeval", "vlmeval", "pandas") if _installed(each)}
    return found or {"vlmeval": "not installed"}


def _installed(name: str) -> bool:
    return any(importlib.metadata.distributions(name=name))


def restated(root: Path, out: Path) -> Job:
    """The re-statement as a contender."""
    return lambda: _restated_loop(root, out)


def _restated_loop(root: Path, out: Path) -> None:
    """A re-statement of VLMEvalKit's `infer_data`.

    The table is read whole, each sample's picture is decoded and written to a file once, the prompt is assembled, the answer is put
    into a dictionary, and that dictionary is pickled whole after every tenth sample. Every run writes its pictures anew.
    """
    (out / "images").mkdir(parents=True)
    table = list(_table(root / "RealWorldQA.tsv"))
    answers: dict[int, str] = {}
    for number, row in enumerate(table):
        index = int(row["index"])
        if index in answers:
            continue
        message = _evalkit_prompt(row, out / "images")
        answers[index] = "A" if message else ""
        if (number + 1) % DUMP_EVERY == 0:
            _pickle(answers, out / "answers.pkl")
    _pickle(answers, out / "answers.pkl")
    with (out / "answers.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([*(row[name] for name in COLUMNS if name != "image"), answers[int(row["index"])]] for row in table)


def _evalkit_prompt(row: dict[str, str], folder: Path) -> list[dict[str, str]]:
    path = folder / f"{row['index']}.png"
    if not path.exists():
        # Decoded and encoded again, as its `decode_base64_to_image_file` does.
        PIL.Image.open(io.BytesIO(base64.b64decode(row["image"]))).convert("RGB").save(path)
    choices = "".join(f"{letter}. {row[letter]}\n" for letter in LETTERS if row[letter])
    text = f"Question: {row['question']}\nOptions:\n{choices}Please select the correct answer from the options above. \n"
    return [{"type": "image", "value": str(path)}, {"type": "text", "value": text}]


def _pickle(answers: dict[int, str], path: Path) -> None:
    with path.open("wb") as file:
        pickle.dump(answers, file)


def _table(path: Path) -> Iterator[dict[str, str]]:
    csv.field_size_limit(1 << 30)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            yield {name: (row[name] if name == "image" else _plain(row[name])) for name in COLUMNS}


def _plain(text: str) -> str:
    """As pandas guesses types of cells: numbers come back as numbers."""
    return str(ast.literal_eval(text)) if text.isdecimal() and len(text) < 12 else text


def write_tsv(path: Path, rows: int, side: int) -> None:
    """A file in VLMEvalKit's format with JPEG pictures of noise, which pack like photographs of about twice the side."""
    source = numpy.random.default_rng(0)
    pictures = [_jpeg(source.integers(0, 255, (side // 8, side // 8, 3), dtype=numpy.uint8), side) for _ in range(16)]
    letters = random.Random(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(COLUMNS)
        for i in range(rows):
            options = [f"option {letter} of {i}" for letter in LETTERS]
            writer.writerow([i, pictures[i % 16], f"Which way, number {i}?", *options, letters.choice(LETTERS), "driving"])


def _jpeg(small: numpy.ndarray[Any, Any], side: int) -> str:
    buffer = io.BytesIO()
    PIL.Image.fromarray(small).resize((side, side)).save(buffer, "JPEG", quality=85)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def opening_ms(path: Path) -> float:
    """Processor time of what our loop leaves to the model: base64 to RGB pixels, one picture, the median of 16."""
    times = []
    for row in list(_table(path))[:16]:
        started = time.process_time()
        PIL.Image.open(io.BytesIO(base64.b64decode(row["image"]))).convert("RGB").load()
        times.append((time.process_time() - started) * 1e3)
    return median(times)


def _peak_mb() -> float:
    """As benchmarks.machine.peak_memory_mb, which imports torch."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


CONTENDERS: dict[str, Callable[[Path, Path], Job]] = {"ours": ours, "evalkit": evalkit, "evalkit_again": evalkit, "restated": restated}


def _options(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--side", type=int, default=640, help="of the pictures, in pixels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the stored row")
    parser.add_argument("--contender", choices=CONTENDERS, help="run this one once in this process, and print its figures")
    parser.add_argument("--root", type=Path, help="with --contender: the folder of the TSV")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
