"""Everything the comparison needs besides this package: `python -m benchmarks.peers.prepare --peers-dir DIR`.

    llama      the source that the llama-cpp-python sdist carries -> llama-server, built for this processor -> gguf files
    openvino   a virtual environment of its own -> models exported and compressed
    internvl   our own quantised folders

What is there already is not made again. Both shapes take 12 GB and about half an hour of two cores; `--nice` lets others go first.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.checkpoints import DEFAULT_CACHE, ensure_checkpoint

LLAMA_SDIST = "llama-cpp-python==0.3.36"
OPENVINO_TORCH = "torch==2.13.0"
OPENVINO = ("openvino==2026.4.1", "openvino-genai==2026.4.1.0", "nncf", "pillow", "psutil", "transformers==4.57.*", "optimum~=2.3.0")
OPTIMUM_INTEL = "optimum-intel==2.2.0"
# The language model's file, how it is made, and the type of the vision encoder beside it.
GGUF = {"f16": ("f16", "bf16"), "q8_0": ("q8_0", "f16"), "q4_0": ("q4_0", "q8_0")}
LLAMA_FLAGS = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DGGML_NATIVE=ON",
    "-DLLAMA_OPENSSL=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
)
QUANTIZE = ("--output-tensor-type", "q8_0")  # the head, as OpenVINO's int4 keeps it too
PARTIAL = "PARTIAL"  # stands for the file that a command writes
HERE = Path(__file__).parent


def main() -> int:
    """Prepare the named programs for the named shapes."""
    options = _options()
    os.nice(options.nice)
    options.peers_dir.mkdir(parents=True, exist_ok=True)
    for name in options.programs:
        PROGRAMS[name](options.peers_dir.resolve(), options)
    return 0


def llama(peers: Path, options: argparse.Namespace) -> None:
    """llama-server, and three gguf files a shape."""
    source, build = _llama_source(peers), peers / "llama"
    if not (build / "bin/llama-server").exists():
        _run(["cmake", "-S", source, "-B", build, *LLAMA_FLAGS])
        _run(["cmake", "--build", build, "--target", "llama-server", "llama-quantize", "-j", str(options.threads)])
    convert = [sys.executable, HERE / "llama_convert.py", source]
    for shape in options.shapes:
        original = ensure_checkpoint(shape, options.cache)["original"]
        folder = peers / "models" / shape / "llama.cpp"
        folder.mkdir(parents=True, exist_ok=True)
        for name, (language, vision) in GGUF.items():
            if language == "q4_0":
                quantize = [build / "bin/llama-quantize", *QUANTIZE, folder / "f16.gguf", PARTIAL, "q4_0", str(options.threads)]
                _make(folder / f"{name}.gguf", quantize)
            else:
                _make(folder / f"{name}.gguf", [*convert, original, "--outtype", language, "--outfile", PARTIAL])
            _make(folder / f"{name}-mmproj.gguf", [*convert, original, "--mmproj", "--outtype", vision, "--outfile", PARTIAL])


def openvino(peers: Path, options: argparse.Namespace) -> None:
    """The environment, and three models a shape."""
    python = peers / "openvino/bin/python"
    if not python.exists():
        _run([sys.executable, "-m", "venv", peers / "openvino"])
        install = [python, "-m", "pip", "install", "--quiet"]
        # torch for CPUs first, and held: otherwise another package brings one with CUDA. optimum-intel alone, as it would bring
        # torchvision, which the export never imports.
        held = peers / "torch.txt"
        held.write_text(OPENVINO_TORCH + "\n")
        _run([*install, OPENVINO_TORCH])
        _run([*install, "--constraint", held, *OPENVINO])
        _run([*install, "--no-deps", OPTIMUM_INTEL])
    for shape in options.shapes:
        out = peers / "models" / shape / "openvino"
        folders = ensure_checkpoint(shape, options.cache)
        if not (out / "int4/openvino_language_model.bin").exists():
            _run([python, HERE / "openvino_export.py", folders["native"].resolve(), folders["original"].resolve(), out])


def ours(peers: Path, options: argparse.Namespace) -> None:
    """Two quantised folders a shape."""
    for shape in options.shapes:
        original = ensure_checkpoint(shape, options.cache)["original"]
        for kind in ("int8", "int4"):
            out = peers / "models" / shape / "internvl" / kind
            if not (out / "config.json").exists():
                _run([sys.executable, "-m", "benchmarks.peers.our_folder", original, kind, out])


PROGRAMS: dict[str, Callable[[Path, argparse.Namespace], None]] = {"llama": llama, "openvino": openvino, "internvl": ours}


def versions(peers: Path) -> dict[str, str]:
    """Versions of the programs that were prepared; those that are absent are left out."""
    found = {}
    if (peers / "llama/bin/llama-server").exists():
        found["llama.cpp"] = f"as in {LLAMA_SDIST}"
    python = peers / "openvino/bin/python"
    if python.exists():
        listed = subprocess.run([python, "-m", "pip", "list", "--format", "json"], capture_output=True, text=True, check=True).stdout
        wanted = ("openvino", "openvino-genai", "optimum-intel", "nncf")
        found |= {each["name"]: each["version"] for each in json.loads(listed) if each["name"] in wanted}
    return found


def _llama_source(peers: Path) -> Path:
    found = list(peers.glob("source/llama_cpp_python-*/vendor/llama.cpp"))
    if not found:
        # Only the archive is wanted, but pip asks for its build tool.
        _run([sys.executable, "-m", "venv", peers / "fetch"])
        pip = [peers / "fetch/bin/python", "-m", "pip"]
        _run([*pip, "install", "--quiet", "scikit-build-core", "cmake"])
        fetch = ["download", "--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--dest", peers, LLAMA_SDIST]
        _run([*pip, *fetch])
        with tarfile.open(next(peers.glob("llama_cpp_python-*.tar.gz"))) as archive:
            archive.extractall(peers / "source", filter="data")
        found = list(peers.glob("source/llama_cpp_python-*/vendor/llama.cpp"))
    return found[0]


def _make(target: Path, command: Sequence[str | Path]) -> None:
    """Run a command that writes PARTIAL, which becomes `target` when it is whole; nothing if that is there."""
    if not target.exists():
        partial = target.with_suffix(".partial")
        _run([partial if word == PARTIAL else word for word in command])
        partial.rename(target)


def _run(command: Sequence[str | Path]) -> None:
    words = [str(word) for word in command]
    print("+", *words, flush=True)
    subprocess.run(words, check=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build and convert what the comparison with other programs needs.")
    parser.add_argument("--peers-dir", type=Path, required=True, help="folder for programs, environments and converted models")
    parser.add_argument("--programs", nargs="*", default=list(PROGRAMS), choices=list(PROGRAMS))
    parser.add_argument("--shapes", nargs="*", default=["nano", "1b"], choices=["nano", "1b"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="folder of the random checkpoints")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
