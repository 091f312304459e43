"""The rules of docs/architecture.md that a machine can hold: file length, names, what an import brings in, public names."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import internvl

SOURCE = Path(internvl.__file__).parent
ROOT = SOURCE.parent.parent
FILES = sorted(SOURCE.rglob("*.py"))
MAX_LINES = 400
FORBIDDEN_NAMES = {"utils", "common", "helpers", "misc"}
HEAVY = ("torch", "PIL", "av", "tokenizers", "sentencepiece", "transformers", "huggingface_hub", "numpy", "typer", "rich")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_is_short_named_for_its_idea_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= MAX_LINES
    assert path.stem not in FORBIDDEN_NAMES
    assert ast.get_docstring(ast.parse(text)), "a file opens with what it is for"


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = f"import internvl, sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []


def test_chatting_needs_neither_transformers_nor_torchvision() -> None:
    names = ("transformers", "torchvision")
    code = f"import internvl, sys; internvl.VLM, internvl.InternVLChatModel; print(*[name in sys.modules for name in {names!r}])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert shown == ["False", "False"]


def test_no_source_file_imports_the_oracle_or_torchvision() -> None:
    """One file opens a user's own CLIP by transformers, inside a function, when `data clean --similarity transformers:...` names it."""
    for path in FILES:
        if path == SOURCE / "pipelines" / "clean" / "clip_models.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] in ("transformers", "torchvision", "pickle") for name in names), path


def test_nothing_is_evaluated_or_unpickled() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec", "compile"), path
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                # One file, which `internvl convert` alone uses, and of nothing but tensors.
                restricted = any(each.arg == "weights_only" and ast.unparse(each.value) == "True" for each in node.keywords)
                assert restricted, path
                assert path == SOURCE / "checkpoint" / "unpickle.py", f"{path} loads a pickle"


def test_every_public_name_is_there() -> None:
    for name in internvl.__all__:
        assert getattr(internvl, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = internvl.nonsense


def test_the_architecture_document_lists_every_package() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    for package in sorted(path.name for path in SOURCE.iterdir() if path.is_dir() and path.name not in ("__pycache__", "weights")):
        assert f"{package}/" in text, f"docs/architecture.md does not mention {package}/"
