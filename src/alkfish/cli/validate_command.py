"""The command ``validate``: results against manual reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alkfish.cli.options import OUTPUT, DebugOption, JsonOption, OverwriteOption
from alkfish.errors import InputError

if TYPE_CHECKING:
    from alkfish.evaluate.manual_sheet import ManualReads

READS = "Manual reads"


def validate(
    results: Annotated[
        Path,
        typer.Argument(
            metavar="RESULTS", help="A case bundle, or a folder of bundles.", show_default=False
        ),
    ],
    manual: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="MANUAL.csv...",
            help="Sheets of manual reads (CSV or Excel): of cases, or, with a column pattern, of "
            "nuclei.",
            show_default=False,
        ),
    ] = None,
    reviewed: Annotated[
        bool,
        typer.Option(
            "--reviewed",
            help="Take the signed calls of the review store as manual reads.",
            rich_help_panel=READS,
        ),
    ] = False,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="FOLDER|URL",
            help="With --reviewed: where the reviews are kept. Default: RESULTS.",
            rich_help_panel=READS,
        ),
    ] = None,
    reader: Annotated[
        str,
        typer.Option(
            "--reader",
            metavar="NAME",
            help="Use only the rows of this reader. Default: all; see the documentation.",
            rich_help_panel=READS,
        ),
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE.html",
            help="Page; JSON and CSV files stand beside it. Default: validation.html in RESULTS.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Also write a PDF.", rich_help_panel=OUTPUT)
    ] = False,
    lab_name: Annotated[
        str,
        typer.Option("--lab-name", metavar="TEXT", help="Name of the laboratory."),
    ] = "",
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Measure how results agree with manual reads: calls, rates, single nuclei.

    Writes a page that can be filed: sensitivity, specificity and kappa with intervals, Bland-Altman
    and correlation of the rates, and every disagreement with its nuclei.

    [bold]Examples[/]

    alkfish validate results manual.csv -o validation.html --pdf

    alkfish validate results cases.csv nuclei.csv --reader "A. Reader"

    alkfish validate results --reviewed

    Exit codes: 0 done, also when calls differ; 2 usage or input error.
    """
    from alkfish.cli.output import print_json
    from alkfish.cli.study_tables import print_validation
    from alkfish.evaluate.validation import validate_results
    from alkfish.report.study_files import free_study_paths
    from alkfish.report.validation import TABLES, write_validation

    sheets = list(manual or [])
    target = out or results / "validation.html"
    free_study_paths(target, TABLES, pdf=pdf, overwrite=overwrite)
    reads = _reads(sheets, results, store, reader, reviewed=reviewed)
    validation = validate_results(results, reads)
    files = write_validation(
        validation,
        target,
        subject=results.absolute().name,
        inputs=sheets,
        lab_name=lab_name,
        pdf=pdf,
    )
    if as_json:
        print_json({"files": [str(file) for file in files], **validation.to_dict()})
    else:
        print_validation(validation, files)


def _reads(
    sheets: list[Path], results: Path, store: str | None, reader: str, *, reviewed: bool
) -> ManualReads:
    from alkfish.evaluate.manual_sheet import ManualReads, only_reader, read_manual

    if not sheets and not reviewed:
        raise InputError(
            "there are no manual reads to compare with",
            remedy="name a sheet: alkfish validate RESULTS MANUAL.csv; or use signed reviews: "
            "--reviewed",
        )
    reads = sum((read_manual(sheet) for sheet in sheets), ManualReads())
    if reviewed:
        from alkfish.evaluate.reviewed_reads import signed_reads

        reads += signed_reads(store or str(results))
    return only_reader(reads, reader) if reader else reads
