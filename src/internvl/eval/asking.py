"""From samples to what was answered: conversations of one turn or several, a batch at a time, failures kept apart.

    samples -> asks -> Generator -> answers -> follow_up? -> asks ... -> Asked [answers, error]

A sample whose picture is damaged or whose prompt is too long fails alone: its batch is halved until it stands by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from internvl.errors import InternVLError, MediaError, NumericError, PromptError
from internvl.eval.errors import GeneratorError
from internvl.eval.generator import Ask, Generator, PartlyAnswered
from internvl.eval.sample import Answer, Sample
from internvl.eval.task import Protocol, Task
from internvl.messages import Message, assistant

# What one sample can be guilty of. Anything else (a missing library, damaged weights, a refused key) would fail all of them, and
# stops the run instead.
OF_ONE_SAMPLE = (MediaError, PromptError, NumericError, GeneratorError)


@dataclass
class Asked:
    """What came of a sample: an answer a turn, and why there is not another where something went wrong."""

    sample: Sample
    messages: tuple[Message, ...]
    answers: list[Answer] = field(default_factory=list)
    error: InternVLError | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """The answers' words."""
        return tuple(answer.text for answer in self.answers)


def ask_all(task: Task, generator: Generator, protocol: Protocol, samples: Sequence[Sample]) -> list[Asked]:
    """Hold the conversations of these samples, all at the same turn together."""
    asked = [Asked(sample, sample.messages) for sample in samples]
    open_ones = asked
    while open_ones:
        asks = [Ask(messages=each.messages, protocol=protocol, id=each.sample.id, turn=len(each.answers)) for each in open_ones]
        for each, outcome in zip(open_ones, outcomes_of(generator, asks), strict=True):
            _take(each, outcome)
        open_ones = [each for each in open_ones if each.error is None and _goes_on(task, each)]
    return asked


def outcomes_of(generator: Generator, asks: Sequence[Ask]) -> list[Answer | InternVLError]:
    """An answer or an error to each ask. Errors that are no single sample's are raised."""
    try:
        return list(generator.generate(asks))
    except PartlyAnswered as error:
        return list(error.outcomes)
    except OF_ONE_SAMPLE as error:
        if len(asks) == 1:
            return [error]
        half = len(asks) // 2
        return outcomes_of(generator, asks[:half]) + outcomes_of(generator, asks[half:])


def silent_answers(task: Task, sample: Sample) -> tuple[str, ...]:
    """What a model that says nothing answers, turn by turn: a sample that could not be asked is scored like this."""
    answers = [""]
    while task.follow_up(sample, answers) is not None:
        answers.append("")
    return tuple(answers)


def _take(asked: Asked, outcome: Answer | InternVLError) -> None:
    if isinstance(outcome, Answer):
        asked.answers.append(outcome)
    else:
        asked.error = outcome


def _goes_on(task: Task, asked: Asked) -> bool:
    """Whether there is another turn; it is then put behind the last answer."""
    question = task.follow_up(asked.sample, asked.texts)
    if question is None:
        return False
    asked.messages = (*asked.messages, assistant(asked.answers[-1].text), question)
    return True
