"""A model that grades answers, and when its grades may be called a benchmark's score.

    sample, answers --score()--> undecided? --judge_request()--> Judge --reply--> judged() --> score, judge and prompt recorded
                                                 ^ asked again, a little warmer, while a reply can't be read

A row keeps who judged it and a hash of what was asked. A run is official only where the judge is the one its protocol names.
"""

from __future__ import annotations

import hashlib
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from internvl.eval.errors import EvalError, GeneratorError
from internvl.eval.generator import Ask, Generator
from internvl.eval.judge_prompts import judge_text, system_text
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Decoding, Protocol, Task
from internvl.messages import Message, system, user

JudgeRequest: TypeAlias = str | tuple[Message, ...]
"""What a judge is asked: one text, or a conversation that ends with the user."""

EVALKIT_NAMES: Mapping[str, str] = MappingProxyType({"gpt-4-turbo": "gpt-4-1106-preview", "chatgpt-0125": "gpt-3.5-turbo-0125"})
"""VLMEvalKit's short names of judges and the models that it asks under them."""

UNDECIDED = "undecided"
"""The key by which a task's `score` says that a judge has to read the answers; the score beside it is 0."""


@dataclass(frozen=True, kw_only=True)
class JudgeSpec:
    """The judge that a benchmark's protocol names.

    model: its name. models: other names by variant. prompt_name, system_name: files in `judge_texts/`; "" where the
    prompt comes with the benchmark, and for no system text.
    max_tokens: of a reply. retries: how often it is asked until a reply can be read. warmer: temperature added with every try.
    """

    model: str
    prompt_name: str
    max_tokens: int
    retries: int = 5
    system_name: str = ""
    warmer: float = 0.5
    models: Mapping[str, str] = field(default_factory=dict)

    def model_for(self, variant: str) -> str:
        """The judge of a variant of the task."""
        return self.models.get(variant, self.model)

    def names(self, variant: str, judge: str) -> bool:
        """Whether this judge is the protocol's, under either of its names."""
        model = self.model_for(variant)
        return judge in (model, EVALKIT_NAMES.get(model, model))


@typing.runtime_checkable
class StepwiseJudged(typing.Protocol):
    """A task whose judge is asked several times about one sample, each time knowing the replies so far."""

    def judge_step(self, sample: Sample, answers: Sequence[str], replies: Sequence[str]) -> JudgeRequest | None:
        """The next request, None when all replies are there."""

    def check_step(self, sample: Sample, reply: str) -> None:
        """Raises EvalError for a reply that can't be read."""

    def judged_steps(self, sample: Sample, answers: Sequence[str], replies: Sequence[str]) -> Mapping[str, Any]:
        """The score that follows from all replies."""


class JudgeFailure(EvalError):
    """No readable reply came from the judge. `tries` are the replies that were refused."""

    def __init__(self, message: str, tries: Sequence[str]) -> None:
        super().__init__(message)
        self.tries = tuple(tries)


class Judge:
    """A generator that is asked for grades."""

    def __init__(self, generator: Generator) -> None:
        self.generator = generator

    @property
    def model(self) -> str:
        """The judge's model, as its generator describes it."""
        return str(self.generator.describe().get("model", self.generator.name))

    def describe(self, spec: JudgeSpec) -> dict[str, Any]:
        """Who judges and how, for a result's recipe."""
        return {
            "model": self.model,
            "generator": self.generator.describe(),
            "prompt": spec.prompt_name or "the benchmark's own files",
            "prompt_sha256": prompt_hash(judge_text(spec.prompt_name), system_text(spec.system_name)) if spec.prompt_name else None,
            "max_tokens": spec.max_tokens,
            "retries": spec.retries,
        }

    def ask(self, request: JudgeRequest, spec: JudgeSpec, *, attempt: int = 0) -> str:
        """One reply. The first try is greedy, later ones are warmer. Raises GeneratorError where none comes."""
        decoding = Decoding(max_new_tokens=spec.max_tokens, temperature=spec.warmer * attempt)
        messages = _messages(request, spec)
        return self.generator.generate([Ask(messages=messages, protocol=Protocol(max_tiles=1, decoding=decoding))])[0].text


