"""Names become folders: local ones without any network, embedded ones by name, hub names through the hub's own cache."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from tiny_checkpoints import QWEN2, copy

from internvl.checkpoint import hub
from internvl.checkpoint.hub import WANTED_FILES, embedded_models, resolve
from internvl.checkpoint.load import load_model
from internvl.errors import CheckpointError

huggingface_hub = pytest.importorskip("huggingface_hub")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("the network was touched")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.mark.usefixtures("no_network")
def test_a_local_folder_touches_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy(QWEN2, tmp_path / "owner" / "name")
    monkeypatch.chdir(tmp_path)
    assert resolve("owner/name") == Path("owner/name")  # looks like a hub name, but is here
    assert resolve(tmp_path / "owner" / "name") == tmp_path / "owner" / "name"
    load_model(resolve("owner/name"))


def test_loading_a_folder_does_not_even_import_the_hub() -> None:
    code = (
        "import sys; from pathlib import Path; from internvl.checkpoint.hub import resolve; "
        "from internvl.checkpoint.load import load_model; load_model(resolve(sys.argv[1])); print('huggingface_hub' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code, str(QWEN2)], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "False"


@pytest.mark.usefixtures("no_network")
def test_embedded_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "EMBEDDED_FOLDER", tmp_path)
    copy(QWEN2, tmp_path / "internvl-tiny")
    assert embedded_models() == ["internvl-tiny"]
    assert resolve("internvl-tiny") == tmp_path / "internvl-tiny"
    with pytest.raises(CheckpointError, match=r"none of the embedded models \(internvl-tiny\)"):
        resolve("internvl-tinier")


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    "name",
    ["nowhere", "a/b/c", "/no/such/folder", "./no", "../no", "~/no-such", "~nobody-of-that-name/x", "owner/", "/name", "a\0b/c",
     "x" * 5000, "owner/na me", "https://huggingface.co/a/b", "owner\\name", "-x/y", Path("owner/name"), "o/n\n"],
    ids=lambda name: repr(name)[:30],
)  # fmt: skip
def test_names_that_are_none(name: str | Path) -> None:
    with pytest.raises(CheckpointError, match="no model") as caught:
        resolve(name)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_name(name: str) -> None:
    with pytest.raises(CheckpointError, match="empty"):
        resolve(name)


def test_a_file_is_no_folder() -> None:
    with pytest.raises(CheckpointError, match="give the checkpoint's folder"):
        resolve(QWEN2 / "config.json")


def test_an_offline_cache_is_used(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--someone--tiny"
    snapshot, revision = repository / "snapshots", "0" * 40
    snapshot.mkdir(parents=True)
    copy(QWEN2, snapshot / revision)
    (repository / "blobs").mkdir()
    for index, path in enumerate(sorted((snapshot / revision).iterdir())):
        shutil.move(path, repository / "blobs" / str(index))
        path.symlink_to(Path("../../blobs") / str(index))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(revision, "utf-8")
    code = (
        "import sys; from internvl.checkpoint.hub import resolve; from internvl.checkpoint.load import load_model\n"
        "from internvl.errors import CheckpointError\n"
        "folder = resolve('someone/tiny'); load_model(folder); print(folder)\n"
        "try:\n    resolve('someone/else')\n"
        "except CheckpointError as error:\n    print(error)\n"
    )
    environment = os.environ | {"HF_HOME": str(tmp_path), "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    folder, message = done.stdout.splitlines()
    assert Path(folder) == snapshot / revision
    assert message.startswith("someone/else: neither in the hub's cache nor to be downloaded")


def fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any, **__: Any) -> str:
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)


def hub_errors() -> list[Exception]:
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    http_root = next(base for base in HfHubHTTPError.__mro__ if base.__name__ in ("HTTPError", "RequestException"))
    return [
        LocalEntryNotFoundError("cannot find the files\nin two lines"),
        OfflineModeIsEnabled("offline"),
        ConnectionError(""),
        PermissionError("cache is read-only"),
        http_root("the connection broke"),
    ]


@pytest.mark.parametrize("error", hub_errors(), ids=lambda error: type(error).__name__)
def test_errors_of_the_hub_are_one_sentence(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, error)
    with pytest.raises(CheckpointError, match="owner/name: neither in the hub's cache nor to be downloaded") as caught:
        resolve("owner/name")
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is error


def test_a_name_that_the_hub_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.errors import HFValidationError

    fail_with(monkeypatch, HFValidationError("double dots"))
    with pytest.raises(CheckpointError, match="not a valid hub name"):
        resolve("owner/na..me")


def test_code_and_pickles_are_never_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **options: asked.update(options) or str(tmp_path))
    assert resolve("OpenGVLab/InternVL2-8B") == tmp_path
    assert asked["allow_patterns"] == WANTED_FILES

    def fetched(file: str) -> bool:
        return any(fnmatch(file, pattern) for pattern in WANTED_FILES)

    assert not any(fetched(file) for file in ("modeling_internvl_chat.py", "a/b.py", "pytorch_model.bin", "x.pkl", "run.sh", "x.so"))
    assert all(fetched(file) for file in ("config.json", "model-00001-of-00004.safetensors", "tokenizer.model", "merges.txt"))
