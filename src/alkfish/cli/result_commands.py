"""Commands on results: ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alkfish.cli.options import DebugOption


def export(
    result: Annotated[
        Path,
        typer.Argument(metavar="RESULT", help="The bundle of a case.", show_default=False),
    ],
    csv: Annotated[bool, typer.Option("--csv", help="Write the tables as CSV.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="OUT", help="Folder. Default: the bundle itself."),
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Write the tables of a result in another format.

    [bold]Example[/]

    alkfish export results/case_17 --csv
    """
    from alkfish.io.bundle import export_csv

    if not csv:
        raise typer.BadParameter("name a format: --csv")
    for path in export_csv(result, result if out is None else out):
        typer.echo(str(path))
