"""Facts about this machine and this installation that decide whether, and how fast, a model runs. Nothing is changed.

Each fact is a `Finding`: ok, a warning with what to do, or a failure, which means that the core can't work here.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from internvl import __version__
from internvl.errors import InternVLError
from internvl.kernels.features import cpu_flags

CORE = {
    "torch": "torch",
    "numpy": "numpy",
    "pillow": "PIL",
    "safetensors": "safetensors",
    "tokenizers": "tokenizers",
    "sentencepiece": "sentencepiece",
    "huggingface_hub": "huggingface_hub",
}
# Bytes, bfloat16 and int8 instructions that torch and our kernels choose between; x86 first, then ARM.
CPU_FLAGS = (
    "avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8",
    "asimd", "asimddp", "bf16", "i8mm", "sve",
)  # fmt: skip
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"


@dataclass(frozen=True)
class Finding:
    """One fact: the group it belongs to, its name, its value, and whether that is well."""

    group: str
    name: str
    value: str
    status: Literal["ok", "warn", "fail"] = "ok"


def examine() -> list[Finding]:
    """All findings, in the order in which they are read."""
    return [*_versions(), *_processor(), *_accelerators(), *_hub(), *_embedded()]


def _versions() -> Iterator[Finding]:
    yield Finding("versions", "internvl", __version__)
    yield Finding("versions", "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package, module in CORE.items():
        yield _library(package, module)
    try:
        importlib.import_module("av")
        yield Finding("versions", "av", version("av"))
    except (ImportError, OSError):
        yield Finding("versions", "av", "not installed, so no clips: pip install 'internvl[video]'", "warn")


def _library(package: str, module: str) -> Finding:
    try:
        importlib.import_module(module)
        return Finding("versions", package, version(package))
    except (ImportError, OSError, PackageNotFoundError) as error:
        return Finding("versions", package, f"can't be imported ({error}): pip install {package}", "fail")


def _processor() -> Iterator[Finding]:
    flags = cpu_flags()
    yield Finding("cpu", "features", " ".join(flag for flag in CPU_FLAGS if flag in flags) or "not known on this system")
    usable = _usable_cores()
    yield Finding("cpu", "cores", f"{usable} usable of {os.cpu_count()}")
    if "torch" in sys.modules:
        import torch

        threads = torch.get_num_threads()
        yield Finding("cpu", "torch kernels", torch.backends.cpu.get_cpu_capability())
        yield _native_kernels()
        if threads > usable:
            yield Finding("cpu", "torch threads", f"{threads}, more than cores: set OMP_NUM_THREADS={usable}", "warn")
        else:
            yield Finding("cpu", "torch threads", str(threads))
    total, available = _memory()
    yield Finding("memory", "total", _gigabytes(total))
    yield Finding("memory", "available", _gigabytes(available))


def _native_kernels() -> Finding:
    try:
        from internvl.kernels.library import glance

        seen = glance()
    except (ImportError, InternVLError) as error:
        return Finding("cpu", "native kernels", f"can't be examined ({error})", "fail")
    if seen.library is not None:
        return Finding("cpu", "native kernels", f"{seen.instructions}, built")
    slower = "" if seen.instructions == "none yet" else "; slower torch code is used"
    return Finding("cpu", "native kernels", f"{seen.detail}{slower}", "warn" if slower else "ok")


def _accelerators() -> Iterator[Finding]:
    if "torch" not in sys.modules:
        return
    import torch

    count = torch.cuda.device_count()
    for i in range(count):
        properties = torch.cuda.get_device_properties(i)
        capability = f"{properties.major}.{properties.minor}"
        yield Finding("devices", f"cuda:{i}", f"{properties.name}, {_gigabytes(properties.total_memory)}, capability {capability}")
    build = torch.version.cuda
    if build and count == 0:
        advice = f"torch is built for CUDA {build}, but there is no GPU: pip install torch --index-url {CPU_WHEELS} saves gigabytes"
        yield Finding("devices", "cuda", advice, "warn")
    elif count == 0:
        yield Finding("devices", "cuda", "none; models run on the CPU")
    yield Finding("devices", "attention", f"torch SDPA ({', '.join(_attention_kernels(count))})")


def _attention_kernels(cuda_devices: int) -> list[str]:
    import torch

    if cuda_devices == 0:
        return ["flash on the CPU", "math"]
    backends = torch.backends.cuda
    switches = {
        "flash": backends.flash_sdp_enabled(),
        "memory-efficient": backends.mem_efficient_sdp_enabled(),
        "cuDNN": backends.cudnn_sdp_enabled(),
        "math": backends.math_sdp_enabled(),
    }
    return [name for name, enabled in switches.items() if enabled]


def _hub() -> Iterator[Finding]:
    try:
        from huggingface_hub import constants
    except ImportError:
        return
    cache = Path(constants.HF_HUB_CACHE)
    yield Finding("hub", "cache", f"{_with_home(cache)}{'' if cache.is_dir() else ' (not there yet)'}")
    yield Finding("hub", "free disk", _gigabytes(_free_disk(cache)))
    offline = "yes: only models in the cache are found" if constants.HF_HUB_OFFLINE else "no"
    yield Finding("hub", "offline", offline)


def _embedded() -> Iterator[Finding]:
    try:
        from internvl.checkpoint.dual import is_dual
        from internvl.checkpoint.hub import embedded_models, resolve
        from internvl.prompt.tokenizer import load_tokenizer
    except ImportError as error:
        yield Finding("models", "embedded", f"can't be examined ({error})", "fail")
        return
    names = embedded_models()
    if not names:
        yield Finding("models", "embedded", "none in this installation; give --model a folder or a hub name", "warn")
    for name in names:
        try:
            folder = resolve(name)
            held = _dual_tensors(folder) if is_dual(folder) else _chat_tensors(folder)
            load_tokenizer(folder)
            yield Finding("models", name, f"whole ({held})")
        except InternVLError as error:
            yield Finding("models", name, f"broken ({error}): install internvl again", "fail")


def _chat_tensors(folder: Path) -> str:
    from internvl.checkpoint.checkpoint import Checkpoint

    checkpoint = Checkpoint(folder, quantised=True)
    return f"{len(checkpoint.entries)} tensors, {checkpoint.layout} layout"


def _dual_tensors(folder: Path) -> str:
    from internvl.checkpoint.dual import open_dual

    return f"{len(open_dual(folder).entries)} tensors, a dual encoder"


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> tuple[int | None, int | None]:
    """Bytes in all and available; a container's own limit counts, where it has one."""
    info = Path("/proc/meminfo")
    if not info.exists():
        return None, None
    fields = dict(line.split(":", 1) for line in info.read_text("utf-8").splitlines() if ":" in line)
    total, available = (int(fields[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    limit, used = (_cgroup(name) for name in ("memory.max", "memory.current"))
    if limit is not None and limit < total:
        total, available = limit, min(available, max(0, limit - (used or 0)))
    return total, available


def _cgroup(name: str) -> int | None:
    path = Path("/sys/fs/cgroup") / name
    try:
        text = path.read_text("utf-8").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None


def _free_disk(folder: Path) -> int | None:
    import shutil

    existing = next((path for path in (folder, *folder.parents) if path.exists()), None)
    return None if existing is None else shutil.disk_usage(existing).free


def _with_home(path: Path) -> str:
    """The path as `~/...` where it is in the home folder: reports get pasted into bug trackers."""
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)


def _gigabytes(size: int | None) -> str:
    return "not known on this system" if size is None else f"{size / 1e9:.1f} GB"
