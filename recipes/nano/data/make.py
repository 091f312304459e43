"""Makes training data: shards on disk, or samples streamed into a training that runs.

    (seed, split, i) --mix--> family --draw--> Sample --encode--> shard        the same shards from any number of processes

    python -m recipes.nano.data.make --out DIR --count N --mix instruct --split train --seed 0 --workers 2
    python -m recipes.nano.data.make --count 24 --mix default --sheet sheet.png

Run from the root of the repository. A run that was killed goes on behind its last whole shard when the same command is given again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from recipes.nano.data.contact_sheet import contact_sheet
from recipes.nano.data.mix import Mix, load_mix
from recipes.nano.data.progress import counting
from recipes.nano.data.registry import FAMILIES, load_family, naming_libraries
from recipes.nano.data.sample import Family, MissingMaterial, Sample, Split
from recipes.nano.data.shards import Encoded, ShardWriter, encode
from recipes.nano.orphans import end_with_parent

PLAN, FAILURES, META = "plan.json", "failures.jsonl", "meta.json"
# So many samples of each family are tried before a run: some lack materials for only a part of what they draw.
PROBES = 4
# A run that is killed loses what it drew since its last whole shard.
SHARD_MB = 20.0


class FamilyFailure(RuntimeError):
    """A family raised an error: the message holds what draws the same sample again."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that decides the samples. families: `module:Class` of each name in the mix."""

    seed: int
    split: Split
    mix: tuple[tuple[str, float], ...]
    families: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, mix: Mix, *, seed: int, split: Split, table: dict[str, str] | None = None) -> Plan:
        """A plan for a mix that `load_mix` checked."""
        table = FAMILIES if table is None else table
        return cls(seed=seed, split=split, mix=tuple(mix.items()), families=tuple((name, table[name]) for name in mix))

    def key(self, index: int) -> str:
        """The name of a sample in its shard."""
        return f"{self.split}-{self.seed}-{index:08d}"

    def choose(self, index: int) -> tuple[str, str]:
        """The family of a sample, and the seed that it draws with."""
        names, weights = zip(*self.mix, strict=True)
        family = random.Random(f"{self.seed} {self.split} {index}").choices(names, weights)[0]
        return family, f"{self.seed} {self.split} {index} {family}"


def sample_at(plan: Plan, index: int) -> Sample:
    """Sample number `index` of a plan. Raises FamilyFailure when its family fails."""
    with _named(plan, index) as (family, seed):
        return family.sample(random.Random(seed), plan.split)


def encoded_at(plan: Plan, index: int) -> Encoded:
    """Sample number `index` as the files of a shard. Raises FamilyFailure."""
    with _named(plan, index) as (family, seed):
        return encode(family.sample(random.Random(seed), plan.split), plan.key(index))


@contextmanager
def _named(plan: Plan, index: int) -> Iterator[tuple[Family, str]]:
    """The family and the seed of a sample; what goes wrong inside is told with them."""
    name, seed = plan.choose(index)
    try:
        yield _family(plan.families, name), seed
    except Exception as error:
        again = f'load_family("{name}").sample(random.Random("{seed}"), "{plan.split}")'
        raise FamilyFailure(f"family {name}, sample {index}: {type(error).__name__}: {error}; again: {again}") from error


def iterate(
    seed: int, split: Split, mix: Mix | str = "default", *, start: int = 0, step: int = 1, table: dict[str, str] | None = None
) -> Iterator[Sample]:
    """Samples start, start + step, ... without end: process r of n takes start=r, step=n. What lacks materials is an error here."""
    weights = load_mix(mix, table or FAMILIES) if isinstance(mix, str) else mix
    plan = Plan.of(weights, seed=seed, split=split, table=table)
    index = start
    while True:
        yield sample_at(plan, index)
        index += step


def usable(mix: Mix, split: Split, table: dict[str, str] | None = None) -> tuple[Mix, dict[str, str]]:
    """The part of a mix whose materials are there, and the others with the reason."""
    left_out: dict[str, str] = {}
    for name in mix:
        try:
            with naming_libraries():
                family = load_family(name, FAMILIES if table is None else table)
                for number in range(PROBES):
                    family.sample(random.Random(f"probe {number}"), split)
        except MissingMaterial as error:
            left_out[name] = str(error)
    return {name: weight for name, weight in mix.items() if name not in left_out}, left_out


def make(
    plan: Plan,
    out: Path,
    count: int,
    *,
    workers: int,
    shard_mb: float = SHARD_MB,
    left_out: dict[str, str] | None = None,
    keep_going: bool = False,
    quiet: bool = False,
) -> None:
    """Write samples 0 to count - 1 of the plan into shards in `out`, or those that a run before did not get to.

    keep_going: a sample whose family fails is listed in failures.jsonl instead of ending the run. Raises FamilyFailure, and ValueError
    when `out` holds the shards of another plan.
    """
    out.mkdir(parents=True, exist_ok=True)
    _claim(out, plan, count, shard_mb, left_out or {})
    writer = ShardWriter(out, plan.split, int(shard_mb * 1e6))
    todo = range(writer.next_index, count)
    with counting(count, writer.next_index, quiet) as advance:
        for index, result in zip(todo, _encoded(plan, todo, workers), strict=True):
            if isinstance(result, str):
                if not keep_going:
                    raise FamilyFailure(result)
                _note_failure(out, index, result)
            writer.add(index, result if isinstance(result, Encoded) else None)
            advance()
    writer.flush(count)
    _write_meta(out, plan, sum(line["samples"] for line in writer.done))


