"""The one loop of all benchmarks of vectors: encode what is not stored yet, score, write the result.

    task.evaluate(Work) --Work.encode--> OUT/features/<model>/{pictures,texts}, shared by all benchmarks
                        --Work.folder--> OUT/heads/<task>_<model>/, what probes and segmentation heads learned
                        -> Outcome -> OUT/<task>_<split>_<variant>/{result.json, samples.jsonl, recipe.json}

Several processes share a run by contiguous shards and one folder. Nobody waits for anybody: the last to finish finds all vectors there
and scores; the others return an incomplete result.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from internvl.eval.embedder import Embedder
from internvl.eval.embedding_task import EmbeddingTask, Outcome, Work
from internvl.eval.encoding import Encoder, Incomplete
from internvl.eval.errors import EvalError
from internvl.eval.feature_extractor import FeatureExtractor, ProbeEmbedder
from internvl.eval.feature_store import FeatureStore, fingerprint
from internvl.eval.fingerprint import data_hashes
from internvl.eval.plan import check_shard
from internvl.eval.progress import ProgressCallback
from internvl.eval.recipe import RECIPE_FILE, RUNTIME, SETTING, claim, setting
from internvl.eval.results import (
    RESULT_FILE,
    SAMPLES_FILE,
    Result,
    dump_row,
    result_folder,
    save_result,
    write_atomically,
    write_json_atomically,
)


def run_embedding_task(
    task: EmbeddingTask,
    embedder: Embedder | FeatureExtractor,
    *,
    root: Path,
    split: str | None = None,
    variant: str | None = None,
    out: Path,
    limit: int | None = None,
    shard: tuple[int, int] = (0, 1),
    progress: ProgressCallback | None = None,
) -> Result:
    """Run a benchmark, or what is left of it, and store the result below `out`.

    embedder: an Embedder, or a FeatureExtractor where `task.needs` is "features". root: the data's folder. split, variant: the
    task's first ones unless given. limit: only the first pictures. shard: (which, of how many).

    Raises BenchmarkFileError for bad data with the row; EvalError for a folder begun with another recipe or the wrong kind of
    embedder. Whatever stops it, the same call goes on from there.
    """
    split, variant = _choice(task, task.splits, split), _choice(task, tuple(task.variants), variant)
    if check_shard(shard)[1] > 1 and not task.shardable:
        raise EvalError(f"{task.name} trains a head in one process: it can't be shared by {shard[1]}")
    _check_kind(task, embedder)
    recipe = _recipe(task, embedder, root, split, variant)
    folder = result_folder(out, task.name, split, variant)
    finished = (folder / RESULT_FILE).exists()
    if finished:  # otherwise there is nothing to protect, and a mended file must not be held against the run
        claim(folder, recipe)
    work = _work(task, embedder, root, split, variant, out, limit, shard, progress)
    started = time.perf_counter()
    try:
        outcome = task.evaluate(work)
    except Incomplete as missing:
        return _result(task, work, recipe, folder, None, missing)
    result = _result(task, work, recipe, folder, outcome, None, wall_s=time.perf_counter() - started)
    if not finished:
        write_json_atomically(folder / RECIPE_FILE, recipe)
    write_atomically(folder / SAMPLES_FILE, [dump_row(row) for row in outcome.rows])
    save_result(result, folder)
    return result


def _work(
    task: EmbeddingTask,
    embedder: Embedder | FeatureExtractor,
    root: Path,
    split: str,
    variant: str,
    out: Path,
    limit: int | None,
    shard: tuple[int, int],
    progress: ProgressCallback | None,
) -> Work:
    extractor = cast("FeatureExtractor", embedder) if is_extractor(embedder) else None
    encoding = ProbeEmbedder(extractor) if extractor is not None else cast("Embedder", embedder)
    description = lasting(encoding.describe())
    model = f"{_safe(encoding.name)}_{fingerprint(description)}"
    stores = {kind: FeatureStore(out / "features" / model / kind, description) for kind in ("pictures", "texts")}
    encoder = Encoder(
        embedder=encoding,
        pictures=stores["pictures"],
        texts=stores["texts"],
        shard=shard,
        title=task.title,
        progress=progress,
    )
    return Work(
        root=root,
        split=split,
        variant=variant,
        limit=limit,
        folder=out / "heads" / f"{task.name}_{model}",
        encode=encoder,
        extractor=extractor,
        title=task.title,
        progress=progress,
    )


def is_extractor(embedder: Embedder | FeatureExtractor) -> bool:
    """Whether it gives the tokens of layers."""
    return callable(getattr(embedder, "tokens", None))


def lasting(description: Mapping[str, Any]) -> dict[str, Any]:
    """A description without what depends on the machine: the same weights elsewhere give the same vectors."""
    return {name: value for name, value in description.items() if name != RUNTIME}


def _recipe(task: EmbeddingTask, embedder: Embedder | FeatureExtractor, root: Path, split: str, variant: str) -> dict[str, Any]:
    return {
        "task": task.name,
        "split": split,
        "variant": variant,
        "protocol": asdict(task.variants[variant]),
        "generator": {"name": embedder.name, **embedder.describe()},
        "data": data_hashes(root, task.hashed_files(split, variant)),
        SETTING: setting(),
    }


def _result(
    task: EmbeddingTask,
    work: Work,
    recipe: Mapping[str, Any],
    folder: Path,
    outcome: Outcome | None,
    missing: Incomplete | None,
    wall_s: float = 0.0,
) -> Result:
    value = None if outcome is None else outcome.scores.get(task.metric)
    return Result(
        task=task.name,
        title=task.title,
        split=work.split,
        variant=work.variant,
        metric=task.metric,
        scale=task.scale,
        headline=None if value is None else float(value) * task.scale,
        scores={} if outcome is None else outcome.scores,
        samples=len(outcome.rows) if outcome is not None else missing.stored if missing is not None else 0,
        total=outcome.total if outcome is not None else missing.total if missing is not None else 0,
        limit=work.limit,
        complete=outcome is not None,
        recipe=recipe,
        wall_s=round(wall_s, 3),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        published=task.published_row(work.split, work.variant),
        notes=tuple(_notes(task, work, outcome, missing)),
        folder=folder,
    )


def _notes(task: EmbeddingTask, work: Work, outcome: Outcome | None, missing: Incomplete | None) -> list[str]:
    found = [task.variants[work.variant].note, "" if missing is None else str(missing)]
    if outcome is not None and len(outcome.rows) < outcome.total:
        found.append(f"only {len(outcome.rows)} of {outcome.total} rows: not comparable with published numbers")
    return [note for note in found if note]


def _check_kind(task: EmbeddingTask, embedder: Embedder | FeatureExtractor) -> None:
    wants = task.needs == "features"
    if wants != is_extractor(embedder):
        kinds = ("an Embedder of pictures and sentences", "a FeatureExtractor, which gives the tokens of layers")
        raise EvalError(f"{task.name} needs {kinds[wants]}; {embedder.name} is {kinds[not wants]}")


def _choice(task: EmbeddingTask, known: Sequence[str], wanted: str | None) -> str:
    if wanted is None:
        return known[0]
    if wanted not in known:
        raise EvalError(f"{task.name} has {', '.join(known)}, not {wanted!r}")
    return wanted


def _safe(name: str) -> str:
    """A name as a folder's."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-.") else "-" for letter in name)[:60] or "model"
