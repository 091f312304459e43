"""`internvl data hashes`: a list of what pictures look like, for `data clean --against`."""

from __future__ import annotations

from functools import partial

from internvl.cli import pipeline_options
from internvl.cli.console import note, write_json
from internvl.cli.pipeline_options import run_with_bar


def hashes(
    inputs: pipeline_options.Inputs,
    out: pipeline_options.Out,
    root: pipeline_options.Root = None,
    image_field: pipeline_options.ImageField = None,
    workers: pipeline_options.Workers = 1,
    address: pipeline_options.Address = None,
    unit_rows: pipeline_options.UnitRows = 256,
    restart: pipeline_options.Restart = False,
    as_json: pipeline_options.Json = False,
    quiet: pipeline_options.Quiet = False,
) -> None:
    """List hashes of pictures that must not be trained on.

    [bold]internvl data hashes coco/val2017 flickr30k/images --out eval-hashes[/bold]

    [bold]internvl data clean pairs.parquet --out cleaned --against eval-hashes[/bold]

    The list, FOLDER/hashes.parquet, holds no pictures: SHA-256 of the pixels, a perceptual hash, and 96 bytes of colours each.
    """
    from internvl.pipelines.clean.against import hash_pictures
    from internvl.pipelines.run import RunConfig

    config = RunConfig(
        inputs=tuple(inputs),
        out=out,
        root=root,
        image_field=image_field,
        workers=workers,
        address=address,
        unit_rows=unit_rows,
        restart=restart,
    )
    made, report = hash_pictures(config, run_by=partial(run_with_bar, quiet=quiet, unit="pictures"))
    if as_json:
        write_json({"list": str(made.path), "pictures": made.rows, "dropped": report.by_kind}, indent=2)
        return
    note(f"{made.rows:,} pictures in {made.path}")
    if report.dropped:
        note(f"{report.dropped:,} could not be read; {out / 'ledger.jsonl'} says why")
