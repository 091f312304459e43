"""What decides how the native kernels are built here: the switch, the processor's instructions, and a C++ compiler.

INTERNVL_KERNELS: "auto" (default) builds for this processor; "avx2" and "plain" build for less; "off" uses the torch twins.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from internvl.errors import ConfigError

Level = Literal["auto", "avx2", "plain", "off"]
SWITCH = "INTERNVL_KERNELS"
COMPILERS = ("g++", "c++", "clang++")
X86 = ("x86_64", "AMD64")
# What the compiler is told of the processor, by level and whether it is an x86 one.
TARGETS = {
    ("auto", True): ("-march=native",),
    ("auto", False): ("-mcpu=native",),
    ("avx2", True): ("-march=x86-64-v3",),
    ("avx2", False): (),
    ("plain", True): ("-march=x86-64",),
    ("plain", False): (),
}


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler: where it is, and the first line of what it says of itself."""

    path: str
    version: str


def level() -> Level:
    """What INTERNVL_KERNELS asks for; ConfigError when it is none of the levels."""
    asked = os.environ.get(SWITCH, "auto").lower() or "auto"
    if asked not in get_args(Level):
        raise ConfigError(f"{SWITCH} is one of {', '.join(get_args(Level))}, not {asked!r}")
    return cast(Level, asked)


def target_flags(chosen: Level) -> tuple[str, ...]:
    """Compiler flags for the instructions of a level."""
    return TARGETS[chosen, platform.machine() in X86]


def cpu_flags() -> frozenset[str]:
    """Names of the processor's features as Linux gives them; empty on other systems."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return frozenset()
    for line in info.read_text("utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()


def find_compiler() -> Compiler | None:
    """$CXX, or the first usual compiler on the PATH that answers."""
    for name in (os.environ.get("CXX"), *COMPILERS):
        path = shutil.which(name) if name else None
        version = _version(path) if path else None
        if path and version:
            return Compiler(path, version)
    return None


def _version(path: str) -> str | None:
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return said.stdout.strip().splitlines()[0] if said.returncode == 0 and said.stdout.strip() else None
