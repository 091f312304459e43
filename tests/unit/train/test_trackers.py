"""Dashboards: what they are given, and what happens without their library."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from internvl.errors import ConfigError, MissingDependencyError
from internvl.train.trackers import open_trackers


class Recorder:
    """Stands in for a library and notes every call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.api = SimpleNamespace(api_key=None)

    def init(self, **options: Any) -> Recorder:
        self.calls.append(("init", options))
        return self

    def log(self, values: dict[str, float], step: int) -> None:
        self.calls.append(("log", (step, values)))

    def finish(self) -> None:
        self.calls.append(("finish", None))


@pytest.mark.parametrize("name", ["wandb", "trackio"])
def test_numbers_arrive_with_their_step(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Recorder()
    monkeypatch.setitem(sys.modules, name, library)  # type: ignore[arg-type]
    monkeypatch.delenv("WANDB_MODE", raising=False)
    (tracker,) = open_trackers([name], tmp_path / "run", {"seed": 1})
    tracker.log({"loss": 2.0}, 7)
    tracker.close()
    (first, options), *rest = library.calls
    assert (first, options["name"], options["config"]) == ("init", "run", {"seed": 1})
    assert rest == [("log", (7, {"loss": 2.0})), ("finish", None)]
    if name == "wandb":
        assert options["mode"] == "offline"  # nobody is asked for a key


def test_the_environment_decides_how_wandb_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Recorder()
    library.api.api_key = "something"
    monkeypatch.setitem(sys.modules, "wandb", library)  # type: ignore[arg-type]
    monkeypatch.delenv("WANDB_MODE", raising=False)
    open_trackers(["wandb"], tmp_path, {})
    monkeypatch.setenv("WANDB_MODE", "disabled")
    open_trackers(["wandb"], tmp_path, {})
    assert [options["mode"] for _, options in library.calls] == ["online", "disabled"]


def test_tensorboard_writes_into_the_run(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    (tracker,) = open_trackers(["tensorboard"], tmp_path, {"seed": 1})
    tracker.log({"loss": 2.0}, 1)
    tracker.close()
    assert list((tmp_path / "tensorboard").glob("events*"))


@pytest.mark.parametrize(("name", "package"), [("tensorboard", r"'internvl\[track\]'"), ("wandb", "wandb"), ("trackio", "trackio")])
def test_a_missing_library_is_named_with_its_package(name: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependencyError, match=rf"{name}.* pip install {package}$"):
        open_trackers([name], tmp_path, {})


def test_an_unknown_name_is_refused_before_any_is_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no tracker 'abacus'; known are tensorboard, wandb, trackio"):
        open_trackers(["tensorboard", "abacus"], tmp_path, {})
    assert not list(tmp_path.iterdir())
