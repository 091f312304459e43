"""Options that several verbs share, so that they are spelt and explained once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

DEFAULT_MODEL = "internvl-nano"
DEFAULT_DUAL = "internvl-dual-nano"

Model: TypeAlias = Annotated[
    str,
    typer.Option("--model", "-m", help="A checkpoint folder, an embedded model, or a hub name such as OpenGVLab/InternVL2-8B."),
]
Dual: TypeAlias = Annotated[
    str,
    typer.Option(
        "--model", "-m", help="A dual encoder: a folder, an embedded one, or a hub name such as OpenGVLab/InternVL-14B-224px."
    ),
]
Media: TypeAlias = Annotated[
    list[str] | None, typer.Argument(metavar="MEDIA", show_default=False, help="Pictures and clips, told apart by suffix.")
]
MaxTiles: TypeAlias = Annotated[
    int | None, typer.Option("--max-tiles", min=1, help="Tiles a picture is cut into at most, instead of the model's own limit.")
]
Frames: TypeAlias = Annotated[int | None, typer.Option("--frames", min=1, help="Stills shown of each clip (8 unless you say).")]
Device: TypeAlias = Annotated[str, typer.Option("--device", help="auto (all CUDA devices, else the CPU), cpu, cuda or cuda:1.")]
Dtype: TypeAlias = Annotated[
    str | None,
    typer.Option("--dtype", show_default=False, help="bfloat16, float32, float16, or for chat int8, int4, instead of what is stored."),
]
Settings: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        show_default=False,
        help="A field of SamplingParams, TilePolicy or VideoSampling, such as temperature=0.7 or budget=24; may be repeated.",
    ),
]
Schema: TypeAlias = Annotated[
    Path | None,
    typer.Option("--schema", metavar="FILE", show_default=False, exists=True, dir_okay=False, help="Answer in JSON of this schema."),
]
Regex: TypeAlias = Annotated[
    str | None, typer.Option("--regex", show_default=False, help="Answer with a text that this regular expression matches as a whole.")
]
Choice: TypeAlias = Annotated[
    list[str] | None, typer.Option("--choice", show_default=False, help="Answer with one of these texts; may be repeated.")
]
System: TypeAlias = Annotated[
    str | None, typer.Option("--system", show_default=False, help="The system message, instead of the model's own.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else there.")]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", help="Print answers only.")]
