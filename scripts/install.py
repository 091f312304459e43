"""Make `.venv` with everything the project needs: run by `make`, or by hand with `python3 scripts/install.py [--dev]`.

torch comes first and alone, because that choice is the one pip gets wrong: on Linux the default wheel brings several GB of CUDA
libraries, wanted or not. A machine without an NVIDIA GPU gets the CPU build, or a sentence saying why not, never the CUDA one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TORCH = "torch==2.13.0"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def main() -> int:
    parser = argparse.ArgumentParser(description="Create .venv and install this project into it.")
    parser.add_argument("--dev", action="store_true", help="also what the tests and linters need")
    parser.add_argument("--python", default=sys.executable, help="the Python 3.11 or later to use")
    arguments = parser.parse_args()
    stamp = VENV / f".installed-{'dev' if arguments.dev else 'run'}"
    fingerprint = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + Path(__file__).read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == fingerprint:
        return 0
    if not python().exists():
        subprocess.run([arguments.python, "-m", "venv", str(VENV)], check=True)
    if not install_torch():
        return 1
    extras = "dev" if arguments.dev else "video"
    if not pip("install", "-q", "-e", f"{ROOT}[{extras}]"):
        print("installing the project failed; pip's message above says why", file=sys.stderr)
        return 1
    stamp.write_text(fingerprint)
    return 0


def install_torch() -> bool:
    """True when the right torch is in place."""
    probe = subprocess.run([python(), "-c", "import torch; print(torch.__version__)"], capture_output=True, text=True, check=False)
    if probe.stdout.startswith(TORCH.partition("==")[2]):
        return True
    if has_gpu() or platform.system() != "Linux":
        return pip("install", "-q", TORCH)
    if configured_torch_is_cpu():
        return pip("install", "-q", TORCH)
    if pip("install", "-q", TORCH, "--index-url", CPU_INDEX):
        return True
    print(
        f"This machine has no NVIDIA GPU, and the CPU build of {TORCH} could be found neither through pip's configuration nor at "
        f"{CPU_INDEX}. Install it into {VENV} yourself, then run this again; the CUDA build is not installed by accident.",
        file=sys.stderr,
    )
    return False


def has_gpu() -> bool:
    """Whether an NVIDIA driver lists a GPU."""
    tool = shutil.which("nvidia-smi")
    return tool is not None and "GPU" in subprocess.run([tool, "-L"], capture_output=True, text=True, check=False).stdout


def configured_torch_is_cpu() -> bool:
    """Whether pip, as it is configured here, would take a CPU build. Nothing is installed."""
    command = [python(), "-m", "pip", "install", "--dry-run", "--no-deps", "--ignore-installed", "-q", "--report", "-", TORCH]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        report = json.loads(answer.stdout)
        return all("+cpu" in item["metadata"]["version"] for item in report["install"])
    except (ValueError, KeyError):
        return False


def pip(*arguments: str) -> bool:
    return subprocess.run([python(), "-m", "pip", *arguments], check=False).returncode == 0


def python() -> Path:
    return VENV / ("Scripts/python.exe" if platform.system() == "Windows" else "bin/python")


if __name__ == "__main__":
    sys.exit(main())