def _encoded(plan: Plan, todo: Sequence[int], workers: int) -> Iterator[Encoded | str]:
    """The samples in order, drawn here or by other processes; a text is what went wrong."""
    if workers <= 1:
        yield from (_attempt(plan, index) for index in todo)
        return
    # Processes are spawned, not forked: the progress bar and browsers run threads, which a fork would cut in half.
    context = get_context("spawn")
    with context.Pool(workers, initializer=_start_worker) as pool:
        yield from pool.imap(_Attempt(plan), todo, chunksize=4)
        pool.close()
        pool.join()


@dataclass(frozen=True)
class _Attempt:
    plan: Plan

    def __call__(self, index: int) -> Encoded | str:
        return _attempt(self.plan, index)


def _attempt(plan: Plan, index: int) -> Encoded | str:
    try:
        return encoded_at(plan, index)
    except FamilyFailure as error:
        return str(error)


def _start_worker() -> None:
    end_with_parent()
    # One thread each: the processes fill the cores already.
    os.environ["OMP_NUM_THREADS"] = "1"
    Finalize(None, _close_families, exitpriority=10)


def _close_families() -> None:
    """Families may keep a browser open; a worker process ends without running what is registered with atexit."""
    browser = sys.modules.get("recipes.nano.data.browser")
    if browser is not None and browser.shared.cache_info().currsize:
        browser.shared().close()
    _family.cache_clear()


@lru_cache(maxsize=64)
def _family(table: tuple[tuple[str, str], ...], name: str) -> Family:
    return load_family(name, dict(table))


def _claim(out: Path, plan: Plan, count: int, shard_mb: float, left_out: dict[str, str]) -> None:
    """Write down what the folder holds; a folder of something else is not continued."""
    wanted: dict[str, Any] = {"seed": plan.seed, "split": plan.split, "count": count, "shard_mb": shard_mb, "mix": dict(plan.mix)}
    wanted["left_out"] = left_out
    path = out / PLAN
    if path.is_file():
        found = json.loads(path.read_text("utf-8"))
        differing = [name for name in wanted if found.get(name) != wanted[name]]
        if differing:
            was = ", ".join(f"{name} {found.get(name)} there, {wanted[name]} now" for name in differing)
            raise ValueError(f"{out} was begun with other settings ({was}): give those again, or take another folder")
        return
    path.write_text(json.dumps(wanted, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _note_failure(out: Path, index: int, reason: str) -> None:
    with (out / FAILURES).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"index": index, "reason": reason}, ensure_ascii=False) + "\n")


def _write_meta(out: Path, plan: Plan, samples: int) -> None:
    """A meta file: `internvl data check OUT/meta.json` and training read the shards through it."""
    name = f"nano-{plan.split}"
    entry = {name: {"root": "", "annotation": f"{plan.split}-*.tar", "length": samples}}
    (out / META).write_text(json.dumps(entry, indent=2) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 0 when everything that was asked for is there."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.out is None and asked.sheet is None:
        parser.error("nothing to do: give --out for shards, --sheet for a picture of samples, or both")
    try:
        mix, left_out = usable(load_mix(asked.mix), asked.split)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for name, reason in left_out.items():
        print(f"left out: {name}: {reason}", file=sys.stderr)
    if not mix:
        print("no family of the mix has its materials: see python -m recipes.nano.data.materials --list", file=sys.stderr)
        return 1
    plan = Plan.of(mix, seed=asked.seed, split=asked.split)
    if asked.workers > 1:
        _close_families()  # what was tried here is drawn by other processes from now on
    try:
        if asked.sheet is not None:
            indices = [asked.at] if asked.at is not None else range(asked.count)
            contact_sheet([sample_at(plan, index) for index in indices]).save(asked.sheet)
        if asked.out is not None:
            make(
                plan,
                asked.out,
                asked.count,
                workers=asked.workers,
                shard_mb=asked.shard_mb,
                left_out=left_out,
                keep_going=asked.keep_going,
            )
    except (FamilyFailure, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m recipes.nano.data.make", description="Make pictures with questions and true answers."
    )
    parser.add_argument("--out", type=Path, help="folder of the shards")
    parser.add_argument("--count", type=int, default=24, help="samples")
    parser.add_argument("--mix", default="default", help="name of a mix, or a JSON file of families and weights")
    parser.add_argument("--split", choices=("train", "val", "test"), default="train")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--shard-mb", type=float, default=SHARD_MB, help="megabytes; what a kill may cost")
    parser.add_argument("--keep-going", action="store_true", help="list samples that fail in failures.jsonl instead of stopping")
    parser.add_argument("--sheet", type=Path, help="draw the samples with their questions and answers into this picture")
    parser.add_argument("--at", type=int, help="with --sheet: this sample alone")
    return parser


if __name__ == "__main__":
    sys.exit(main())
