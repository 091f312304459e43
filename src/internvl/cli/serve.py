"""`internvl serve`: one model behind OpenAI's form of HTTP, with a web page, in one process."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

from internvl.cli import options
from internvl.cli.config_fields import parsed
from internvl.cli.console import UsageError, write_error
from internvl.cli.loading import load_processor, load_vlm
from internvl.cli.settings import parse_settings
from internvl.errors import MissingDependencyError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from internvl.serve.config import ServeConfig

HAVE_FLAGS = ("host", "port", "api_key", "allow_urls")


def serve(
    model: options.Model = options.DEFAULT_MODEL,
    host: Annotated[str, typer.Option("--host", help="Where to listen; 0.0.0.0 is every network of this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8000,
    api_key_env: Annotated[
        str | None,
        typer.Option("--api-key-env", metavar="NAME", show_default=False, help="The variable that holds the key clients must show."),
    ] = None,
    allow_urls: Annotated[bool, typer.Option("--allow-urls", help="Fetch pictures and clips from public http(s) URLs.")] = False,
    engine: Annotated[
        Literal["native", "vllm"], typer.Option("--engine", help="Who computes: this process, or a vLLM that is started beside it.")
    ] = "native",
    vllm_arg: Annotated[
        list[str] | None,
        typer.Option("--vllm-arg", metavar="ARG", show_default=False, help="An argument for vLLM, such as --tensor-parallel-size=2."),
    ] = None,
    max_tiles: options.MaxTiles = None,
    device: options.Device = "auto",
    dtype: options.Dtype = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            show_default=False,
            help="A field of ServeConfig or TilePolicy, such as max_running=4 or budget=24; may be repeated.",
        ),
    ] = None,
) -> None:
    """Serve a model to clients of OpenAI's interface, and as a web page.

    [bold]internvl serve --model OpenGVLab/InternVL2-8B[/bold]
    then http://127.0.0.1:8000/v1 is a base URL for any such client. Only this machine reaches it.

    [bold]MY_KEY=... internvl serve --host 0.0.0.0 --api-key-env MY_KEY[/bold]
    opens it to the network for those who have the key.

    [bold]internvl serve --engine vllm --vllm-arg=--tensor-parallel-size=8 --model OpenGVLab/InternVL3-78B[/bold]
    computes with vLLM, behind the same checks and the same page.

    SIGTERM or Ctrl-C finishes what runs, then ends.
    """
    _check_installed()
    from internvl.serve.config import ServeConfig
    from internvl.serve.run import listen
    from internvl.serve.run import serve as run

    own, rest = _split(settings or [])
    config = ServeConfig(host=host, port=port, api_key=_key(api_key_env), allow_urls=allow_urls, **own)
    policy = parse_settings(rest)
    if policy.sampling or policy.clip:
        raise UsageError(f"{next(iter(policy.sampling or policy.clip))} belongs to a request, not to the server")
    if vllm_arg and engine == "native":
        raise UsageError("--vllm-arg needs --engine vllm")
    with listen(config) as listener:
        started = time.perf_counter()
        if engine == "vllm":
            app = _vllm_app(model, config, policy.policy, max_tiles, vllm_arg or [])
            if app is None:
                return
        else:
            from internvl.serve.app import create_app

            app = create_app(load_vlm(model, device=device, dtype=dtype, policy=policy.policy, max_tiles=max_tiles)[0], config)
        load_s = time.perf_counter() - started
        shown = f"[{host}]" if ":" in host else host
        write_error(f"{app.state.service.name} loaded in {load_s:.1f} s; http://{shown}:{listener.getsockname()[1]}/v1")
        run(app, config, listener=listener)


def _vllm_app(model: str, config: ServeConfig, policy: Mapping[str, Any], max_tiles: int | None, extra: list[str]) -> FastAPI | None:
    """The application with vLLM behind it; None where this machine only lends its devices to a vLLM elsewhere."""
    from internvl.checkpoint.hub import resolve
    from internvl.serve.vllm_app import create_vllm_app, layout_in, serve_headless, served_from, start_vllm
    from internvl.serve.vllm_process import program

    program()  # before anything is loaded: it may not be installed
    folder: Path = resolve(model)
    processor, architecture = load_processor(model, policy=policy, max_tiles=max_tiles)
    served = served_from(config.name or model, processor, architecture)
    if "--headless" in extra:
        serve_headless(served, config, folder, extra)
        return None
    return create_vllm_app(served, config, start_vllm(served, config, folder, extra), layout_in(folder))


def _split(pairs: list[str]) -> tuple[dict[str, Any], list[str]]:
    """The settings of the server, typed, and the pairs that are not its own."""
    from internvl.serve.config import ServeConfig

    kinds = get_type_hints(ServeConfig)
    known = {each.name: kinds[each.name] for each in fields(ServeConfig) if each.name not in HAVE_FLAGS}
    own, rest = {}, []
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if key in known and equals:
            own[key] = parsed(key, known[key], text)
        else:
            rest.append(pair)
    return own, rest


def _key(variable: str | None) -> str | None:
    """The key, from the environment so that it stands in no list of processes."""
    if variable is None:
        return None
    if not os.environ.get(variable):
        raise UsageError(f"--api-key-env names {variable}, which is not set or empty")
    return os.environ[variable]


def _check_installed() -> None:
    try:
        import fastapi
        import prometheus_client
        import uvicorn
    except ImportError as error:
        raise MissingDependencyError("serving needs FastAPI, uvicorn and prometheus-client: pip install 'internvl[serve]'") from error
    del fastapi, prometheus_client, uvicorn
