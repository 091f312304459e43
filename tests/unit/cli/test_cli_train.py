"""`internvl train` on a handful of pictures: what it writes, what it says, what it refuses."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from typer.testing import CliRunner

from internvl.cli.config_fields import names_of, with_settings
from internvl.cli.console import UsageError
from internvl.cli.main import app
from internvl.cli.recipe import recipe_named
from internvl.train.config import TrainConfig
from internvl.train.published import PUBLISHED

recipes = pytest.importorskip("recipes.arrows")
run = CliRunner().invoke
QUICK = ("--set", "steps=2", "--set", "data.workers=0", "--set", "data.pack_tokens=600", "--quiet")


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("arrows")
    recipes.write(folder, 24, seed=5)
    return folder / "records.jsonl"


@pytest.fixture(scope="module")
def trained(records: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    out = tmp_path_factory.mktemp("run")
    done = run(app, ["train", "--data", str(records), "--out", str(out), "--set", "data.held_back=0.3", *QUICK, "--json"])
    assert done.exit_code == 0, done.output
    return out, json.loads(done.stdout)


def test_a_run_leaves_a_model_adapters_a_log_and_both_answers(trained: tuple[Path, dict[str, object]]) -> None:
    out, said = trained
    assert said["step"] == said["total_steps"] == 2
    assert {"model", "adapter", "log.jsonl", "before_after.jsonl", "checkpoints"} <= {path.name for path in out.iterdir()}
    rows = [json.loads(line) for line in (out / "before_after.jsonl").read_text("utf-8").splitlines()]
    assert said["asked"] == len(rows) > 0
    assert said["right_after"] == sum(row["right_after"] for row in rows)
    assert {"question", "expected", "before", "after"} <= rows[0].keys()


def test_the_result_chats_and_starts_the_next_run(trained: tuple[Path, dict[str, object]], records: Path, tmp_path: Path) -> None:
    model = str(trained[0] / "model")
    picture = str(next((records.parent / "images").iterdir()))
    asked = run(app, ["chat", picture, "-q", "Where does the arrow point?", "--model", model, "--set", "max_new_tokens=4", "--quiet"])
    assert asked.exit_code == 0, asked.output
    again = run(app, ["train", "--data", str(records), "--model", model, "--out", str(tmp_path), *QUICK, "--no-compare"])
    assert again.exit_code == 0, again.output


def test_a_finished_run_is_not_done_again(trained: tuple[Path, dict[str, object]], records: Path) -> None:
    out = trained[0]
    lines = (out / "log.jsonl").read_text()
    done = run(app, ["train", "--data", str(records), "--out", str(out), "--set", "data.held_back=0.3", *QUICK, "--no-compare"])
    assert done.exit_code == 0, done.output
    assert (out / "log.jsonl").read_text().count('"lr"') == lines.count('"lr"')


def test_a_changed_rate_is_refused_by_name(trained: tuple[Path, dict[str, object]], records: Path) -> None:
    arguments = ["train", "--data", str(records), "--out", str(trained[0]), "--set", "data.held_back=0.3", "--set", "optim.lr=0.5"]
    done = run(app, [*arguments, *QUICK])
    assert done.exit_code == 1
    assert "optim.lr" in done.output


def test_without_data_it_says_so() -> None:
    done = run(app, ["train"])
    assert done.exit_code == 2
    assert "--data" in done.output


def test_dry_run_shows_every_field_and_touches_nothing(tmp_path: Path) -> None:
    done = run(app, ["train", "internvl2-8b-lora", "--out", str(tmp_path / "no"), "--set", "optim.lr=3e-5", "--dry-run", "--json"])
    shown = json.loads(done.stdout)
    assert (shown["optim.lr"], shown["lora.language_rank"], shown["model"]) == (3e-5, 16, "OpenGVLab/InternVL2-8B")
    assert not (tmp_path / "no").exists()


def test_list_names_every_published_run() -> None:
    listed = run(app, ["train", "--list"]).stdout
    assert all(name in listed for name in PUBLISHED)


def test_a_recipe_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from internvl.train.config import TrainConfig\ndef small(): return TrainConfig(batch_size=3)\ndef other(): return 3\n"
    )
    assert recipe_named(f"{file}:small").batch_size == 3
    with pytest.raises(UsageError, match="must return a TrainConfig, not int"):
        recipe_named(f"{file}:other")
    with pytest.raises(UsageError, match="no function 'none'"):
        recipe_named(f"{file}:none")
    with pytest.raises(UsageError, match=r"there is no .*absent\.py"):
        recipe_named("absent.py:small")
    with pytest.raises(UsageError, match="no recipe 'intervl2-8b'"):
        recipe_named("intervl2-8b")


@dataclass(frozen=True)
class Inner:
    rate: float = 1.0
    kind: Literal["a", "b"] = "a"
    pair: tuple[int, float] = (1, 2.0)


@dataclass(frozen=True)
class Outer:
    inner: Inner = Inner()
    name: str | None = None
    folder: Path | None = None
    flags: frozenset[str] = frozenset()
    many: tuple[str, ...] = ()
    table: dict[str, float] = field(default_factory=dict)
    on: bool = False


def test_settings_reach_every_kind_of_field() -> None:
    pairs = [
        "inner.rate=2e-3",
        "inner.kind=b",
        "inner.pair=3,4",
        "name=x",
        "folder=/tmp/y",
        "flags=p,q",
        "many=r,s",
        "table=k:1.5",
        "on=yes",
    ]
    changed = with_settings(Outer(), pairs)
    inner = Inner(rate=2e-3, kind="b", pair=(3, 4.0))
    expected = Outer(inner, "x", Path("/tmp/y"), frozenset("pq"), ("r", "s"), {"k": 1.5}, True)
    assert changed == expected
    assert with_settings(changed, ["name=none", "flags=none"]) == Outer(
        inner, None, Path("/tmp/y"), frozenset(), ("r", "s"), {"k": 1.5}, True
    )


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("inner.rate", "needs name=value"),
        ("inner.rat=1", r"knows no 'inner\.rat'; known here are kind, pair, rate"),
        ("inner.rate=fast", r"--set inner\.rate must be a number, not 'fast'"),
        ("inner.kind=c", "is one of a, b"),
        ("inner.pair=1", "needs 2 values"),
        ("inner=3", "it has parts"),
        ("on.x=1", "on has no parts"),
        ("table=k", "key:value"),
    ],
)
def test_wrong_settings_are_told(pair: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        with_settings(Outer(), [pair])


def test_every_name_of_the_real_config_can_be_set() -> None:
    names = names_of(TrainConfig())
    assert {"optim.lr", "data.manifest", "lora.vision_rank", "steps", "train_parts"} <= set(names)
    assert with_settings(TrainConfig(), ["train_parts=projector", "optim.lr_scales=projector:0.5"]).optim.lr_scales == {
        "projector": 0.5
    }
