"""`internvl doctor`: is this installation whole, and what will a model run on here?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import typer

from internvl.cli import options
from internvl.cli.console import out, write_json

if TYPE_CHECKING:
    from internvl.cli.machine import Finding

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(as_json: options.Json = False) -> None:
    """Examine this machine and this installation.

    [bold]internvl doctor[/bold]
    prints versions, CPU features, memory, devices, the hub's cache, and whether the embedded models are whole.

    The exit code is 0 when the core works, warnings or not, and 1 when something it needs is broken.
    """
    from internvl.cli.machine import examine

    findings = examine()
    if as_json:
        write_json([vars(finding) for finding in findings], indent=2)
    else:
        _print(findings)
    if any(finding.status == "fail" for finding in findings):
        raise typer.Exit(1)


def _print(findings: Sequence[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for group, members in groupby(findings, key=lambda finding: finding.group):
        for number, finding in enumerate(members):
            mark = Text(finding.status, STYLES[finding.status])
            table.add_row("" if number else group, finding.name, mark, Text(finding.value))
    out().print(table)
