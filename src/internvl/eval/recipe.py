"""How a run was made, as JSON: enough to repeat it, and to refuse to continue it as something else.

    identity: task, split, variant, protocol, generator (model hash), data hash, questions hash, judge
    setting:  versions, commit, command-independent machine facts; may change while a run is continued

The first process of a run stores it as recipe.json before the first answer; whoever continues compares.
"""

from __future__ import annotations

import dataclasses
import platform
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from internvl.eval.errors import EvalError
from internvl.eval.fingerprint import data_hashes
from internvl.eval.results import read_json_object, write_json_atomically

if TYPE_CHECKING:
    from internvl.eval.generator import Generator
    from internvl.eval.judge import Judge
    from internvl.eval.plan import Plan
    from internvl.eval.task import Protocol, Task

RECIPE_FILE = "recipe.json"
SETTING = "setting"
BEGUN = "begun"
RUNTIME = "runtime"  # versions, devices and addresses in a generator's description


def recipe_of(
    task: Task, plan: Plan, protocol: Protocol, generator: Generator, *, root: Path, variant: str, judge: Judge | None
) -> dict[str, Any]:
    """Everything that a number depends on."""
    return {
        "task": task.name,
        "split": plan.split,
        "variant": variant,
        "protocol": dataclasses.asdict(protocol),
        "generator": {"name": generator.name, **generator.describe()},
        "data": data_hashes(root, task.files.get(plan.split, ())),
        "questions": plan.digest,
        "judge": None if judge is None or task.judge is None else judge.describe(task.judge),
        SETTING: setting(),
    }


def claim(folder: Path, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Make the folder this run's own: store its recipe, or check that the stored one is the same -> the recipe for its result.

    Where versions or commit changed between the parts of a run, the first ones stand under `begun`. Raises EvalError that names
    what else changed, or that the folder holds answers of unknown making.
    """
    file = folder / RECIPE_FILE
    if file.exists():
        stored = read_json_object(file)
        changed = list(differences(_identity(stored), _identity(recipe)))
        if changed:
            raise EvalError(
                f"{folder} was begun with another recipe: {'; '.join(changed)}. Give another folder for results, or delete this one"
            )
        moved = stored.get(SETTING) != recipe[SETTING]
        return {**recipe, BEGUN: stored.get(SETTING)} if moved else dict(recipe)
    if any(folder.glob("samples*.jsonl")):
        raise EvalError(f"{folder} holds answers but no {RECIPE_FILE} that says how they were made; give another folder")
    write_json_atomically(file, recipe)
    return dict(recipe)


def differences(old: Any, new: Any, name: str = "") -> Iterator[str]:
    """Where two recipes part, as `protocol.max_tiles was 6 and is now 12`."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from differences(old.get(key), new.get(key), f"{name}.{key}" if name else str(key))
    elif old != new:
        yield f"{name} was {_short(old)} and is now {_short(new)}"


def setting() -> dict[str, Any]:
    """Versions, commit and platform of this process."""
    from internvl import __version__

    versions = {"internvl": __version__, "python": platform.python_version()}
    for package in ("torch", "numpy", "pillow", "tokenizers"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {"versions": versions, "commit": commit(), "platform": f"{sys.platform} {platform.machine()}"}


def commit(start: Path | None = None) -> str | None:
    """The git commit of the checkout this package runs from, read from its files; None for an installed package."""
    here = Path(__file__).resolve() if start is None else start
    for folder in here.parents:
        head = folder / ".git" / "HEAD"
        if head.is_file():
            return _resolved(head)
    return None


def _resolved(head: Path) -> str | None:
    text = head.read_text(errors="replace").strip()
    if not text.startswith("ref: "):
        return text or None
    name = text.removeprefix("ref: ")
    loose = head.parent / name
    if loose.is_file():
        return loose.read_text(errors="replace").strip()
    packed = head.parent / "packed-refs"
    if packed.is_file():
        for line in packed.read_text(errors="replace").splitlines():
            digest, _, ref = line.partition(" ")
            if ref == name:
                return digest
    return None


def _identity(recipe: Mapping[str, Any]) -> Any:
    """The recipe without what may change: the same weights may lie in another folder, and be run by another version."""
    return _as_json({**recipe, SETTING: None, "generator": {**recipe.get("generator", {}), "name": None}})


def _as_json(value: Any) -> Any:
    """As JSON has it, where tuples are lists, and without what depends on the machine."""
    if isinstance(value, Mapping):
        return {str(key): _as_json(each) for key, each in value.items() if key != RUNTIME}
    return [_as_json(each) for each in value] if isinstance(value, list | tuple) else value


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
