"""One text after the other through prompt, cache, service and checks; many at once, in threads.

texts --distinct, in_flight at once--> [cache | service] --Judge--> Translated | Refused, asked again up to `attempts` times
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TypeAlias

from internvl.eval.asking import OF_ONE_SAMPLE
from internvl.eval.generator import Ask, Generator
from internvl.eval.sample import Answer
from internvl.eval.task import Decoding, Protocol
from internvl.messages import Message
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.translate.kept import kept_in, prose, without_edges
from internvl.pipelines.translate.languages import Language
from internvl.pipelines.translate.prompt import TranslationPrompt
from internvl.pipelines.translate.replies import ReplyCache, key_of
from internvl.pipelines.translate.settings import TranslationSettings
from internvl.pipelines.translate.spending import Spending
from internvl.pipelines.translate.verdict import Judge, answer_alone
from internvl.pipelines.translate.written_in import identifies

NOT_ANSWERED = "not answered"
# A single letter is the answer to a question with choices, in any language.
_WORD = re.compile(r"[A-Za-z]{2}|[^\W\d_A-Za-z]")


@dataclass(frozen=True, kw_only=True)
class TranslationTask:
    """What is to be done: everything that changes the result."""

    model: str
    source: Language
    target: Language
    prompt: TranslationPrompt
    glossary: tuple[str, ...] = ()
    settings: TranslationSettings = field(default_factory=TranslationSettings)

    def describe(self) -> dict[str, object]:
        """As JSON, for the fingerprint of a run."""
        return {
            "model": self.model,
            "source": asdict(self.source),
            "target": asdict(self.target),
            "prompt": {"system": self.prompt.system, "user": self.prompt.user},
            "glossary": list(self.glossary),
            **asdict(self.settings),
        }


@dataclass(frozen=True)
class Translated:
    """A translation that can be used. attempts: how often it was asked for; 0 where there was nothing to translate."""

    text: str
    attempts: int


@dataclass(frozen=True)
class Refused:
    """Why there is none, as "KIND: detail"."""

    reason: str


Outcome: TypeAlias = Translated | Refused


class Translator:
    """Translates texts. generator: answers one question at a time and bears many threads, as a RemoteGenerator does."""

    def __init__(
        self, task: TranslationTask, generator: Generator, *, cache: ReplyCache, spending: Spending, in_flight: int = 16
    ) -> None:
        if in_flight < 1:
            raise PipelineError(f"at least 1 request must be in flight, not {in_flight}")
        self.task = task
        self.in_flight = in_flight
        self._generator = generator
        self._cache = cache
        self._spending = spending
        shared = task.target.script is not None and task.target.script == task.source.script
        is_another = identifies(task.target) if shared else None
        self._judge = Judge(target=task.target, glossary=task.glossary, settings=task.settings, is_another=is_another)
        decoding = Decoding(max_new_tokens=task.settings.max_new_tokens, temperature=task.settings.temperature)
        self._protocol = Protocol(max_tiles=1, decoding=decoding)

    def translate_all(self, texts: Iterable[str]) -> dict[str, Outcome]:
        """What became of each distinct text.

        Raises BudgetSpent at a limit, EvalError for a service that refuses or isn't there, and PipelineError when not one of several
        texts was answered: then nothing is wrong with the texts. Answers that came are in the cache.
        """
        distinct = list(dict.fromkeys(texts))
        with ThreadPoolExecutor(min(self.in_flight, max(1, len(distinct)))) as pool:
            futures = [pool.submit(self.translate, text) for text in distinct]
            try:
                outcomes = dict(zip(distinct, (future.result() for future in futures), strict=True))
            finally:
                # Those that have not begun would only meet the same.
                pool.shutdown(wait=True, cancel_futures=True)
        _raise_if_silent(list(outcomes.values()))
        return outcomes

    def translate(self, text: str) -> Outcome:
        """One text. Marks and space at its ends are put back around the translation and never sent."""
        front, middle, behind = without_edges(text)
        if not needs_request(middle, self.task.glossary):
            return Translated(text, 0)
        limit = self.task.settings.max_characters
        if len(middle) > limit:
            return Refused(f"too long: {len(middle):,} characters, limit {limit:,}")
        fault = ""
        for attempt in range(1, self.task.settings.attempts + 1):
            try:
                answer = self._answer(self._messages(middle, fault))
            except OF_ONE_SAMPLE as error:
                return Refused(f"{NOT_ANSWERED}: {' '.join(str(error).split())}")
            translation, fault = answer_alone(answer.text), self._fault(middle, answer) or ""
            if not fault:
                return Translated(front + translation + behind, attempt)
        return Refused(f"{fault} (in the last of {attempt} answers)" if attempt > 1 else fault)

    def _fault(self, text: str, answer: Answer) -> str | None:
        if answer.finish_reason == "length":
            return f"cut off: the answer was not done after {self.task.settings.max_new_tokens} tokens"
        return self._judge.fault(text, answer_alone(answer.text))

    def _messages(self, text: str, fault: str) -> tuple[Message, ...]:
        return self.task.prompt.filled(text, source=self.task.source, target=self.task.target, note=self._note(text, fault))

    def _note(self, text: str, fault: str) -> str:
        """What a model is told whose last answer could not be used."""
        if not fault:
            return ""
        kept = " ".join(json.dumps(each, ensure_ascii=False) for each in kept_in(text, self.task.glossary).named())
        copies = f" Copy each of these exactly, as often and in the same order: {kept}." if kept else ""
        alone = f"Give the translation into {self.task.target.name} and nothing else."
        return f"Note: an earlier answer was refused ({fault}). {alone}{copies}"

    def _answer(self, messages: tuple[Message, ...]) -> Answer:
        """From the cache, or from the service and then into the cache."""
        said = [[message.role, *message.parts] for message in messages]
        key = key_of({"model": self.task.model, "messages": said, **asdict(self._protocol.decoding)})
        known = self._cache.get(key)
        if known is not None:
            return known
        with self._spending.request():
            [answer] = self._generator.generate([Ask(messages=messages, protocol=self._protocol)])
            # In this order: what a kill parts was paid for, and is counted.
            self._spending.add(answer)
            self._cache.put(key, answer)
        return answer


def needs_request(text: str, glossary: tuple[str, ...] = ()) -> bool:
    """Whether a word is left to translate when all that must stay is taken out."""
    return _WORD.search(prose(text, glossary)) is not None


def _raise_if_silent(outcomes: list[Outcome]) -> None:
    unanswered = [each.reason for each in outcomes if isinstance(each, Refused) and each.reason.startswith(NOT_ANSWERED)]
    asked = sum(isinstance(each, Refused) or each.attempts > 0 for each in outcomes)
    if len(unanswered) == asked > 1:
        raise PipelineError(f"the service answered not one of {asked} texts, so the run stops: {unanswered[0]}")
