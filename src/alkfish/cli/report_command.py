"""The command ``report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alkfish.cli.options import (
    OUTPUT,
    READING,
    ChannelsOption,
    DebugOption,
    OverwriteOption,
    PixelSizeOption,
)
from alkfish.errors import AlkfishError, OutputError

if TYPE_CHECKING:
    from alkfish.io.images import Case
    from alkfish.model.result import CaseResult

LAB = "Laboratory"


def report(
    result: Annotated[
        Path,
        typer.Argument(metavar="CASE", help="The bundle of a case.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="HTML file; with the ending .pdf a PDF only. Default: report.html in the bundle.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    pdf: Annotated[
        bool,
        typer.Option(
            "--pdf", help="Also write a PDF beside the HTML file.", rich_help_panel=OUTPUT
        ),
    ] = False,
    anonymous: Annotated[
        bool,
        typer.Option(
            "--anonymous",
            help="Leave out patient, case and file names, readers and dates.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    overwrite: OverwriteOption = False,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            metavar="PATH",
            help="The images that were scored, for the pictures of the report. They are compared "
            "with the checksums of the result. Default: where they were scored; without pictures "
            "if they are no longer there.",
            rich_help_panel=READING,
        ),
    ] = None,
    channels: ChannelsOption = None,
    pixel_size_um: PixelSizeOption = None,
    details: Annotated[
        Path | None,
        typer.Option(
            "--details",
            metavar="FILE",
            help="Patient, request, specimen, probe lot and controls (TOML).",
            rich_help_panel=LAB,
        ),
    ] = None,
    lab_name: Annotated[
        str,
        typer.Option(
            "--lab-name", metavar="TEXT", help="Name of the laboratory.", rich_help_panel=LAB
        ),
    ] = "",
    logo: Annotated[
        Path | None,
        typer.Option("--logo", metavar="FILE", help="PNG, JPEG or GIF.", rich_help_panel=LAB),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option(
            "--template",
            metavar="FILE",
            help="Template that extends report.html.",
            rich_help_panel=LAB,
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="FOLDER|URL",
            help="Where the reviews are kept, a folder or postgresql://user@host/database. "
            "Default: the folder that holds the bundle.",
            rich_help_panel=READING,
        ),
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Write the report of a case: one HTML file without any outside parts, and a PDF.

    What readers decided is taken from the review store of the results, and what the batch noted of
    the case (failed control slides, lot, shared pictures) from its bundle.

    [bold]Examples[/]

    alkfish report results/case_17 --images case_17/ --pdf

    alkfish report results/case_17 --images case_17/ --details case_17.toml --lab-name "Our lab"
    """
    from alkfish.io.batch_note import read_note
    from alkfish.io.bundle import open_bundle
    from alkfish.report import CaseDetails, ReportOptions, write_report
    from alkfish.report.reviewed import review_of_bundle

    case = open_bundle(result)
    target = out or result / ("report-anonymous.html" if anonymous else "report.html")
    _refuse_existing(target, pdf=pdf, overwrite=overwrite)
    options = ReportOptions(
        lab_name=lab_name, logo=logo, template=template, anonymous=anonymous
    )  # fmt: skip
    shown, review = review_of_bundle(result, case, store=store)
    for path in write_report(
        shown,
        target,
        images=_remembered_images(result, case)
        if images is None
        else _open_images(case, images, channels, pixel_size_um),
        details=None if details is None else CaseDetails.from_toml(details),
        review=review,
        note=read_note(result),
        options=options,
        pdf=pdf,
    ):
        typer.echo(str(path))


def _refuse_existing(target: Path, *, pdf: bool, overwrite: bool) -> None:
    """Find out before the work whether a file would be replaced."""
    for path in {target, target.with_suffix(".pdf") if pdf else target}:
        if path.exists() and not overwrite:
            raise OutputError(
                "there is a report already",
                where=path,
                remedy="choose another file with -o, or replace it with --overwrite",
            )


def _remembered_images(bundle: Path, result: CaseResult) -> Case | None:
    """Open the images where scoring found them; None, and a word why, if they are not there."""
    from alkfish.cli.output import say
    from alkfish.io.locations import open_pictures, recall_pictures
    from alkfish.report.write import checked_images

    place = recall_pictures(bundle.absolute().parent, result.case_id)
    if not place.images:
        return None
    try:
        case = open_pictures(place, result.case_id, result.probe)
        checked_images(result, case)
    except AlkfishError as error:
        say(f"the report shows no pictures: {error}")
        return None
    return case


def _open_images(
    result: CaseResult, path: Path, channels: str | None, pixel_size_um: float | None
) -> Case:
    """Open the images as they were opened for scoring; sizes come from the result."""
    from alkfish.cli.running import parse_roles
    from alkfish.io.images import open_case

    sizes = set(result.pixel_size_um.values())
    known = next(iter(sizes)) if len(sizes) == 1 else None
    size = known if pixel_size_um is None else pixel_size_um
    return open_case(path, probe=result.probe, channels=parse_roles(channels), pixel_size_um=size)
