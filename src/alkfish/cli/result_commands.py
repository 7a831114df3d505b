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
    geojson: Annotated[
        bool,
        typer.Option(
            "--geojson",
            help="Write the nuclei's outlines, patterns and measurements for QuPath, one file per "
            "field.",
        ),
    ] = False,
    xlsx: Annotated[
        bool, typer.Option("--xlsx", help="Write an Excel workbook, one sheet per table.")
    ] = False,
    fhir: Annotated[
        bool,
        typer.Option(
            "--fhir",
            help="Write a FHIR R4B DiagnosticReport (JSON) without a patient, preliminary until "
            "the case is signed.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="OUT", help="Folder. Default: the bundle itself."),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="FOLDER|URL",
            help="For --xlsx and --fhir: where the reviews are kept, a folder or "
            "postgresql://user@host/database. Default: the folder that holds the bundle.",
        ),
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Write a result in other formats: for spreadsheets, QuPath and hospital systems.

    What readers decided is taken from the review store for --xlsx and --fhir; --csv and --geojson
    hold the machine's result.

    [bold]Examples[/]

    alkfish export results/case_17 --csv

    alkfish export results/case_17 --xlsx --fhir

    alkfish export results/slide_3 --geojson -o for_qupath
    """
    from alkfish.execute import keep_freed_memory
    from alkfish.io.bundle import export_csv
    from alkfish.io.geojson_export import export_geojson

    keep_freed_memory()
    if not (csv or geojson or xlsx or fhir):
        raise typer.BadParameter("name a format: --csv, --xlsx, --geojson, --fhir")
    target = result if out is None else out
    for path in export_csv(result, target) if csv else ():
        typer.echo(str(path))
    for path in export_geojson(result, target) if geojson else ():
        typer.echo(str(path))
    if xlsx:
        from alkfish.report.workbook import export_xlsx

        typer.echo(str(export_xlsx(result, target, store=store)))
    if fhir:
        from alkfish.report.fhir import export_fhir

        typer.echo(str(export_fhir(result, target, store=store)))
