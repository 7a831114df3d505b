"""``alkfish score``: images of cases in, calls out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alkfish.cli.batch_command import score_manifest
from alkfish.cli.options import (
    NOTICE,
    OUTPUT,
    ManifestOption,
    RoiExcludeOption,
    RoiIncludeOption,
    RoiOption,
)
from alkfish.cli.running import ScoringOptions, end_with_code, takes_scoring_options
from alkfish.errors import InputError

if TYPE_CHECKING:
    from alkfish.batch import BatchResult, OutlineOptions


@takes_scoring_options
def score(
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            metavar="OUT",
            help="Folder for the results, one bundle per case: OUT/<case>/.",
            rich_help_panel=OUTPUT,
        ),
    ],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH...",
            help="A picture or slide is a case of one field, a folder a case of many fields.",
            show_default=False,
        ),
    ] = None,
    manifest: ManifestOption = None,
    roi: RoiOption = None,
    roi_include: RoiIncludeOption = None,
    roi_exclude: RoiExcludeOption = None,
    *,
    given: ScoringOptions,
) -> None:
    """Score cases: nuclei, signals, patterns and the call of each case.

    What is done and intact is kept; what changed is scored again.

    [bold]Examples[/]

    alkfish score case_17.ome.tif -o results

    alkfish score cases/* -o results --probe my-probe.toml

    alkfish score rgb/ -o results --pixel-size-um 0.1 --set detect.min_snr=7

    alkfish score slide.ome.tif -o results --workers 4 --roi tumour.geojson

    alkfish score --manifest cases.csv -o results --workers 4

    Exit codes: 0 all scored, 1 some case failed, 2 usage or input error (nothing was scored), 3 a
    control slide of the batch failed, 4 two cases have the same picture.
    """
    from alkfish.batch import OutlineOptions

    check_sources(paths or [], manifest, roi)
    outlines = OutlineOptions(roi, tuple(roi_include or ()), tuple(roi_exclude or ()))
    if manifest is not None:
        score_manifest(manifest, out, outlines, given)
        return
    result = score_paths(paths or [], out, outlines=outlines, given=given)
    show(result, paths or [], as_json=given.as_json)
    end_with_code(result)


def check_sources(paths: list[Path], manifest: Path | None, roi: Path | None) -> None:
    """Refuse options that contradict each other.

    Raises
    ------
    InputError
        If there are no cases or two kinds of them, or an option belongs to the other kind.
    """
    if bool(paths) == (manifest is not None):
        raise InputError(
            "the cases are given twice" if paths else "no cases are given",
            allowed="paths of cases, or --manifest with a sheet or a folder of cases",
            remedy="see alkfish score --help",
        )
    if manifest is not None and roi is not None:
        raise InputError(
            "outlined areas of a batch stand in its sheet",
            where="--roi",
            remedy="name the file of each case in the column roi",
        )


def score_paths(
    paths: list[Path], out: Path, *, given: ScoringOptions, outlines: OutlineOptions | None = None
) -> BatchResult:
    """Score the cases of paths as a batch without a summary; see `alkfish.batch.run_batch`."""
    from alkfish.batch import OutlineOptions, cases_of_paths, check_reports, run_batch
    from alkfish.cli.batch_view import BatchView

    areas = outlines or OutlineOptions()
    wanted = given.pdf or bool(given.lab_name)
    options = replace(given.batch_options(report=wanted), outlines=areas, summary=False)
    check_reports(options.report)
    opening = given.executor()
    cases = cases_of_paths(paths, defaults=given.defaults(), outlines=areas)
    view = BatchView(debug=given.debug, only_failures=given.as_json)
    with opening as executor, view:
        return run_batch(cases, out, executor=executor, options=options, tell=view)


def show(result: BatchResult, paths: list[Path], *, as_json: bool) -> None:
    """Print what became of the cases: a JSON document for machines, else tables."""
    from alkfish.cli.output import print_json, stdout_console
    from alkfish.cli.report_tables import outcome_as_json, print_outcomes

    if as_json:
        told = zip(result.outcomes, paths, strict=True)
        cases = [outcome_as_json(outcome, path) for outcome, path in told]
        print_json({"notice": NOTICE, "cases": cases})
    else:
        print_outcomes(stdout_console(), result.outcomes)
