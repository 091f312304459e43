"""Picture sets that only the trial uses: fetched like the materials of recipes/nano, into the same folder.

name -> row of EXTRA -> npm package -> build/materials/NAME/package
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from recipes.nano.data import materials
from recipes.nano.data.materials import Material

_FOR = "pictures of the data trial"
EXTRA = {
    row.name: row
    for row in (
        Material("emojione", "pictures", "npm", "@iconify-json/emojione", "1.2.3", "CC-BY-4.0", "Emoji One", _FOR),
        Material("emojione-v1", "pictures", "npm", "@iconify-json/emojione-v1", "1.2.3", "CC-BY-SA-4.0", "Emoji One", _FOR),
        Material("noto-v1", "pictures", "npm", "@iconify-json/noto-v1", "1.2.5", "Apache-2.0", "Google", _FOR),
        Material("fxemoji", "pictures", "npm", "@iconify-json/fxemoji", "1.2.2", "Apache-2.0", "Mozilla", _FOR),
        Material("flag", "pictures", "npm", "@iconify-json/flag", "1.2.12", "MIT", "Panayiotis Lipiridis", _FOR),
    )
}


def ensure(name: str) -> Path:
    """The unpacked folder of an extra set, fetched where it is missing. Raises MissingMaterial with the mirror's own words."""
    place = materials.folder() / name
    if (place / materials.STAMP).is_file():
        return place
    row = EXTRA[name]
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".fetch-") as scratch:
        materials.run(["npm", "pack", "--loglevel=error", "--ignore-scripts", f"{row.package}@{row.version}"], Path(scratch), name)
        unpacked = Path(scratch) / "unpacked"
        unpacked.mkdir()
        for package in Path(scratch).glob("*.tgz"):
            materials.unpack(package, unpacked)
        (unpacked / materials.STAMP).write_text(f"{row.package} {row.version}\n", encoding="utf-8")
        unpacked.rename(place)
    return place
