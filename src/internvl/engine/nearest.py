"""The rows most like a vector: exactly, or by faiss's graph where there are many rows and faiss is installed.

Exact search reads every row: 100,000 of 768 numbers are 150 MB in float16. The graph (HNSW) reads some hundred of them, and may miss
one now and then; it is built once and kept beside the rows, with a digest of those it holds: other rows, and it is built anew.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from internvl.errors import CheckpointError

GRAPH, HOLDS = "nearest.faiss", "nearest.json"
GRAPH_FROM = 20_000  # rows from which the graph is worth building
NEIGHBOURS, BUILD_WIDTH, SEARCH_WIDTH = 32, 120, 128
BLOCK = 8192  # rows in float32 at a time


class Nearest:
    """Rows float16 [n,E] of length 1, in `folder` their graph, from so many rows on. progress: called with (rows, of how many) while
    it is built.

    Raises CheckpointError for a damaged graph.
    """

    def __init__(
        self, rows: Tensor, folder: Path, *, graph_from: int | None = None, progress: Callable[[int, int], None] | None = None
    ) -> None:
        self.rows = rows
        least = GRAPH_FROM if graph_from is None else graph_from
        self.graph: Any = _graph(rows, folder, progress) if len(rows) >= least else None

    def search(self, vector: Tensor, top: int, *, alive: Callable[[int], bool]) -> list[tuple[int, float]]:
        """(row, cosine) of the best living rows for a vector [E], best first."""
        wanted = top
        while True:
            hits = [(row, score) for row, score in self._best(vector, wanted) if alive(row)]
            if len(hits) >= top or wanted >= len(self.rows):
                return hits[:top]
            wanted = min(len(self.rows), 4 * wanted)  # dead rows stood in the way

    def _best(self, vector: Tensor, count: int) -> list[tuple[int, float]]:
        if not len(self.rows):
            return []
        if self.graph is not None and count <= SEARCH_WIDTH:
            scores, rows = self.graph.search(vector[None].float().numpy(), count)
            return [(int(row), float(score)) for row, score in zip(rows[0], scores[0], strict=True) if row >= 0]
        scores = torch.cat([block.float() @ vector.float() for block in self.rows.split(BLOCK)])
        best = scores.topk(min(count, len(scores)))
        return list(zip(best.indices.tolist(), best.values.tolist(), strict=True))


def _graph(rows: Tensor, folder: Path, progress: Callable[[int, int], None] | None) -> Any:
    """The stored graph with what is new added to it; None without faiss."""
    try:
        faiss: Any = importlib.import_module("faiss")
    except ImportError:
        return None
    graph = _stored(faiss, rows, folder) or faiss.IndexHNSWFlat(rows.shape[1], NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction, graph.hnsw.efSearch = BUILD_WIDTH, SEARCH_WIDTH
    if graph.ntotal < len(rows):
        for block in rows[graph.ntotal :].split(BLOCK):
            graph.add(block.float().numpy())
            if progress is not None:
                progress(graph.ntotal, len(rows))
        unfinished = folder / f"{GRAPH}.tmp"
        faiss.write_index(graph, str(unfinished))
        (folder / HOLDS).unlink(missing_ok=True)  # a graph without it is not believed
        os.replace(unfinished, folder / GRAPH)
        (folder / HOLDS).write_text(json.dumps({"rows": len(rows), "digest": _digest(rows)}), encoding="utf-8")
    return graph


def _stored(faiss: Any, rows: Tensor, folder: Path) -> Any:
    """The graph on disk, if it holds the first of these rows and no others."""
    path = folder / GRAPH
    if not path.exists() or not (folder / HOLDS).exists():
        return None
    try:
        holds = json.loads((folder / HOLDS).read_text("utf-8"))
        count, digest = holds["rows"], holds["digest"]
        if not isinstance(count, int) or count > len(rows) or _digest(rows[:count]) != digest:
            return None
        graph = faiss.read_index(str(path))
    except (RuntimeError, ValueError, TypeError, KeyError, MemoryError) as error:
        reason = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        raise CheckpointError(f"{path} is damaged ({reason[0]:.120}); delete it, and it is built again") from error
    return graph if graph.ntotal == count and graph.d == rows.shape[1] else None


def _digest(rows: Tensor) -> str:
    return hashlib.blake2b(rows.contiguous().numpy().data, digest_size=16).hexdigest()
