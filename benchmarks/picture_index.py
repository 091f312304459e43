"""How fast an index of 100,000 pictures answers, opens and follows its folder: exactly, and by faiss's graph.

    made vectors in clusters + some real pictures -> PictureIndex -> open, update, question: milliseconds; memory; what the graph misses

python -m benchmarks.picture_index --real runs/dual-data/pictures/twemoji --out benchmarks/results/picture_index.json

Files of made pictures are empty: an index looks at names, sizes and times, and opens only what is new. The model has random weights and
vectors of the released width, so that what is timed is the index. Times are of the processor, one thread, so that whatever else the
machine does is not in them.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from benchmarks.machine import describe

from internvl.engine import nearest
from internvl.engine.dual import Dual
from internvl.engine.index_parts import PART, Parts
from internvl.engine.nearest import Nearest
from internvl.engine.picture_files import list_pictures
from internvl.engine.picture_index import PictureIndex
from internvl.models.config import LanguageConfig, VisionConfig
from internvl.models.contrastive.config import DualConfig
from internvl.models.contrastive.dual import DualModel
from internvl.prompt.tokenizer import load_tokenizer

TOKENIZER = Path(__file__).parents[1] / "tests" / "parity" / "fixtures" / "internvl-14b"
WIDTH, CLUSTERS, SPREAD = 768, 2000, 0.6
QUESTIONS, TOP = 100, 10
Result = TypeVar("Result")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--real", type=Path, help="a folder of pictures, of which some are added for real")
    parser.add_argument("--no-graph", action="store_true")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        found = measure(Path(place), given.rows, given.real, graph=not given.no_graph)
    found |= {"machine": describe(), "threads": 1}
    print(json.dumps(found, indent=1))
    if given.out is not None:
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def measure(place: Path, rows: int, real: Path | None, *, graph: bool) -> dict[str, Any]:
    """All numbers: times in milliseconds, memory in MiB."""
    dual, pictures, folder = small_dual(), place / "pictures", place / "pictures" / ".index"
    vectors = made_vectors(rows)
    make_files(pictures, rows)
    fill(PictureIndex(folder, pictures, dual), pictures, vectors)
    nearest.GRAPH_FROM = rows + 10_000
    before = resident_mib()
    index, opened_ms = timed(lambda: PictureIndex(folder, pictures, dual))
    _, unchanged_ms = timed(index.update)
    _, joined_ms = timed(index.prepare)
    found: dict[str, Any] = {
        "rows": rows,
        "width": WIDTH,
        "open_ms": opened_ms,
        "update_unchanged_ms": unchanged_ms,
        "join_ms": joined_ms,
    }
    questions = F.normalize(vectors[torch.arange(QUESTIONS) * 97 % rows].float() + 0.03 * torch.randn(QUESTIONS, WIDTH), dim=-1)
    found["exact"] = answers(index, questions)
    found["index_memory_mib"] = round(resident_mib() - before)
    found["text_encoding_ms"] = timed(lambda: dual.encode_texts(["a red car in the snow"]))[1]
    if real is not None:
        found["changes"] = changes(index, pictures, real)
    if graph:
        found["graph"] = graph_numbers(index, questions, folder)
    return found


def graph_numbers(index: PictureIndex, questions: torch.Tensor, folder: Path) -> dict[str, Any]:
    """Building, reading again, answering, and the share of the exact answers that it finds."""
    exact = [{found.path for found in index.nearest(question, top=TOP)} for question in questions]
    nearest.GRAPH_FROM = 0
    before = resident_mib()
    rows = index._parts.vectors
    built, built_ms = timed(lambda: Nearest(rows, folder, graph_from=0))
    _, read_ms = timed(lambda: Nearest(rows, folder, graph_from=0))
    index._nearest = built
    numbers = answers(index, questions)
    same = sum(len({found.path for found in index.nearest(q, top=TOP)} & right) for q, right in zip(questions, exact, strict=True))
    memory = {"memory_mib": round(resident_mib() - before), "file_mib": round((folder / nearest.GRAPH).stat().st_size / 2**20)}
    return {
        "build_s": round(built_ms / 1000),
        "read_ms": read_ms,
        **numbers,
        "recall_at_10": round(same / (TOP * len(exact)), 3),
        **memory,
    }


def changes(index: PictureIndex, pictures: Path, real: Path) -> dict[str, Any]:
    """100 real pictures added, 50 gone, 20 changed; then all files that were made for the first row on are found again."""
    files = sorted(real.glob("*.png"))[:120]
    for file in files[:100]:
        shutil.copyfile(file, pictures / "000" / f"real-{file.name}")
    made = sorted((pictures / "001").iterdir())
    for file in made[:50]:
        file.unlink()
    for old, new in zip(made[50:70], files[100:], strict=True):
        shutil.copyfile(new, old)
    update, took_ms = timed(index.update)
    _, first_ms = timed(lambda: index.search("a red car", top=TOP))
    return {"added": update.added, "removed": update.removed, "update_ms": took_ms, "next_answer_ms": first_ms, "pictures": len(index)}


def answers(index: PictureIndex, questions: torch.Tensor) -> dict[str, float]:
    """Median and longest time of an answer."""
    times = [timed(lambda question=question: index.nearest(question, top=TOP))[1] for question in questions]
    return {"answer_ms": round(statistics.median(times), 2), "longest_ms": round(max(times), 2)}


def fill(index: PictureIndex, pictures: Path, vectors: torch.Tensor) -> None:
    """Rows of all made files, as an update would have written them."""
    entries = list(list_pictures(pictures, index.folder).files.values())
    parts = Parts(index.folder, width=WIDTH)
    for start in range(0, len(entries), PART):
        parts.add(entries[start : start + PART], vectors[start : start + PART])


def make_files(pictures: Path, count: int) -> None:
    """Empty files, 1,000 a folder."""
    for number in range(count):
        folder = pictures / f"{number // 1000:03d}"
        if number % 1000 == 0:
            folder.mkdir(parents=True)
        (folder / f"{number:06d}.png").touch()


def made_vectors(rows: int) -> torch.Tensor:
    """float16 [rows, WIDTH] of length 1, in clusters as pictures of one kind are."""
    generator = torch.Generator().manual_seed(0)
    centres = F.normalize(torch.randn(CLUSTERS, WIDTH, generator=generator), dim=-1)
    own = torch.randint(CLUSTERS, (rows,), generator=generator)
    blocks = [
        F.normalize(centres[part] + SPREAD * F.normalize(torch.randn(len(part), WIDTH, generator=generator), dim=-1), dim=-1).half()
        for part in own.split(8192)
    ]
    return torch.cat(blocks)


def small_dual() -> Dual:
    """Random weights, vectors of the released width."""
    torch.manual_seed(0)
    tokenizer = load_tokenizer(TOKENIZER)
    vision = VisionConfig(hidden_size=64, intermediate_size=128, num_layers=2, num_heads=2, image_size=56)
    language = LanguageConfig(
        family="llama", vocab_size=tokenizer.vocab_size, hidden_size=64, intermediate_size=128, num_layers=2, num_heads=2,
        num_kv_heads=2, head_dim=32, max_positions=128, tie_embeddings=True,
    )  # fmt: skip
    model = DualModel(DualConfig(vision=vision, language=language, embed_dim=WIDTH, pool_heads=2, queries=0)).eval()
    torch.nn.init.normal_(model.text_projection, std=0.1)
    return Dual(model, tokenizer, name="random")


def timed(job: Callable[[], Result]) -> tuple[Result, float]:
    """What a job gives, and milliseconds of the processor."""
    began = time.process_time()
    result = job()
    return result, round(1000 * (time.process_time() - began), 2)


def resident_mib() -> float:
    """Memory of this process now; the highest it ever had where /proc is absent."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(next(line for line in status.read_text().splitlines() if line.startswith("VmRSS")).split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
