"""The embedded dual encoder: loads, finds the pictures of examples/ in several languages, and says what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from internvl import Image, load_dual
from internvl.checkpoint.hub import embedded_models
from internvl.cli.main import app
from internvl.engine.dual import Dual

NAME = "internvl-dual-nano"
PICTURES = Path(__file__).parents[2] / "examples" / "pictures"
pytestmark = pytest.mark.skipif(NAME not in embedded_models(), reason=f"{NAME} is not in this checkout")


@pytest.fixture(scope="module")
def dual() -> Dual:
    return load_dual(NAME, device="cpu")


@pytest.mark.parametrize(("query", "picture"), [("西瓜", "09"), ("watermelon", "09"), ("猫", "06"), ("собака", "04"), ("バス", "17")])
def test_pictures_are_found_in_several_languages(dual: Dual, query: str, picture: str) -> None:
    """None of the eighteen was trained on. Three of eighteen by chance would be one time in six."""
    files = sorted(PICTURES.glob("*.png"))
    found = dual.search(query, [Image(file) for file in files], top=3)
    assert picture in [files[match.index].stem for match in found]


def test_show_and_doctor_know_it() -> None:
    shown = CliRunner().invoke(app, ["show", NAME])
    assert shown.exit_code == 0
    assert "InternVL-C" in shown.output
    examined = CliRunner().invoke(app, ["doctor"])
    assert "a dual encoder" in examined.output
