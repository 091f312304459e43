"""The rows most like a vector: exactly, or by faiss's graph where there are many rows and faiss is installed.

Exact search reads every row: 100,000 of 768 numbers are 150 MB in float16. The graph (HNSW) reads some hundred of them, and may miss
one now and then; it is built once and kept beside the rows.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

GRAPH = "nearest.faiss"
GRAPH_FROM = 20_000  # rows from which the graph is worth building
NEIGHBOURS, BUILD_WIDTH, SEARCH_WIDTH = 32, 120, 128
BLOCK = 65_536


class Nearest:
    """Rows float16 [n,E] of length 1, in `folder` their graph."""

    def __init__(self, rows: Tensor, folder: Path, *, graph_from: int = GRAPH_FROM) -> None:
        self.rows = rows
        self.graph: Any = _graph(rows, folder / GRAPH) if len(rows) >= graph_from else None

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


def _graph(rows: Tensor, path: Path) -> Any:
    """The stored graph with what is new added to it; None without faiss."""
    try:
        faiss: Any = importlib.import_module("faiss")
    except ImportError:
        return None
    graph = faiss.read_index(str(path)) if path.exists() else faiss.IndexHNSWFlat(rows.shape[1], NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    if graph.ntotal > len(rows) or graph.d != rows.shape[1]:  # of rows that are no longer there
        graph = faiss.IndexHNSWFlat(rows.shape[1], NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction, graph.hnsw.efSearch = BUILD_WIDTH, SEARCH_WIDTH
    if graph.ntotal < len(rows):
        for block in rows[graph.ntotal :].split(BLOCK):
            graph.add(block.float().numpy())
        unfinished = path.with_suffix(".tmp")
        faiss.write_index(graph, str(unfinished))
        os.replace(unfinished, path)
    return graph
