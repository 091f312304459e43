"""Materials: the table, fetching without a network, and what happens when a fetch fails or a package is bad."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from recipes.nano.data import materials
from recipes.nano.data.sample import MissingMaterial

DOCS = Path(__file__).resolve().parents[3] / "docs" / "nano_data.md"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of materials."""
    monkeypatch.setenv("INTERNVL_MATERIALS", str(tmp_path / "materials"))
    return tmp_path / "materials"


def _tarball(path: Path, name: str) -> None:
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"text"))


def _mirror(monkeypatch: pytest.MonkeyPatch, deliver: Callable[[Path], None]) -> list[str]:
    """Stands in for the package clients; returns the names that were asked for."""
    asked: list[str] = []

    def run(command: list[str], where: Path, name: str) -> None:
        asked.append(name)
        deliver(where)

    monkeypatch.setattr(materials, "run", run)
    return asked


def test_every_row_says_what_it_is_and_who_made_it() -> None:
    for name, row in materials.MATERIALS.items():
        assert row.name == name
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", name)
        assert all((row.package, row.version, row.licence, row.by, row.purpose))
    packages = [(row.kind, row.package) for row in materials.MATERIALS.values()]
    assert len(packages) == len(set(packages))


def test_the_page_of_the_docs_lists_every_material_with_its_licence() -> None:
    page = DOCS.read_text(encoding="utf-8")
    absent = [line for line in materials.markdown_table() if line not in page]
    assert not absent, "run python -m recipes.nano.data.materials --markdown and put its table into docs/nano_data.md"


def test_what_is_missing_is_named_with_the_command(place: Path) -> None:
    assert materials.present("caveat") is None
    with pytest.raises(MissingMaterial, match=r"recipes\.nano\.data\.materials caveat"):
        materials.require("caveat")
    with pytest.raises(KeyError):
        materials.present("no-such-material")


def test_a_material_is_fetched_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _mirror(monkeypatch, lambda where: _tarball(where / "caveat-1.tgz", "package/a.txt"))
    first = materials.ensure("caveat")
    assert materials.ensure("caveat") == first == {"caveat": materials.require("caveat")}
    assert (first["caveat"] / "package/a.txt").read_text() == "text"
    assert asked == ["caveat"]
    assert [path.name for path in place.iterdir()] == ["caveat"]


def test_wheels_are_unpacked_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.writestr("data/a.txt", "text")
    (tmp_path / "out").mkdir()
    materials.unpack(tmp_path / "a.whl", tmp_path / "out")
    assert (tmp_path / "out/data/a.txt").read_text() == "text"


def test_a_failed_fetch_leaves_nothing_behind(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(where: Path) -> None:
        raise MissingMaterial("caveat: the mirror said no")

    _mirror(monkeypatch, refuse)
    with pytest.raises(MissingMaterial, match="said no"):
        materials.ensure("caveat")
    assert list(place.iterdir()) == []
    assert materials.main(["caveat"]) == 1


def test_an_interrupted_unpacking_does_not_count(place: Path) -> None:
    (place / "caveat").mkdir(parents=True)
    assert materials.present("caveat") is None


def test_a_package_can_not_write_outside_its_folder(tmp_path: Path) -> None:
    _tarball(tmp_path / "bad.tgz", "../outside.txt")
    (tmp_path / "out").mkdir()
    with pytest.raises(tarfile.OutsideDestinationError):
        materials.unpack(tmp_path / "bad.tgz", tmp_path / "out")
    assert not (tmp_path / "outside.txt").exists()


def test_a_missing_package_client_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingMaterial, match="no-such-program"):
        materials.run(["no-such-program"], tmp_path, "caveat")
    with pytest.raises(MissingMaterial, match="failed"):
        materials.run(["false"], tmp_path, "caveat")


def test_versions_are_pinned_where_the_mirror_keeps_them() -> None:
    rows = materials.MATERIALS
    assert materials._download_command(rows["caveat"])[-1] == f"@fontsource/caveat@{rows['caveat'].version}"
    assert materials._download_command(rows["wordnet-base"])[-2:] == ["download", "wordnet-base"]


def test_the_list_shows_what_is_there(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert materials.main(["--list"]) == 0
    assert "- caveat" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        materials.main(["no-such-material"])
    with pytest.raises(SystemExit):
        materials.main([])
