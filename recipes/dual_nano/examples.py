"""The pictures of examples/pictures: clip art in the public domain that internvl-dual-nano was not trained on.

python -m recipes.dual_nano.examples --out examples/pictures
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from recipes.dual_nano.pairs import make

CHOSEN = (
    "animals__birds__acquila_architetto_franc_01",
    "animals__fish__dolphin_enrique_meza_c_02",
    "animals__mammals__dogs__beagle_copper_ganson",
    "animals__mammals__dog_06_drawn_with_strai_02",
    "animals__mammals__housecats__gatto_nero_architetto_fr_01",
    "animals__mammals__housecats__gatto_cat_architetto_fra_01",
    "buildings__homes__small_house_01",
    "food__fruit__lime_slice_ganson",
    "food__fruit__watermelon_james_kilfige_01",
    "food__meats_and_eggs__fried_eggs",
    "people__bodypart__mouth_-_body_part_nicu_b_01",
    "people__clothing__sunglasses_linda_kim_01",
    "people__woman_01",
    "plants__sun_flower_ganson",
    "recreation__music__trumpet_b_flat_colour_ganso",
    "recreation__toys__simple_teddy_bear_with__01",
    "transportation__bus1_bw_jarno_vasamaa_01",
    "transportation__vehicles__old_truck_indana_model__01",
)


def write(out: Path, data: Path) -> None:
    """Copy them under numbers, so that a file's name tells nothing."""
    out.mkdir(parents=True, exist_ok=True)
    for number, code in enumerate(CHOSEN, 1):
        shutil.copyfile(data / "pictures" / "clip-art" / f"{code}.png", out / f"{number:02}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Copy the pictures of examples/pictures.")
    parser.add_argument("--out", type=Path, default=Path("examples/pictures"))
    parser.add_argument("--data", type=Path, default=Path("runs/dual-data"))
    options = parser.parse_args()
    if not (options.data / "pictures.json").is_file():
        make(options.data)
    write(options.out, options.data)
