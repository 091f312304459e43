"""Run a search, or go on with one: every shape of the grid learns the same, is asked the same, and stands in one table and picture.

    Space -> candidates -> OUT/shapes/NAME/seed-N/result.json -> speeds -> OUT/found.json, OUT/table.md, OUT/search.png

    python -m recipes.design_search.search                                      # 10 shapes of 0.4 M parameters, minutes on one core
    python -m recipes.design_search.search --budgets 500000 1000000 --depths 4 8 12 --steps 600 --seeds 2

Start it again and it goes on; shapes that are added to the grid are tried under the settings the folder was begun with.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from recipes.design_search.data import HELD_OUT, TRAIN, prepare
from recipes.design_search.proxy import RESULT, Proxy, Trial, tried
from recipes.design_search.report import Found, best_trades, plot, table
from recipes.design_search.space import Candidate, Space, candidates
from recipes.nano.data.sample import MissingMaterial

from internvl.errors import ConfigError, InternVLError, MissingDependencyError
from internvl.eval.fingerprint import file_hash
from internvl.models.vision.speed import images_per_second

BEGIN, END = "<!-- found: begin -->", "<!-- found: end -->"
PICTURE = "search.png"
BATCHES = (1, 32)
ROUNDS = 12


def search(
    space: Space, proxy: Proxy, *, root: Path, lists: Path, tokenizer: Path, out: Path, seeds: int = 1, finished_only: bool = False
) -> list[Found]:
    """Try every shape; what was found, the lowest loss first. root: that of the pictures; lists: where the pairs are listed.

    finished_only: train nothing, and tell of the shapes that have all their results. Raises ConfigError for a folder that was begun
    with other settings or other pairs, or a grid without shapes.
    """
    if seeds < 1:
        raise ConfigError(f"at least one seed is needed, not {seeds}")
    chosen, left_out = candidates(space)
    _claim(out, proxy, space, lists)
    if finished_only:
        chosen = [each for each in chosen if len(list((out / "shapes" / each.name).glob(f"seed-*/{RESULT}"))) >= seeds]
        if not chosen:
            raise ConfigError(f"no shape of the grid is finished in {out}")
    for sentence in left_out:
        print(f"left out: {sentence}")
    scores = {}
    for number, candidate in enumerate(chosen, start=1):
        trials = [Trial(root, lists, tokenizer, out / "shapes" / candidate.name / f"seed-{seed}") for seed in range(1, seeds + 1)]
        found = [tried(candidate.variant.config, proxy, trial, seed=seed) for seed, trial in enumerate(trials, start=1)]
        scores[candidate.name] = tuple(found)
        print(f"{number} of {len(chosen)}  {candidate.name}: " + ", ".join(f"loss {each.loss:.3f}" for each in found), flush=True)
    speeds = _speeds(chosen, out / "speed.json")
    return sorted((Found(each, scores[each.name], speeds[each.name]) for each in chosen), key=lambda each: each.loss)


def write_report(found: Sequence[Found], out: Path) -> None:
    """found.json, table.md and, where matplotlib is, search.png."""
    rows = [
        {"name": each.candidate.name, "budget": each.candidate.budget, "parameters": each.parameters, "loss": each.loss,
         "recall": each.recall, "pictures_per_s": each.speed, "scores": [asdict(score) for score in each.scores]}
        for each in found
    ]  # fmt: skip
    (out / "found.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    (out / "table.md").write_text(table(found), encoding="utf-8")
    try:
        plot(found, out / PICTURE)
    except MissingDependencyError as error:
        print(error)


def _claim(out: Path, proxy: Proxy, space: Space, lists: Path) -> None:
    """Settings that all results of a folder share; the grid may grow."""
    lists_now = {name: file_hash(lists / name) for name in (TRAIN, HELD_OUT)}
    facts = {"proxy": asdict(proxy), "side": space.side, "pairs": lists_now}
    path = out / "search.json"
    if not path.is_file():
        out.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    begun = json.loads(path.read_text("utf-8"))
    changed = [name for name in facts if begun.get(name) != facts[name]]
    if changed:
        told = "; ".join(f"{name} was {begun.get(name)} and is now {facts[name]}" for name in changed)
        raise ConfigError(f"the search in {out} was begun with other settings: {told}. Set them back, or give another folder")


def _speeds(chosen: Sequence[Candidate], path: Path) -> dict[str, dict[int, float]]:
    """Pictures a second of every shape by batch size, all in one go, round by round, so that whatever else the machine does falls on
    all of them; the best of the rounds. Measured again when a shape is new."""
    stored: dict[str, dict[str, float]] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if not all(each.name in stored for each in chosen):
        best: dict[str, dict[str, float]] = {each.name: {} for each in chosen}
        for _ in range(ROUNDS):
            for each in chosen:
                for batch in BATCHES:
                    speed = images_per_second(each.variant.config, batch=batch, rounds=4)
                    best[each.name][str(batch)] = max(best[each.name].get(str(batch), 0.0), round(speed, 1))
        stored = best
        path.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    return {name: {int(batch): speed for batch, speed in speeds.items()} for name, speeds in stored.items()}


def put_in_page(text: str, page: Path) -> None:
    """Replace what stands between the marks of a page."""
    before, begin, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ConfigError(f"{page} has no {BEGIN} and {END} between which a table would go")
    page.write_text(f"{before}{BEGIN}\n{text}{END}{after}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, search, report; what can't be is one sentence, and so is a search that was stopped."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        _run(given)
    except (InternVLError, MissingMaterial, FileNotFoundError) as error:
        parser.exit(1, f"{error}\n")
    except KeyboardInterrupt:
        parser.exit(130, f"stopped; start it again with the same --out, and it goes on in {given.out}\n")


def _run(given: argparse.Namespace) -> None:
    if given.threads:
        torch.set_num_threads(given.threads)
    space = Space(
        budgets=tuple(given.budgets), depths=tuple(given.depths), head_widths=tuple(given.head_widths), ratios=tuple(given.ratios),
        side=given.side,
    )  # fmt: skip
    lists, tokenizer = given.lists or given.out / "pairs", given.tokenizer or given.out / "tokenizer"
    prepare(given.data, lists)
    if not (tokenizer / "tokenizer_config.json").is_file():
        from recipes.dual_nano.vocabulary import write_tokenizer

        write_tokenizer(tokenizer)
    proxy = Proxy(steps=given.steps, pairs=given.pairs)
    places = {"root": given.data, "lists": lists, "tokenizer": tokenizer, "out": given.out}
    found = search(space, proxy, **places, seeds=given.seeds, finished_only=given.finished_only)
    write_report(found, given.out)
    print(table(found))
    print(f"not beaten in both loss and speed: {', '.join(sorted(best_trades(found)))}")
    if given.page is not None:
        put_in_page(table(found), given.page)
        if (given.out / PICTURE).is_file():
            shutil.copyfile(given.out / PICTURE, given.page.parent / "images" / "design_search.png")


def _parser() -> argparse.ArgumentParser:
    default, proxy = Space(), Proxy()
    parser = argparse.ArgumentParser(
        prog="python -m recipes.design_search.search",
        description="Search a small InternViT under a budget of parameters, with contrastive learning as the proxy task.",
        epilog="example: python -m recipes.design_search.search --budgets 500000 --depths 4 8 12 --steps 600 --seeds 2",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    numbers = {"type": int, "nargs": "+"}
    parser.add_argument("--out", type=Path, default=Path("runs/design-search"), help="where results go")
    parser.add_argument(
        "--data", type=Path, default=Path("runs/dual-data"), help="the root of the pictures; those of recipes.dual_nano"
    )
    parser.add_argument("--lists", type=Path, help="train.jsonl and held_out.json of your own; made from --data if not given")
    parser.add_argument("--tokenizer", type=Path, help="a folder with a tokenizer; learnt from the names if not given")
    parser.add_argument("--budgets", **numbers, default=default.budgets, help="parameters of the vision encoder")
    parser.add_argument("--depths", **numbers, default=default.depths, help="numbers of layers")
    parser.add_argument("--head-widths", **numbers, default=default.head_widths, help="widths of a head")
    parser.add_argument("--ratios", **numbers, default=default.ratios, help="widths of the MLP, in widths of the encoder")
    parser.add_argument("--side", type=int, default=default.side, help="of the pictures, in pixels, a multiple of 14")
    parser.add_argument("--steps", type=int, default=proxy.steps, help="of training, for each shape")
    parser.add_argument("--pairs", type=int, default=proxy.pairs, help="of a step")
    parser.add_argument("--seeds", type=int, default=1, help="trials of each shape")
    parser.add_argument("--threads", type=int, default=1, help="of this process; 0: as many as torch takes")
    parser.add_argument("--finished-only", action="store_true", help="train nothing; table and picture of what is there")
    parser.add_argument("--page", type=Path, help="a page whose table is to be replaced, and the picture in images/ beside it")
    return parser


if __name__ == "__main__":
    main()
