"""`internvl serve`: one model behind OpenAI's form of HTTP, with a web page, in one process."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from internvl.cli import options
from internvl.cli.config_fields import parsed
from internvl.cli.console import UsageError, write_error
from internvl.cli.loading import load_vlm
from internvl.cli.settings import parse_settings
from internvl.errors import MissingDependencyError

if TYPE_CHECKING:
    pass

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

    SIGTERM or Ctrl-C finishes what runs, then ends.
    """
    _check_installed()
    from internvl.serve.config import ServeConfig
    from internvl.serve.run import UNGUARDED, listen
    from internvl.serve.run import serve as run

    own, rest = _split(settings or [])
    config = ServeConfig(host=host, port=port, api_key=_key(api_key_env), allow_urls=allow_urls, **own)
    policy = parse_settings(rest)
    if policy.sampling or policy.clip:
        raise UsageError(f"{next(iter(policy.sampling or policy.clip))} belongs to a request, not to the server")
    with listen(config) as listener:
        vlm, load_s = load_vlm(model, device=device, dtype=dtype, policy=policy.policy, max_tiles=max_tiles)
        from internvl.serve.app import create_app

        app = create_app(vlm, config)
        shown = f"[{host}]" if ":" in host else host
        write_error(f"{app.state.service.name} loaded in {load_s:.1f} s; http://{shown}:{listener.getsockname()[1]}/v1")
        if not config.is_loopback and config.api_key is None:
            write_error(f"warning: {UNGUARDED % host}")
        run(app, config, listener=listener)


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