def judge_sample(judge: Judge | None, task: Task, sample: Sample, answers: Sequence[str]) -> dict[str, Any]:
    """The score of a sample, by rule where that decides, else by the judge.

    What is kept beside the score: "judge" (its model), "judge_prompt" (a hash of every request), "judge_replies". Where no readable
    reply came there is an "error" sentence beside a score of 0, and the refused replies; without a judge the row stays undecided.
    """
    scored = dict(task.score(sample, answers))
    if judge is None or not scored.get(UNDECIDED) or task.judge is None:
        return scored
    asked: list[JudgeRequest] = []
    record = {"judge": judge.model}
    try:
        found, replies = _judged(judge, task, task.judge, sample, answers, asked)
    except JudgeFailure as failure:
        del scored[UNDECIDED]
        record |= {"judge_prompt": prompt_hash(*asked), "error": str(failure)}
        return {**scored, "score": 0.0, **record, "judge_replies": list(failure.tries)}
    return {**found, **record, "judge_prompt": prompt_hash(*asked), "judge_replies": replies}


def why_unofficial(spec: JudgeSpec | None, variant: str, rows: Sequence[Scored]) -> str | None:
    """Why these rows give no headline number: answers no judge has read, or another judge than the protocol's. None if they do."""
    undecided = sum(bool(row.score.get(UNDECIDED)) for row in rows)
    if undecided:
        wanted = f"; the protocol's judge is {spec.model_for(variant)}" if spec else ""
        return f"{undecided} of {len(rows)} answers need a judge and were given to none{wanted}"
    judges = sorted({str(row.score["judge"]) for row in rows if "judge" in row.score})
    strange = [judge for judge in judges if spec is None or not spec.names(variant, judge)]
    if not strange:
        return None
    wanted = spec.model_for(variant) if spec else "none"
    return f"judged by {', '.join(strange)}; the protocol's judge is {wanted}"


def prompt_hash(*requests: JudgeRequest) -> str:
    """SHA-256 over the texts of requests, with who says them."""
    digest = hashlib.sha256()
    for request in requests:
        for message in (user(request),) if isinstance(request, str) else request:
            digest.update(f"{message.role}\0{message.text}\0".encode(errors="surrogatepass"))
    return digest.hexdigest()


def _messages(request: JudgeRequest, spec: JudgeSpec) -> tuple[Message, ...]:
    messages = (user(request),) if isinstance(request, str) else request
    return (system(system_text(spec.system_name)), *messages) if spec.system_name else messages


def _judged(
    judge: Judge, task: Task, spec: JudgeSpec, sample: Sample, answers: Sequence[str], asked: list[JudgeRequest]
) -> tuple[Mapping[str, Any], list[str]]:
    """The score and the replies it is made of; `asked` collects the requests, also when it fails."""
    if not isinstance(task, StepwiseJudged):
        request = task.judge_request(sample, answers)
        asked.append(request)
        found, reply = _until_readable(judge, spec, request, lambda text: task.judged(sample, answers, text))
        return found, [reply]
    replies: list[str] = []
    while (step := task.judge_step(sample, answers, replies)) is not None:
        asked.append(step)
        replies.append(_until_readable(judge, spec, step, lambda text: task.check_step(sample, text))[1])
    return task.judged_steps(sample, answers, replies), replies


def _until_readable(judge: Judge, spec: JudgeSpec, request: JudgeRequest, read: Callable[[str], Any]) -> tuple[Any, str]:
    """What `read` makes of the first reply it accepts, and that reply. Raises JudgeFailure after the last try."""
    tries: list[str] = []
    reason = ""
    for attempt in range(spec.retries):
        try:
            reply = judge.ask(request, spec, attempt=attempt)
        except GeneratorError as error:
            reason = str(error)
            continue
        try:
            return read(reply), reply
        except EvalError as error:
            tries.append(reply)
            reason = str(error)
    raise JudgeFailure(f"the judge gave no readable reply in {spec.retries} tries: {reason}", tries)
