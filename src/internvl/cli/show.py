"""`internvl show`: the table of released models, the parts of one, or what is in a checkpoint folder.

Parameters are counted on a model without storage, so a 76B model costs no memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from internvl.cli import options
from internvl.cli.console import UsageError, bytes_in_words, note, out, print_facts, print_table, write_json

if TYPE_CHECKING:
    from internvl.checkpoint.shard_header import TensorInfo
    from internvl.models.config import InternVLConfig, LanguageConfig, VisionConfig
    from internvl.models.families import Released

COUNTS = ("vision_encoder", "projector", "language_model", "total")
NUMBERS = (*COUNTS, "published")
NARROW = {
    "name": "name",
    "vision_encoder": "vision",
    "projector": "projector",
    "language_model": "language",
    "total": "total",
    "published": "published",
}
WIDE = {"name": "name", "vision": "vision encoder", "language": "language model", **NARROW, "template": "template"}
WIDE_COLUMNS = 165
TABLES = ("models", "variants")


def show(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME|FOLDER", show_default=False, help="A released model, an embedded one, or a folder."),
    ] = None,
    table: Annotated[
        str,
        typer.Option(
            "--table", metavar="models|variants", help="Without a name: released models, or the design search of InternViT-6B."
        ),
    ] = "models",
    measured: Annotated[bool, typer.Option("--measure", help="With --table variants: time a toy of each on this machine.")] = False,
    as_json: options.Json = False,
) -> None:
    """Show released models, or one model in detail.

    [bold]internvl show[/bold]
    lists every released model with the parameters of each part.

    [bold]internvl show InternVL2-8B[/bold]
    shows its layers, widths, tokens a tile, template and tile policy; nothing is downloaded.

    [bold]internvl show ./my-checkpoint --json[/bold]
    reads a folder's config.json and the headers of its shards, and finds missing or misshapen tensors.

    [bold]internvl show --table variants --measure[/bold]
    the six shapes of the search that found InternViT-6B: parameters, compute, and the speed of toys of their proportions here.
    """
    if table not in TABLES or (name is not None and table != "models"):
        raise UsageError(f"--table is one of {', '.join(TABLES)} and needs no name")
    if table == "variants":
        from internvl.cli.show_variants import show_variants

        show_variants(measured=measured, as_json=as_json)
        return
    if name is None:
        _show_table(as_json)
        return
    details = _details_of(name)
    if as_json:
        write_json(details, indent=2)
        return
    print_facts([(key, _shown(key, value)) for key, value in _flat(details)], title=name)


def _show_table(as_json: bool) -> None:
    from internvl.models.families import RELEASED

    rows = [_row(released) for released in RELEASED.values()]
    if as_json:
        write_json(rows, indent=2)
        return
    columns = WIDE if out().width >= WIDE_COLUMNS else NARROW
    print_table(
        [(title, "right" if key in NUMBERS else "left") for key, title in columns.items()],
        [[_in_words(row[key]) if key in COUNTS else str(row[key]) for key in columns] for row in rows],
    )
    note("parameters are derived from each part's sizes; `internvl show NAME` has the details, and notes where a card differs")


def _row(released: Released) -> dict[str, Any]:
    return {
        "name": released.name,
        "hub": released.hub,
        "year": released.year,
        "vision": released.vision,
        "language": released.language,
        **_parameters(released.config()),
        "published": released.published,
        "template": released.template,
        "note": released.note,
    }


def _details_of(name: str) -> dict[str, Any]:
    from internvl.checkpoint.dual import is_dual
    from internvl.checkpoint.hub import embedded_models, resolve
    from internvl.models.families import released_named

    is_path = name.startswith((".", "/", "~")) or Path(name).is_dir()
    if is_path or name in embedded_models():
        folder = resolve(name)
        return _dual_details(folder) if is_dual(folder) else _folder_details(folder)
    released = released_named(name)
    row = _row(released)
    facts = {key: row[key] for key in ("hub", "year", "vision", "language", "published")}
    return {**facts, **_config_details(released.config()), **({"note": released.note} if released.note else {})}


def _folder_details(folder: Path) -> dict[str, Any]:
    from internvl.checkpoint.checkpoint import Checkpoint

    checkpoint = Checkpoint(folder, quantised=True)
    reader, packed = checkpoint.reader, checkpoint.packed
    return {
        "folder": str(folder),
        "layout": "quantised" if packed else checkpoint.layout,
        **({"quantization": packed.quantization.in_words()} if packed else {}),
        **_stored_details(folder, packed.file_infos() if packed else [reader.info(name) for name in reader.names()]),
        **_config_details(checkpoint.config),
    }


def _dual_details(folder: Path) -> dict[str, Any]:
    from internvl.checkpoint.dual import open_dual

    stored = open_dual(folder)
    config, counted = stored.config, sum(parameter.numel() for parameter in stored.model.parameters())
    return {
        "folder": str(folder),
        "layout": "dual encoder (InternVL 1.0)",
        **_stored_details(folder, [stored.reader.info(name) for name in stored.reader.names()]),
        "parameters": counted,
        "bytes_in_bfloat16": 2 * counted,
        "image_size": config.vision.image_size,
        "embedding_width": config.embed_dim,
        "queries": config.queries,
        "modes": "InternVL-C, InternVL-G" if config.queries else "InternVL-C",
        "vision_encoder": _vision_details(config.vision),
        "language_model": _language_details(config.language),
    }


def _stored_details(folder: Path, infos: Sequence[TensorInfo]) -> dict[str, Any]:
    files = sorted({info.file for info in infos})
    return {
        "dtype": ", ".join(sorted({info.dtype for info in infos})),
        "shards": len(files),
        "tensors": len(infos),
        "bytes_on_disk": sum((folder / file).stat().st_size for file in files),
    }


def _config_details(config: InternVLConfig) -> dict[str, Any]:
    from internvl.processor import policy_of

    counted = _parameters(config)
    policy = policy_of(config)
    return {
        "parameters": counted,
        "bytes_in_bfloat16": 2 * counted["total"],
        "vision_encoder": _vision_details(config.vision) | {"layers_used": config.vision_layers_used},
        "language_model": _language_details(config.language),
        "tokens_per_tile": config.tokens_per_tile,
        "pixel_shuffle": config.pixel_shuffle,
        "template": config.template,
        "tiles": policy.to_dict() | {"in_words": str(policy)},
    }


def _vision_details(vision: VisionConfig) -> dict[str, Any]:
    return {
        "layers": vision.num_layers,
        "width": vision.hidden_size,
        "mlp_width": vision.intermediate_size,
        "heads": vision.num_heads,
        "norm": vision.norm,
        "qk_norm": vision.qk_norm,
    }


def _language_details(language: LanguageConfig) -> dict[str, Any]:
    return {
        "family": language.family,
        "layers": language.num_layers,
        "width": language.hidden_size,
        "mlp_width": language.intermediate_size,
        "heads": language.num_heads,
        "kv_heads": language.num_kv_heads,
        "head_width": language.head_dim,
        "vocabulary": language.vocab_size,
        "positions": language.max_positions,
        "rope": f"{language.rope.kind}, theta {language.rope.theta:g}",
        "tied_embeddings": language.tie_embeddings,
    }


def _parameters(config: InternVLConfig) -> dict[str, int]:
    from internvl.models.build import count_parameters, meta_model

    counted = count_parameters(meta_model(config))
    return vars(counted) | {"total": counted.total}


def _flat(details: dict[str, Any]) -> list[tuple[str, Any]]:
    """Nested facts as lines; the tile policy as its sentence."""
    lines: list[tuple[str, Any]] = []
    for key, value in details.items():
        if key == "tiles":
            lines.append((key, value["in_words"]))
        elif isinstance(value, dict):
            lines += [(f"{key} {inner}", fact) for inner, fact in value.items()]
        else:
            lines.append((key, value))
    return [(key.replace("_", " "), value) for key, value in lines]


def _shown(key: str, value: Any) -> str:
    if key.startswith("bytes"):
        return bytes_in_words(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) and key != "year" else str(value)


def _in_words(parameters: int) -> str:
    return f"{parameters / 1e9:.2f}B" if parameters >= 1e8 else f"{parameters / 1e6:.1f}M"
