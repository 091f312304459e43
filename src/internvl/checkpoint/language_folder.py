"""A language model to build on: that of a chat checkpoint of either layout, or a plain causal language model folder.

    language_model.model.layers.0...  (chat)   |   model.layers.0...  (Qwen2, Qwen3, InternLM2, Llama, Phi-3)   ->   LanguageSource

Its tables of words grow on the way: rows of new tokens start as the mean of the rows that were trained, in the input
embedding as in the output head, and a tied head becomes one of its own, as all released chat models store it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from internvl.checkpoint import native, original
from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.fields import Fields, read_json
from internvl.checkpoint.grow import Vocabulary, grow_rows
from internvl.checkpoint.language_config import read_language
from internvl.checkpoint.part import Part, Prefixed, part_of_checkpoint, part_of_folder
from internvl.checkpoint.quantised_config import is_quantised
from internvl.checkpoint.shards import ShardReader, TensorReader
from internvl.checkpoint.surgery import plain
from internvl.models.config import InternVLConfig, LanguageConfig

PART = "language_model"
_EMBEDDING, _HEAD = "language_model.embedding.weight", "language_model.head.weight"
_HEADS = frozenset({"lm_head.weight", "output.weight"})


@dataclass(frozen=True)
class LanguageSource:
    """A language model as it is stored, its tokenizer beside it."""

    folder: Path
    config: LanguageConfig
    checkpoint: Checkpoint | None = None

    def grown_config(self, vocabulary: Vocabulary) -> LanguageConfig:
        """The config with a row for every token and a head of its own. Padding rows that the table had stay."""
        rows = max(self.config.vocab_size, vocabulary.size)
        return replace(self.config, vocab_size=rows, tie_embeddings=False)

    def part(self, stored: InternVLConfig, vocabulary: Vocabulary) -> Part:
        """Its tensors, tables of words grown. `stored` describes both parts as stored."""
        part = part_of_checkpoint(self.checkpoint, PART) if self.checkpoint else self._plain(stored)
        entries = {_HEAD: part.entries[_EMBEDDING], **part.entries}
        change = partial(grow_rows, vocabulary=vocabulary)
        grows = vocabulary.new_rows(self.config.vocab_size)
        return replace(part, entries=entries, changes={_EMBEDDING: change, _HEAD: change} if grows else {})

    def _plain(self, stored: InternVLConfig) -> Part:
        return part_of_folder(PART, self.folder, Prefixed(_reader(self.folder), "language_model."), stored)


def open_language(folder: Path) -> LanguageSource:
    """The language model of a folder. Raises ConfigError or CheckpointError with the file at fault; no weight is read."""
    path = folder / "config.json"
    raw = read_json(path)
    if raw.get("model_type") in (original.MODEL_TYPE, native.MODEL_TYPE) or is_quantised(raw):  # refused by a checkpoint itself
        checkpoint = Checkpoint(folder)
        return LanguageSource(folder, checkpoint.config.language, checkpoint)
    config = read_language(Fields(raw, str(path)))
    # The files decide, as they do for chat models: a head that is stored is one of its own.
    return LanguageSource(folder, replace(config, tie_embeddings=not _HEADS & _reader(folder).names() and config.tie_embeddings))


def _reader(folder: Path) -> TensorReader:
    path = folder / "config.json"
    return plain(ShardReader(folder), read_json(path), str(path))
