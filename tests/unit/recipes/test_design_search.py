"""The search as a whole on toy pictures: equal data and steps, continued where it stopped, one table and picture, settings kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from recipes.design_search.data import HELD_OUT, TRAIN, divided, prepare
from recipes.design_search.proxy import Proxy, Score, Trial, tried
from recipes.design_search.report import Found, best_trades, table
from recipes.design_search.search import BEGIN, END, put_in_page, search, write_report
from recipes.design_search.space import Candidate, Space, candidates

from internvl.errors import ConfigError
from internvl.models.vision.variants import Variant, parameters
from internvl.train.journal import read_journal

TOKENIZER = Path(__file__).parents[2] / "parity" / "fixtures" / "internvl-14b"
SPACE = Space(budgets=(60_000,), depths=(2, 4), head_widths=(16,), ratios=(2,), side=28, tolerance=0.4)
PROXY = Proxy(steps=2, pairs=4)


def write_pictures(root: Path) -> Path:
    """Drawings of eight things in three styles, listed as recipes.dual_nano.pairs lists them."""
    import PIL.Image

    rows = []
    for style in ("one", "two", "three"):
        for number in range(8):
            file = root / "pictures" / style / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            PIL.Image.new("RGB", (28, 28), (30 * number, 90, 200 - 20 * number)).save(file)
            names = {"en": f"thing {number}"} | ({"de": f"Ding {number}"} if style == "one" else {})
            rows.append({"style": style, "code": str(number), "file": str(file.relative_to(root)), "split": "train", "names": names})
    rows.append({"style": "four", "code": "0", "file": "absent.png", "split": "unseen", "names": {"en": "thing 0"}})
    (root / "pictures.json").write_text(json.dumps(rows))
    return root


def run(tmp_path: Path, proxy: Proxy = PROXY, **options: Any) -> list[Found]:
    prepare(tmp_path / "data", tmp_path / "lists", questions=6)
    places = {"root": tmp_path / "data", "lists": tmp_path / "lists", "tokenizer": TOKENIZER, "out": tmp_path / "out"}
    return search(SPACE, proxy, **places, **options)


def test_shapes_come_near_their_budget_and_the_rest_is_told() -> None:
    found, left_out = candidates(Space())
    assert len(found) + len(left_out) == 12
    for candidate in found:
        assert abs(parameters(candidate.variant.config) / 400_000 - 1) <= 0.2
        assert candidate.variant.config.image_size == 56
    _, strict = candidates(Space(tolerance=0.08, depths=(2,)))
    assert all("too far from the budget" in sentence for sentence in strict)
    with pytest.raises(ConfigError, match="no shape of the grid"):
        candidates(Space(budgets=(1000,), depths=(8,)))


def test_what_is_held_out_is_drawn_otherwise_too(tmp_path: Path) -> None:
    prepare(write_pictures(tmp_path / "data"), tmp_path / "lists", questions=2)
    lines = [json.loads(line) for line in (tmp_path / "lists" / TRAIN).read_text().splitlines()]
    held_out = json.loads((tmp_path / "lists" / HELD_OUT).read_text())
    assert (len(lines), len(held_out)) == (22, 2)
    assert not {line["image"] for line in lines} & {row["file"] for row in held_out}
    assert {row["name"] for row in held_out} <= {line["conversations"][1]["value"] for line in lines}
    with pytest.raises(ConfigError, match="no thing is drawn twice"):
        divided([{"code": "1", "file": "a"}, {"code": "2", "file": "b"}], 5)


def test_a_search_goes_on_and_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pictures(tmp_path / "data")
    found = run(tmp_path)
    assert {each.candidate.variant.depth for each in found} == {2, 4}
    assert [each.loss for each in found] == sorted(each.loss for each in found)
    logs = sorted((tmp_path / "out" / "shapes").glob("*/seed-1/run/log.jsonl"))
    assert len(logs) == 2
    assert all(sum("loss" in line for line in read_journal(log)) == PROXY.steps for log in logs)
    with pytest.raises(ConfigError, match="no shape of the grid is finished"):
        run(tmp_path, seeds=2, finished_only=True)
    kept = found[0].candidate.name
    (lost,) = (each.candidate.name for each in found[1:])
    shutil.rmtree(tmp_path / "out" / "shapes" / lost)
    assert [each.candidate.name for each in run(tmp_path, finished_only=True)] == [kept]
    monkeypatch.setattr("recipes.design_search.proxy.Trainer", Refusing(lost))
    again = run(tmp_path)
    assert {each.candidate.name: each.loss for each in again} == {each.candidate.name: each.loss for each in found}, kept
    write_report(again, tmp_path / "out")
    assert len(json.loads((tmp_path / "out" / "found.json").read_text())) == 2
    assert (tmp_path / "out" / "table.md").read_text().count("\n") == 4
    if (tmp_path / "out" / "search.png").exists():  # with matplotlib
        assert (tmp_path / "out" / "search.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(ConfigError, match="begun with other settings: proxy was"):
        run(tmp_path, Proxy(steps=3, pairs=4))


class Refusing:
    """A Trainer that trains only the shape whose result is gone; a shape with a result must not be trained again."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, config: object, **options: object) -> object:
        from internvl.train.trainer import Trainer

        assert self.name in str(config.out)  # type: ignore[attr-defined]
        return Trainer(config, **options)  # type: ignore[arg-type]


def test_equal_seeds_give_equal_scores(tmp_path: Path) -> None:
    write_pictures(tmp_path / "data")
    prepare(tmp_path / "data", tmp_path / "lists", questions=6)
    [candidate] = candidates(Space(budgets=(60_000,), depths=(2,), head_widths=(16,), ratios=(2,), side=28, tolerance=0.4))[0]
    trials = [Trial(tmp_path / "data", tmp_path / "lists", TOKENIZER, tmp_path / name) for name in ("a", "b", "c")]
    scores = [tried(candidate.variant.config, PROXY, trial, seed=seed) for trial, seed in zip(trials, (1, 1, 2), strict=True)]
    assert scores[0] == scores[1]
    assert scores[0] != scores[2]


def found_of(name: str, loss: float, speed: float, seeds: int = 1) -> Found:
    shape = Variant(name=name, width=16 * len(name), depth=2, mlp=64 * len(name), heads=len(name), side=28)
    score = Score(loss, {1: 10.0, 5: 20.0}, {1: 30.0, 5: 40.0})
    return Found(Candidate(1000, shape), (score, Score(loss + 0.1, {1: 0.0, 5: 0.0}, {1: 0.0, 5: 0.0}))[:seeds], {1: 1.0, 32: speed})


def test_trades_and_table() -> None:
    slow, fast, worse = found_of("a", 1.0, 10.0), found_of("bb", 2.0, 20.0), found_of("ccc", 2.5, 15.0)
    assert best_trades([slow, fast, worse]) == {slow.candidate.name, fast.candidate.name}
    rows = table([worse, fast, slow]).splitlines()
    assert rows[2].startswith("| **2** | **16**")
    assert "25.0" not in rows[2]
    assert slow.recall == 25.0
    assert "between seeds" in table([found_of("a", 1.0, 1.0, seeds=2)])


def test_a_page_gets_the_table_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    put_in_page("| new |\n", page)
    assert page.read_text() == f"before\n{BEGIN}\n| new |\n{END}\nafter\n"
    page.write_text("nothing")
    with pytest.raises(ConfigError, match="between which a table would go"):
        put_in_page("| new |\n", page)
