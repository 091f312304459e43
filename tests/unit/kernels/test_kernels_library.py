"""Building and loading the native kernels: once, by two processes at a time, for less than this processor has, or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from internvl.errors import ConfigError
from internvl.kernels import features, library

HERE = Path(__file__).parent
LINEAR = ("pool", "activations", "linear", "linear_api")
TINY = 'extern "C" const char* internvl_instructions() { return "tiny"; }\n'
needs_compiler = pytest.mark.skipif(features.find_compiler() is None, reason="no C++ compiler")


def python(code: str, **environment: str) -> subprocess.Popen[str]:
    """A process of its own: what was built or loaded here is not there."""
    known = {name: value for name, value in os.environ.items() if name not in (features.SWITCH, "CXX")}
    known |= {"PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1", **environment}
    return subprocess.Popen([sys.executable, "-c", code], env=known, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def output(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.strip()


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A folder with one short source, so that a build takes a moment."""
    folder = tmp_path / "native"
    folder.mkdir()
    (folder / "tiny.cpp").write_text(TINY, "utf-8")
    return folder


def build(sources: Path, then: str = "print(library.status().instructions, library.status().detail)") -> str:
    return f"from pathlib import Path; from internvl.kernels import library; library.SOURCES = Path({str(sources)!r}); {then}"


@needs_compiler
def test_two_processes_building_at_once_both_load_the_one_file(sources: Path, tmp_path: Path) -> None:
    both = [python(build(sources), INTERNVL_CACHE=str(tmp_path / "cache")) for _ in range(2)]
    said = {output(process) for process in both}
    assert len(said) == 1
    assert said.pop().startswith("tiny ")
    assert [path.suffix for path in (tmp_path / "cache" / "kernels").iterdir()] == [".so"]


@needs_compiler
def test_a_changed_source_is_another_library(sources: Path, tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    assert output(python(build(sources), INTERNVL_CACHE=cache)).startswith("tiny")
    (sources / "tiny.cpp").write_text(TINY.replace("tiny", "other"), "utf-8")
    announced = output(python(build(sources, "print(library.glance().detail)"), INTERNVL_CACHE=cache))
    assert announced.startswith("will be built at first use")
    assert output(python(build(sources), INTERNVL_CACHE=cache)).startswith("other")
    assert len(list((tmp_path / "cache" / "kernels").iterdir())) == 2


@needs_compiler
def test_sources_that_dont_compile_are_said_and_passed_over(sources: Path, tmp_path: Path) -> None:
    (sources / "tiny.cpp").write_text("not C++\n", "utf-8")
    process = python(build(sources, "print(library.native(), library.status().detail)"), INTERNVL_CACHE=str(tmp_path))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.startswith("None can't be built: ")
    assert "slower torch code is used" in err
    assert list((tmp_path / "kernels").iterdir()) == []


@needs_compiler
def test_a_cache_that_cant_be_written_is_done_without(sources: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    said = output(python(build(sources), INTERNVL_CACHE=str(tmp_path / "file")))
    assert said.startswith("tiny ")
    shutil.rmtree(Path(said.split()[1]).parent)


@pytest.mark.parametrize(
    ("environment", "reason"), [({"PATH": ""}, "no C++ compiler"), ({"INTERNVL_KERNELS": "off"}, "turned off by INTERNVL_KERNELS=off")]
)
def test_without_kernels_the_twin_computes(environment: dict[str, str], reason: str, tmp_path: Path) -> None:
    code = (
        "import linear_cases as c; from internvl.kernels import library\n"
        "print(library.native(), c.worst()); print(library.glance().detail); print(library.status().detail)"
    )
    first, *details = output(python(code, INTERNVL_CACHE=str(tmp_path), **environment)).splitlines()
    assert first == "None 0.0"
    assert all(detail.startswith(reason) for detail in details)
    assert list(tmp_path.iterdir()) == []


@needs_compiler
@pytest.mark.parametrize("level", ["avx2", "plain"])
def test_builds_for_fewer_instructions_agree_with_the_twin(level: str, tmp_path: Path) -> None:
    folder = tmp_path / "native"
    folder.mkdir()
    for source in (*library.SOURCES.glob("*.hpp"), *(library.SOURCES / f"{name}.cpp" for name in LINEAR)):
        shutil.copy(source, folder)
    then = "library.FLAGS = tuple('-O1' if flag == '-O3' else flag for flag in library.FLAGS); import linear_cases as c"
    code = build(folder, f"{then}; print(library.status().instructions, c.worst(), sep=';')")
    instructions, worst = output(python(code, INTERNVL_KERNELS=level, INTERNVL_CACHE=str(tmp_path))).split(";")
    assert instructions.lower().startswith(level)
    assert 0 < float(worst) < 1e-5


@pytest.mark.skipif(not hasattr(os, "fork") or library.native() is None, reason="no fork, or nothing native")
def test_a_forked_child_has_its_own_threads() -> None:
    # The twin must not run in the child: torch's own threads don't survive a fork.
    code = (
        "import os, torch, linear_cases as c; torch.set_num_threads(2)\n"
        "x, packed = c.rows_of(37, 515), c.weight_of('int8', 130, 515, 0); expected = c.linear.product(x, packed)\n"
        "child = os.fork()\n"
        "if child == 0: os._exit(0 if torch.equal(c.linear.product(x, packed), expected) else 1)\n"
        "print(os.waitpid(child, 0)[1])"
    )
    assert output(python(code)) == "0"


def test_an_unknown_switch_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(features.SWITCH, "sse9")
    with pytest.raises(ConfigError, match="auto, avx2, plain, off"):
        library.native()
