"""How texts are translated, and what is let through: all that changes the result beside languages, model, prompt and glossary."""

from __future__ import annotations

from dataclasses import dataclass

from internvl.pipelines.errors import PipelineError


@dataclass(frozen=True, kw_only=True)
class TranslationSettings:
    """Fields for `--set`.

    temperature: of the sampling, 0 is greedy. max_new_tokens: of one answer. attempts: how often a text is asked for when answers can't
    be used; from the second on the model is told why. max_characters: longer texts are refused unasked.
    least_ratio, most_ratio: length of a translation over that of its source, in letters of an alphabet.
    same_words: a text of at most so many words may come back as it is: a name or a brand, which the published prompt asks to keep.
    """

    temperature: float = 0.0
    max_new_tokens: int = 2048
    attempts: int = 3
    max_characters: int = 20_000
    least_ratio: float = 0.3
    most_ratio: float = 3.0
    same_words: int = 0

    def __post_init__(self) -> None:
        wrong = {
            "temperature": not 0 <= self.temperature <= 2,
            "max_new_tokens": self.max_new_tokens < 1,
            "attempts": not 1 <= self.attempts <= 20,
            "max_characters": self.max_characters < 1,
            "least_ratio": not 0 <= self.least_ratio < self.most_ratio,
            "same_words": self.same_words < 0,
        }
        for name in (name for name, is_wrong in wrong.items() if is_wrong):
            raise PipelineError(f"the translation setting {name} is out of its range: {getattr(self, name)}")
