"""`internvl eval --list`: the benchmarks, what they need, how they are scored, and what was published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from internvl.cli.console import note, print_table, write_json
from internvl.eval.published import PublishedScore, published_row, same_model, scores_for
from internvl.eval.tasks import registered, task_names

SHOWN_MODEL = "InternVL2-Llama3-76B"
"""Whose published scores are listed where the model asked for was never published."""


def show_list(names: str | None, *, model: str, as_json: bool) -> None:
    """A row for each split of the benchmarks, or of those named. Raises EvalError for an unknown name."""
    shown = [name.strip() for name in names.split(",")] if names else task_names()
    entries = [entry for name in shown for entry in entries_of(name)]
    if as_json:
        write_json(entries, indent=2)
        return
    headers = ("task", "split", "metric", "variants", "files below --data", "published")
    print_table([(header, "left") for header in headers], [_row(each, same_model(model) or SHOWN_MODEL) for each in entries])
    note("files are looked for in this order, [folder/] may be there or not; the first variant is the default")
    note("--json lists every file and every published score")


def entries_of(name: str) -> Iterator[dict[str, Any]]:
    """What is known of a benchmark, one entry a split."""
    task = registered(name)
    for split in task.splits:
        judge = getattr(task, "judge", None)
        yield {
            "task": name,
            "title": task.title,
            "split": split,
            "metric": task.metric,
            "variants": list(task.variants),
            "files": list(task.files.get(split, ())),
            "judge": None if judge is None else judge.model,
            "needs": "a chat model" if judge is not None or not hasattr(task, "needs") else str(task.needs),
            "published": [_plain(score) for score in _published(task, split)],
        }


def short_paths(files: Sequence[str]) -> list[str]:
    """Paths with the folders they may also lie in: `data/a.tsv` and `a.tsv` are `[data/]a.tsv`."""
    shown = []
    for name in files:
        folders = [other.removesuffix(name) for other in files if other != name and other.endswith(f"/{name}")]
        inside_another = any(name != other and name.endswith(f"/{other}") for other in files)
        if not inside_another:
            shown.append(f"[{'|'.join(folders)}]{name}" if folders else name)
    return shown


def _published(task: Any, split: str) -> tuple[PublishedScore, ...]:
    rows = [row for key, row in task.published.items() if key == split or key.startswith(f"{split}/")]
    return tuple(score for row in dict.fromkeys(rows) for score in scores_for(published_row(row).name))


def _plain(score: PublishedScore) -> dict[str, Any]:
    return {"model": score.model, "row": score.row, "score": score.text, "source": f"{score.source}, {score.document}"}


def _row(entry: Mapping[str, Any], model: str) -> tuple[str, ...]:
    files, variants = "\n".join(short_paths(entry["files"])), "\n".join(entry["variants"])
    return (entry["task"], entry["split"], entry["metric"], variants, files, _published_text(entry["published"], model))


def _published_text(scores: Sequence[Mapping[str, str]], model: str) -> str:
    """The model's scores, a line each; another model's where it has none."""
    shown = [each for each in scores if each["model"] == model] or list(scores[:1])
    return "\n".join(f"{each['score']} {each['model']}" for each in shown) or "-"
