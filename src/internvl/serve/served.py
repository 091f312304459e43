"""What is served: a model as far as the server needs it. Who computes the answers is another matter (`loop`, `vllm_engine`)."""

from __future__ import annotations

from dataclasses import dataclass

from internvl.engine.grammar import Grammars
from internvl.engine.sampling import SamplingParams
from internvl.engine.vlm import VLM
from internvl.models.config import LanguageConfig
from internvl.processor import Processor
from internvl.prompt.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Served:
    """name: what clients call the model unless the server is told another. grammars: of the forms that answers are held to here."""

    name: str
    processor: Processor
    language: LanguageConfig
    grammars: Grammars | None = None

    @classmethod
    def of(cls, vlm: VLM) -> Served:
        """The model of this process."""
        return cls(name=vlm.name, processor=vlm.processor, language=vlm.config.language, grammars=vlm.engine.grammars)

    def check_form(self, params: SamplingParams) -> None:
        """Make the grammar of a request now, where a worker waits for it and not the engine. Raises GrammarError."""
        if self.grammars is not None:
            self.grammars.check(params, room=params.max_new_tokens)

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer."""
        return self.processor.tokenizer
