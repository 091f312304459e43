"""What a translation will ask for, before anything is asked: texts, characters, and tokens and cost as a rough guess.

inputs --every row--> texts that need a request, each once --> Estimate
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from internvl.pipelines.reading.slices import ReadOptions
from internvl.pipelines.rows import Row
from internvl.pipelines.source import Reader, find_inputs
from internvl.pipelines.translate.kept import without_edges
from internvl.pipelines.translate.spending import Prices, Spent
from internvl.pipelines.translate.texts import is_record, texts_of
from internvl.pipelines.translate.translator import TranslationTask, needs_request
from internvl.pipelines.translate.written_in import length_of

LETTERS_PER_TOKEN = 4.0
"""Of English text, for tokenizers of large models; `length_of` puts other scripts on this scale."""
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What is to be asked. requests: distinct texts. tokens: guessed, without answers that have to be asked for again."""

    records: int
    texts: int
    requests: int
    characters: int
    prompt_tokens: int
    new_tokens: int
    cost: float

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return dict(vars(self))


def estimate(
    inputs: Sequence[str | Path], task: TranslationTask, prices: Prices, *, root: Path | None = None, text_field: str | None = None
) -> Estimate:
    """Read all inputs. Raises PipelineError for what is not there. Memory: 16 bytes and some overhead a distinct text."""
    options = ReadOptions(text_field=text_field, images=False)
    reader = Reader(options)
    seen: set[bytes] = set()
    records = texts = characters = 0
    letters = 0.0
    for file in find_inputs(inputs, options, root=root):
        for part in reader.cut(file, _ROWS_AT_ONCE):
            for row in reader.rows(file, part):
                records += 1
                for text in _texts(row, task):
                    texts += 1
                    key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
                    if key not in seen:
                        seen.add(key)
                        characters += len(text)
                        letters += _letters(text)
    reader.close()
    around = len(seen) * sum(_letters(str(part)) for message in _prompt(task) for part in message.parts)
    spent = Spent(len(seen), round((letters + around) / LETTERS_PER_TOKEN), round(letters / LETTERS_PER_TOKEN))
    return Estimate(
        records=records,
        texts=texts,
        requests=len(seen),
        characters=characters,
        prompt_tokens=spent.prompt_tokens,
        new_tokens=spent.new_tokens,
        cost=round(spent.cost(prices), 6),
    )


def _texts(row: Row, task: TranslationTask) -> list[str]:
    """What has to be sent of a row."""
    if row.drop is not None:
        return []
    found = texts_of(row.fields) if is_record(row.fields) else [row.text]
    middles = [without_edges(text)[1] for text in found]
    return [text for text in middles if needs_request(text, task.glossary) and len(text) <= task.settings.max_characters]


def _prompt(task: TranslationTask) -> tuple[Any, ...]:
    return task.prompt.filled("", source=task.source, target=task.target)


def _letters(text: str) -> float:
    """Letters with the marks and spaces between them."""
    return length_of(text) + sum(not character.isalpha() for character in text)
