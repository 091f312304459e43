"""The native kernels as one shared library: built at first use, kept in the user's cache folder, loaded through ctypes.

    native/*.cpp --compiler--> internvl-<hash of sources, compiler, processor>.so --ctypes--> `native()`, or None: use the torch twins

Nothing here is ever an error for a user: without a compiler, or with INTERNVL_KERNELS=off, the twins do the same work more slowly.
Two processes may build at once: each builds beside the place and moves the whole file there.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import platform
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from internvl.kernels.features import Compiler, Level, cpu_flags, find_compiler, level, target_flags

SOURCES = Path(__file__).parent / "native"
FLAGS = ("-O3", "-std=c++17", "-fPIC", "-pthread", "-fno-math-errno", "-fno-trapping-math")
BUILD_TIMEOUT_S = 600
LONG_S = 2.0
log = logging.getLogger("internvl.kernels")
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Status:
    """What computes: the library with its instruction set and path, or nothing native, and why not."""

    library: ctypes.CDLL | None
    instructions: str
    detail: str


def native() -> ctypes.CDLL | None:
    """The loaded library, or None where the torch twins have to do. Slow only the first time on a machine (it compiles)."""
    return status().library


def status() -> Status:
    """`native()` and what there is to say about it. ConfigError when INTERNVL_KERNELS is none of its values."""
    with _one_at_a_time:
        return _status(level())


def glance() -> Status:
    """`status()` without compiling: a library that isn't there yet is only announced."""
    chosen = level()
    compiler = find_compiler() if chosen != "off" else None
    if compiler is not None and not (_folder() / _name(compiler, chosen)).exists():
        return Status(None, "none yet", f"will be built at first use by {compiler.version}")
    return status()


@lru_cache(maxsize=4)
def _status(chosen: Level) -> Status:
    if chosen == "off":
        return Status(None, "none", "turned off by INTERNVL_KERNELS=off")
    compiler = find_compiler()
    if compiler is None:
        return Status(None, "none", "no C++ compiler found (g++, c++, clang++ or $CXX)")
    try:
        path = _built(compiler, chosen)
        library = ctypes.CDLL(str(path))
    except (OSError, subprocess.SubprocessError) as error:
        reason = _reason(error)
        log.warning("the native kernels can't be built, slower torch code is used: %s", reason)
        return Status(None, "none", f"can't be built: {reason}")
    library.internvl_instructions.restype = ctypes.c_char_p
    return Status(library, library.internvl_instructions().decode(), str(path))


def _built(compiler: Compiler, chosen: Level) -> Path:
    """The library's file, compiled if it isn't there."""
    folder = _folder()
    path = folder / _name(compiler, chosen)
    if not path.exists():
        with _notice(folder), tempfile.TemporaryDirectory(dir=folder) as work:
            os.replace(_compile(compiler, chosen, Path(work)), path)
    return path


def _compile(compiler: Compiler, chosen: Level, work: Path) -> Path:
    """Each source to an object, side by side, and the objects to a library in `work`."""

    def build(source: Path) -> str:
        target = str(work / f"{source.stem}.o")
        _run([compiler.path, *FLAGS, *target_flags(chosen), "-c", str(source), "-o", target])
        return target

    with ThreadPoolExecutor(os.cpu_count()) as executor:
        objects = list(executor.map(build, sorted(SOURCES.glob("*.cpp"))))
    library = work / "library.so"
    _run([compiler.path, "-shared", "-pthread", *objects, "-o", str(library)])
    return library


def _run(command: list[str]) -> None:
    subprocess.run(command, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=True)


def _name(compiler: Compiler, chosen: Level) -> str:
    """A file name that changes with anything that changes the library."""
    said = hashlib.sha256()
    for source in sorted(SOURCES.glob("*.?pp")):
        said.update(source.name.encode() + b"\0" + source.read_bytes())
    facts = (compiler.path, compiler.version, platform.machine(), *FLAGS, *target_flags(chosen), *sorted(cpu_flags()))
    said.update("\0".join(facts).encode())
    return f"internvl-{said.hexdigest()[:16]}.so"


def _folder() -> Path:
    """`kernels` in $INTERNVL_CACHE or in the user's cache folder; a private one of this process where that can't be written."""
    chosen = os.environ.get("INTERNVL_CACHE")
    root = Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "internvl"
    folder = root / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid():
            return folder
    except OSError:
        pass
    # A library of somebody else is never loaded: it would run as this user.
    return Path(tempfile.mkdtemp(prefix="internvl-kernels-"))


@contextmanager
def _notice(folder: Path) -> Iterator[None]:
    timer = threading.Timer(LONG_S, log.warning, ("building the native kernels, once, into %s ...", folder))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = [line for line in str(error.stderr).splitlines() if "error" in line] or str(error.stderr).splitlines()
        return lines[0] if lines else f"the compiler ended with {error.returncode}"
    return str(error)
