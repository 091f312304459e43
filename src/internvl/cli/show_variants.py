"""`internvl show --table variants`: the shapes among which InternViT-6B was found, counted, and timed at toy scale if asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from internvl.cli.console import note, print_table, write_json

if TYPE_CHECKING:
    from internvl.models.vision.variants import Variant

SCALE = 32
BATCHES = (1, 4)


def show_variants(*, measured: bool, as_json: bool) -> None:
    """Print the six variants. measured: run a toy of each, a thirty-second as wide, on this machine."""
    from internvl.models.vision.variants import CHOSEN, VARIANTS

    rows = [_row(variant, measured=measured) for variant in VARIANTS]
    if as_json:
        write_json(rows, indent=2)
        return
    columns = [
        "variant",
        "width",
        "depth",
        "MLP",
        "heads",
        "parameters",
        "printed",
        "G multiply-adds",
        "printed",
        "A100 img/s",
        "IN-1K",
    ]
    if measured:
        columns += [f"toy img/s, batch {batch}" for batch in BATCHES]
    print_table([(column, "left" if column == "variant" else "right") for column in columns], [_cells(row) for row in rows])
    note(f"{CHOSEN.name} became InternViT-6B. The paper calls its compute FLOPs: the numbers are multiply-adds, one for each product.")
    if measured:
        note(f"toys: widths divided by {SCALE}, depth and number of heads kept, float32, 224 px, on this machine's processor")


def _row(variant: Variant, *, measured: bool) -> dict[str, Any]:
    from internvl.models.vision.variants import multiply_adds, parameters

    printed = vars(variant.published) if variant.published else {}
    sizes = {key: getattr(variant, key) for key in ("name", "width", "depth", "mlp", "heads")}
    counted = {"parameters": parameters(variant.config), "multiply_adds": multiply_adds(variant.config)}
    return {**sizes, **counted, "published": printed, **({"toy_images_per_s": _speed(variant)} if measured else {})}


def _cells(row: dict[str, Any]) -> list[str]:
    printed = row["published"]
    cells = [row["name"], *(str(row[key]) for key in ("width", "depth", "mlp", "heads"))]
    cells += [f"{row['parameters'] / 1e6:.1f}M", f"{printed['parameters_m']}M"]
    cells += [f"{row['multiply_adds'] / 1e9:.2f}", str(printed["multiply_adds_g"])]
    cells += [" / ".join(map(str, printed["images_per_s"])), str(printed["accuracy"])]
    return cells + [f"{speed:.1f}" for speed in row.get("toy_images_per_s", [])]


def _speed(variant: Variant) -> list[float]:
    """Pictures a second of the toy at each batch size."""
    from internvl.models.vision.speed import images_per_second

    return [round(images_per_second(variant.scaled(SCALE).config, batch=batch), 2) for batch in BATCHES]
