"""Class names and templates of zero-shot classification, from the JSON files of the original CLIP benchmark.

    en_classnames.json {"imagenet1k": [...]} x en_zeroshot_classification_templates.json {"imagenet1k": ["a photo of a {c}.", ...]}
        -> sentences, class by class, template by template -> embedder -> class_weights [C, D]

A class is the mean of its sentences' unit vectors, made of unit length again (CLIP, section 3.1.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from internvl.eval.embedding_task import Features
from internvl.eval.errors import BenchmarkFileError
from internvl.eval.readers import find_file, read_json
from internvl.eval.similarity import unit

if TYPE_CHECKING:
    from torch import Tensor

LANGUAGES = {"en": "en", "zh": "cn", "jp": "jp", "ar": "ar", "it": "it"}
"""Language of a variant -> prefix of its files."""

MARK = "{c}"
CLASSES_IN_A_BLOCK = 64


@dataclass(frozen=True)
class Prompts:
    """Class names and templates; `sentences` are all their pairs."""

    names: tuple[str, ...]
    templates: tuple[str, ...]

    def sentences(self) -> list[str]:
        """The sentences of the first class, then those of the second, and so on."""
        return [template.replace(MARK, name) for name in self.names for template in self.templates]

    def only(self, classes: Sequence[int]) -> Prompts:
        """The same for some of the classes, in the order given."""
        return Prompts(tuple(self.names[index] for index in classes), self.templates)


def prompt_files(kind: str, *languages: str) -> tuple[str, ...]:
    """Where the files of a kind ("classnames", "zeroshot_classification_templates") may lie below the data root."""
    places = ("", "clip_benchmark/datasets/", "clip_benchmark/clip_benchmark/datasets/")
    return tuple(f"{place}{LANGUAGES[language]}_{kind}.json" for language in languages for place in places)


def read_class_names(root: Path, language: str, data_set: str) -> tuple[str, ...]:
    """The class names of a data set, in the order of their indices. Raises BenchmarkFileError."""
    path = find_file(root, prompt_files("classnames", language))
    return _texts(path, read_json(path), data_set)


def read_templates(root: Path, language: str, data_set: str) -> tuple[str, ...]:
    """The templates of a data set, those of ImageNet where it has none of its own. Raises BenchmarkFileError with their place."""
    path = find_file(root, prompt_files("zeroshot_classification_templates", language))
    values = read_json(path)
    own = isinstance(values, dict) and data_set in values
    return with_marks(path, _texts(path, values, data_set if own else "imagenet1k"))


def with_marks(path: Path, templates: tuple[str, ...]) -> tuple[str, ...]:
    """The templates, once each is known to have a place for the class."""
    for number, template in enumerate(templates, start=1):
        if MARK not in template:
            raise BenchmarkFileError(f"{path}, template {number}: {template!r:.80} has no place {MARK} for the class")
    return templates


def class_weights(features: Features, classes: int) -> Tensor:
    """float32[classes, D] of unit length from the vectors of the sentences [classes * templates, D]."""
    import torch

    templates = len(features) // classes
    blocks = []
    for start in range(0, classes, CLASSES_IN_A_BLOCK):
        stop = min(classes, start + CLASSES_IN_A_BLOCK)
        vectors = unit(features.block(start * templates, stop * templates))
        blocks.append(unit(vectors.view(stop - start, templates, -1).mean(dim=1)))
    return torch.cat(blocks)


def _texts(path: Path, values: Any, data_set: str) -> tuple[str, ...]:
    found = values.get(data_set) if isinstance(values, dict) else None
    if not isinstance(found, list) or not found:
        raise BenchmarkFileError(f"{path}: a list of texts under {data_set!r} is expected")
    return tuple(_checked(path, data_set, found))


def _checked(path: Path, data_set: str, values: list[Any]) -> Iterator[str]:
    for number, value in enumerate(values, start=1):
        if not isinstance(value, str) or not value.strip():
            raise BenchmarkFileError(f"{path}, {data_set!r}, entry {number}: a text is expected, not {value!r:.80}")
        yield value
