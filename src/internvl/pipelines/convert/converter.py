"""What a converter is, and what it is given.

Converter: name, files that it reads, samples(Inputs) -> Sample | Refusal, ...        Inputs: files by role, pictures, settings
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from internvl.data.shard_names import files_of
from internvl.pipelines.convert.phrasing import CAPTION, one_of
from internvl.pipelines.convert.pictures import Pictures
from internvl.pipelines.convert.sample import Outcome, Place
from internvl.pipelines.errors import PipelineError

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a user may choose.

    language: of the questions. names: category or phrase -> its name in that language. ask: which of the converter's tasks, its first
    if "". prompts: wordings to choose from instead of the one question of a caption, detection or reading task.
    """

    language: str = "en"
    names: Mapping[str, str] = field(default_factory=dict)
    ask: str = ""
    prompts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inputs:
    """Files by role, each a file, a pattern or a folder, with the pictures and the settings."""

    files: Mapping[str, Sequence[Path]]
    pictures: Pictures
    settings: Settings

    def one(self, role: str) -> Path:
        """The only file of a role. Raises PipelineError when there are several."""
        found = self.all(role)
        if len(found) != 1:
            raise PipelineError(f"{role}: one file is expected, {len(found)} came")
        return found[0]

    def all(self, role: str, suffix: str = "") -> list[Path]:
        """The files of a role in order; a folder stands for those below it that end in `suffix`."""
        found: list[Path] = []
        for path in self.files.get(role, ()):
            inside = sorted(each for each in path.rglob(f"*{suffix}") if each.is_file()) if path.is_dir() else _found(path)
            if not inside:
                raise PipelineError(f"{role}: there is no file that ends in {suffix!r} below {path}")
            found += inside
        return found

    def question(self, usual: Mapping[str, str], place: Place) -> str:
        """The question of a task: one of the user's wordings, or the usual one in the chosen language."""
        return one_of(self.settings.prompts, place) if self.settings.prompts else usual[self.settings.language]

    def caption_question(self, place: Place) -> str:
        """The question that a caption answers."""
        return self.question(CAPTION, place)

    def name(self, name: str) -> str:
        """A category or phrase in the chosen language. Raises PipelineError when the user's names lack it."""
        if not self.settings.names:
            return name
        try:
            return self.settings.names[name]
        except KeyError as error:
            raise PipelineError(f"--names has no name for {name!r}") from error


Samples: TypeAlias = Callable[[Inputs], Iterator[Outcome]]


@dataclass(frozen=True, kw_only=True)
class Converter:
    """How one published data set becomes samples.

    files: roles of the annotation files, in the order they are given; those in `optional` may be left out. pictures: how paths lie
    below the root. asks: tasks to choose from, the first being the usual one. takes: the settings that change its questions.
    checked: what the format was compared with.
    """

    name: str
    title: str
    task: str
    languages: tuple[str, ...]
    samples: Samples
    files: tuple[str, ...] = ("annotations",)
    optional: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    pictures: str = ""
    takes: tuple[str, ...] = ("language",)
    checked: str = "not checked"
    about: str | None = None

    def inputs(self, annotations: Sequence[str], pictures: Pictures, settings: Settings) -> Inputs:
        """The inputs out of what a user typed: paths in the order of `files`, or ROLE=PATH. Raises PipelineError."""
        if settings.language not in LANGUAGES:
            raise PipelineError(f"the language is one of {', '.join(LANGUAGES)}, not {settings.language!r}")
        if settings.ask and settings.ask not in self.asks:
            known = ", ".join(self.asks) or "none to choose from"
            raise PipelineError(f"{self.name} has no task {settings.ask!r}; it has {known}")
        for what, given in (("language", settings.language != "en"), ("names", settings.names), ("prompts", settings.prompts)):
            if given and what not in self.takes:
                raise PipelineError(f"{self.name} takes no --{what}: it would change nothing")
        return Inputs(self._roles(annotations), pictures, settings)

    def _roles(self, annotations: Sequence[str]) -> dict[str, list[Path]]:
        given: dict[str, list[Path]] = {role: [] for role in self.files}
        unnamed: list[Path] = []
        for text in annotations:
            role, equals, path = text.partition("=")
            if equals and role in given:
                given[role].append(Path(path))
            else:
                unnamed.append(Path(text))
        if len(self.files) == 1:
            given[self.files[0]] += unnamed
        else:
            free = [role for role in self.files if not given[role]]
            if len(unnamed) > len(free):
                raise PipelineError(f"{self.name} reads {len(self.files)} files ({', '.join(self.files)}), {len(annotations)} came")
            for role, place in zip(free, unnamed, strict=False):
                given[role].append(place)
        missing = [role for role in self.files if not given[role] and role not in self.optional]
        if missing:
            raise PipelineError(f"{self.name} needs --annotations for {', '.join(missing)}; it reads {', '.join(self.files)}")
        return given


def _found(path: Path) -> list[Path]:
    try:
        return files_of(path)
    except FileNotFoundError as error:
        raise PipelineError(str(error)) from error
