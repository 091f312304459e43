"""Translation as a step of a pipeline: the texts of a whole unit are in flight together.

Item[n] -> distinct texts -> Translator -> Item with `translation` (a caption's text, or a record's conversation) | Drop("KIND: ...")

The work waits for a service rather than for a CPU, so many workers of it share a core.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from internvl.eval.generators.remote import RemoteGenerator, key_from
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.operator import ColumnType, Resources, Work
from internvl.pipelines.operator import Outcome as ItemOutcome
from internvl.pipelines.translate.replies import ReplyCache
from internvl.pipelines.translate.spending import Prices, Spending
from internvl.pipelines.translate.texts import is_record, texts_of, with_texts
from internvl.pipelines.translate.translator import Outcome, Refused, TranslationTask, Translator

TRANSLATION, ATTEMPTS = "translation", "translation_attempts"


@dataclass(frozen=True, kw_only=True)
class Service:
    """Where the model is, and how it is asked; nothing of it changes a translation.

    url: up to and with its /v1. key_env: the environment variable that holds the API key, read by each worker for itself, so that
    the key is in no file and no message. in_flight: requests at once, of each worker. timeout_s, tries: of one request.
    """

    url: str
    key_env: str | None = None
    in_flight: int = 16
    timeout_s: float = 300.0
    tries: int = 6
    first_wait_s: float = 1.0

    def open(self, model: str) -> RemoteGenerator:
        """The client. EvalError for an address that is none, or an empty key."""
        options = {"in_flight": self.in_flight, "timeout_s": self.timeout_s, "tries": self.tries, "first_wait_s": self.first_wait_s}
        return RemoteGenerator(self.url, model, key_from(self.key_env), **options)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class TranslateOperator:
    """Adds the translation of each sample. cache, spending: files that all workers reach. Limits are those of `Spending`."""

    name: ClassVar[str] = "translate"
    task: TranslationTask
    service: Service
    cache: Path
    spending: Path
    prices: Prices = field(default_factory=Prices)
    max_requests: int | None = None
    max_cost: float | None = None

    @property
    def resources(self) -> Resources:
        """Part of a core: it waits."""
        return Resources(cpus=0.25)

    def columns(self) -> Mapping[str, ColumnType]:
        """The translated caption or record, and the most answers that one of its texts took."""
        return {TRANSLATION: "json", ATTEMPTS: "int"}

    def settings(self) -> dict[str, Any]:
        """Model, languages, prompt, glossary and what is let through. Addresses, prices and limits may change between calls."""
        return dict(self.task.describe())

    def budget(self) -> Spending:
        """The sums of this run."""
        return Spending(self.spending, self.prices, max_requests=self.max_requests, max_cost=self.max_cost)

    def open(self) -> Work:
        """Connect. Raises EvalError and PipelineError for what can't be asked or kept."""
        service, cache, spending = self.service.open(self.task.model), ReplyCache(self.cache), self.budget()
        return _Work(Translator(self.task, service, cache=cache, spending=spending, in_flight=self.service.in_flight))


class _Work:
    """What a worker does with a unit."""

    def __init__(self, translator: Translator) -> None:
        self._translator = translator

    def __call__(self, items: Sequence[Item]) -> list[ItemOutcome]:
        texts = [_texts(item) for item in items]
        outcomes = self._translator.translate_all(text for each in texts for text in each)
        return [_outcome(item, [outcomes[text] for text in each]) for item, each in zip(items, texts, strict=True)]


def _texts(item: Item) -> list[str]:
    return texts_of(item.fields) if is_record(item.fields) else [item.text]


def _outcome(item: Item, outcomes: Sequence[Outcome]) -> ItemOutcome:
    """The item with its translation; the first text that was refused refuses all of it."""
    for number, each in enumerate(outcomes, start=1):
        if isinstance(each, Refused):
            kind, _, detail = each.reason.partition(": ")
            return Drop(f"{kind}: text {number} of {len(outcomes)}: {detail}" if len(outcomes) > 1 else each.reason)
    done = [each for each in outcomes if not isinstance(each, Refused)]
    if not any(each.text.strip() for each in done):
        return Drop("no text: there is nothing to translate")
    translation = with_texts(item.fields, [each.text for each in done]) if is_record(item.fields) else done[0].text
    return item.with_fields(**{TRANSLATION: translation, ATTEMPTS: max(each.attempts for each in done)})


def read_glossary(path: Path | None) -> tuple[str, ...]:
    """Names that stay as they are: a line each; empty lines and those that begin with # are passed over. PipelineError."""
    if path is None:
        return ()
    try:
        lines = [line.strip() for line in path.read_text("utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise PipelineError(f"{path} is not UTF-8 text at byte {error.start}") from error
    return tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
