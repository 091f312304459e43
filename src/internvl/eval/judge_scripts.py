"""What ConvBench's judge is asked, read from the benchmark's own scripts, which lie beside its questions. They are never run.

ConvBenchEval/prompts.py       _PROMPT_SYSTEM_PAIRWISE_V1_MT_first_turn = "..." ...
ConvBenchEval/convbencheval.py if turn_str == '_first_turn': user_content = "...".format(...)
    --ast--> StepTexts (system, user, assistant, template) for each of the four questions to the judge
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from internvl.eval.errors import BenchmarkFileError
from internvl.messages import Message, assistant, system, user

STEPS = ("first_turn", "second_turn", "third_turn", "overall_conversation")

MAX_SCRIPT_BYTES = 4 << 20


@dataclass(frozen=True)
class StepTexts:
    """The texts around one question to the judge. The template has `{}` where a conversation's texts go."""

    system: str
    user: str
    assistant: str
    template: str

    def request(self, values: Sequence[str]) -> tuple[Message, ...]:
        """The conversation that ends with the filled template. Raises BenchmarkFileError for another number of places."""
        parts = self.template.split("{}")
        if len(parts) != len(values) + 1:
            raise BenchmarkFileError(f"a judge's template has {len(parts) - 1} places, {len(values)} texts were expected to go there")
        filled = "".join(part + value for part, value in zip(parts, (*values, ""), strict=True))
        return (system(self.system), user(self.user), assistant(self.assistant), user(filled))


def read_step_texts(folder: Path) -> Mapping[str, StepTexts]:
    """The texts of all four steps from the scripts in `folder`. Raises BenchmarkFileError for one that is absent."""
    names = dict(_strings(_parsed(folder / "prompts.py")))
    templates = dict(_templates(_parsed(folder / "convbencheval.py")))
    found = {}
    for step in STEPS:
        wanted = [f"_PROMPT_{role}_PAIRWISE_V1_MT_{step}" for role in ("SYSTEM", "USER", "ASSISTANT")]
        missing = [name for name in wanted if name not in names]
        if missing or f"_{step}" not in templates:
            what = ", ".join(missing) or f"the text that is sent for turn_str '_{step}'"
            raise BenchmarkFileError(f"the scripts in {folder} lack {what}")
        opening, question, agreed = (names[name] for name in wanted)
        found[step] = StepTexts(system=opening, user=question, assistant=agreed, template=templates[f"_{step}"])
    return found


def _strings(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Names that the script sets to a text."""
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                yield name, text


def _templates(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Value of `turn_str` -> the text whose `.format` becomes `user_content` under it."""
    for node in ast.walk(module):
        match node:
            case ast.If(test=ast.Compare(left=ast.Name(id="turn_str"), comparators=[ast.Constant(value=str(turn))]), body=body):
                yield from ((turn, text) for text in map(_formatted, body) if text)


def _formatted(node: ast.stmt) -> str:
    match node:
        case ast.Assign(
            targets=[ast.Name(id="user_content")],
            value=ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")),
        ):
            return text
    return ""


def _parsed(path: Path) -> ast.Module:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BenchmarkFileError(f"can't read {path}: {error.strerror or error}; it holds what the judge is asked") from error
    if len(content) > MAX_SCRIPT_BYTES:
        raise BenchmarkFileError(f"{path} is {len(content)} bytes long; at most {MAX_SCRIPT_BYTES} are read")
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise BenchmarkFileError(f"{path} is no Python script: {error}") from error
