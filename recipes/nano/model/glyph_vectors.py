"""A vector for every character in which characters that look alike are near: the last layer of PP-OCR's recogniser.

rapidocr's model file -> last matrix [120, its characters] -> centred, of length 1 -> rows in the order of our classes

With these in place of rows of its own the reading head begins with what millions of pictures taught about strokes: a hanzi that was
seldom seen is named from its parts. PP-OCR and its weights are under Apache-2.0.
"""

from __future__ import annotations

from pathlib import Path

import torch
from recipes.nano.data.sample import MissingMaterial
from recipes.nano.model.characters import characters
from torch import Tensor
from torch.nn.functional import normalize

NAMES = "character"  # where the model file lists its characters, one a line; its class 0 is nothing


def glyph_vectors() -> Tensor:
    """float32 [characters + 1, 120], row 0 for nothing; the few that PP-OCR lacks have random rows. Raises MissingMaterial."""
    rows, names = _last_layer()
    rows = normalize(rows - rows.mean(0), dim=1)
    place = {name: index for index, name in enumerate(names, start=1)}
    generator = torch.Generator().manual_seed(0)
    unknown = normalize(torch.randn(len(characters()) + 1, rows.shape[1], generator=generator), dim=1)
    chosen = [rows[place[each]] if each in place else unknown[index] for index, each in enumerate(characters(), start=1)]
    return torch.stack([rows[0], *chosen])


def _last_layer() -> tuple[Tensor, list[str]]:
    """The matrix of the last product as [classes, width], and the names of the classes from 1 on."""
    try:
        import onnx
        import rapidocr
    except ImportError as error:
        raise MissingMaterial(f"{error.name} is not installed: pip install 'internvl[recipes]'") from error
    [path] = (Path(rapidocr.__file__).parent / "models").glob("PP-OCR*_rec_*.onnx")
    model = onnx.load(path)
    weight = next(node for node in reversed(model.graph.node) if node.op_type == "MatMul").input[1]
    matrix = next(each for each in model.graph.initializer if each.name == weight)
    names = next(each.value for each in model.metadata_props if each.key == NAMES)
    return torch.from_numpy(onnx.numpy_helper.to_array(matrix).copy()).float().T, names.split("\n")
