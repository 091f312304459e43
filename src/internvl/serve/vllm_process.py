"""The process of vLLM: its command, from the checkpoint's own tile policy and template, and its life from start to end.

Served, ServeConfig --command--> vllm serve FOLDER --port ... --mm-processor-kwargs ... --chat-template FILE
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from internvl.checkpoint.keymap import Layout
from internvl.errors import ConfigError, MissingDependencyError
from internvl.serve.config import ServeConfig
from internvl.serve.served import Served
from internvl.serve.vllm_request import DIALECTS, chat_template

NOT_INSTALLED = "vLLM is not installed here: pip install vllm (Linux with a GPU), or leave out --engine vllm"


def program() -> list[str]:
    """How vLLM is called. Raises MissingDependencyError where it is not installed."""
    found = shutil.which("vllm")
    if found is not None:
        return [found]
    if importlib.util.find_spec("vllm") is not None:
        return [sys.executable, "-m", "vllm.entrypoints.cli.main"]
    raise MissingDependencyError(NOT_INSTALLED)


def command(
    served: Served, config: ServeConfig, *, folder: Path, layout: Layout, port: int, template: Path, extra: Sequence[str] = ()
) -> list[str]:
    """The arguments of `vllm`: loopback only, our template and tile policy, our limits. `extra` is added as it is."""
    policy = served.processor.policy
    pictures = config.max_images + config.max_videos * config.max_frames
    words = {
        "--host": "127.0.0.1",
        "--port": str(port),
        "--served-model-name": served.name,
        "--chat-template": str(template),
        "--chat-template-content-format": "string",
        "--mm-processor-kwargs": json.dumps(DIALECTS[layout].limits(policy)),
        "--limit-mm-per-prompt": json.dumps({"image": pictures, "video": 0}),
        "--max-num-seqs": str(config.max_running),
        "--max-model-len": str(config.max_context_tokens or served.language.max_positions),
    }
    flags = [word for name, value in words.items() for word in (name, value)]
    return ["serve", str(folder), *flags, "--enable-prompt-tokens-details", *extra]


def check_policy(served: Served, *, thumbnail: bool) -> None:
    """Raise ConfigError for a tile policy that vLLM can't be told. thumbnail: what the checkpoint says, which vLLM goes by."""
    policy = served.processor.policy
    if policy.thumbnail != thumbnail:
        raise ConfigError(f"vLLM takes the thumbnail from the checkpoint ({thumbnail}); the policy can't say {policy.thumbnail}")
    if policy.pad_to_square:
        raise ConfigError("vLLM pads no pictures to a square: a policy with pad_to_square needs the native engine")


class VllmProcess:
    """A vLLM that was started here, with a key of its own, on a port of its own. Its output goes where ours goes."""

    def __init__(
        self,
        served: Served,
        config: ServeConfig,
        *,
        folder: Path,
        layout: Layout,
        extra: Sequence[str],
        called: Sequence[str] | None = None,
    ) -> None:
        called = program() if called is None else called
        self.key, self.port = secrets.token_urlsafe(32), _free_port()
        self._place = TemporaryDirectory(prefix="internvl-vllm-")
        template = Path(self._place.name) / "template.jinja"
        tokenizer = served.tokenizer
        template.write_text(chat_template(served.processor.template, bos=tokenizer.add_bos and tokenizer.bos_id is not None), "utf-8")
        words = command(served, config, folder=folder, layout=layout, port=self.port, template=template, extra=extra)
        # A group of its own: Ctrl-C is for this server, which ends vLLM once its answers are finished.
        self._running = subprocess.Popen([*called, *words], env={**os.environ, "VLLM_API_KEY": self.key}, start_new_session=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ended(self) -> bool:
        """Whether it is gone."""
        return self._running.poll() is not None

    def wait(self) -> int:
        """Until it ends -> its exit status."""
        return self._running.wait()

    def end(self, grace_s: float = 20.0) -> None:
        """End it and its workers: politely, then not."""
        self._signal(signal.SIGTERM)
        try:
            self._running.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._running.wait()
        self._place.cleanup()

    def _signal(self, number: int) -> None:
        if self._running.poll() is None:
            os.killpg(self._running.pid, number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
