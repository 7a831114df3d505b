"""The command ``cutoff``: the laboratory's background from normal specimens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alkfish.cli.options import OUTPUT, DebugOption, JsonOption, OverwriteOption
from alkfish.errors import InputError

if TYPE_CHECKING:
    from alkfish.evaluate.background import BackgroundStudy

PROFILE = "Probe profile"


def cutoff(
    normals: Annotated[
        list[Path],
        typer.Argument(
            metavar="NORMALS...",
            help="Results of normal specimens: bundles, or folders of bundles.",
            show_default=False,
        ),
    ],
    confidence: Annotated[
        float,
        typer.Option(
            min=0.5,
            max=0.9999,
            help="One-sided confidence of the beta-inverse and binomial limits.",
        ),
    ] = 0.95,
    nuclei: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1_000_000,
            metavar="N",
            help="Nuclei counted per case, for the binomial limit. Default: the fewest that the "
            "probe's rule allows.",
        ),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            "--into",
            metavar="PROFILE.toml",
            help="Write a new version of the probe profile, with the background and where it comes "
            "from. Needs --method. Default: nothing is written.",
            rich_help_panel=PROFILE,
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="NAME",
            help="Which limit becomes the cut-off: mean-3sd, beta-inverse or binomial; none leaves "
            "the cut-off and records the background.",
            rich_help_panel=PROFILE,
        ),
    ] = "",
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE.html",
            help="Page; JSON and CSV files stand beside it.",
            rich_help_panel=OUTPUT,
        ),
    ] = Path("cutoff.html"),
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Also write a PDF.", rich_help_panel=OUTPUT)
    ] = False,
    lab_name: Annotated[
        str, typer.Option("--lab-name", metavar="TEXT", help="Name of the laboratory.")
    ] = "",
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Measure the background of normal specimens and the cut-offs that follow from it.

    Rates of every class per specimen, and mean + 3 SD, beta-inverse and binomial limits side by
    side. A probe profile is written only with --into.

    [bold]Examples[/]

    alkfish cutoff results/normal_* -o cutoff.html

    alkfish cutoff normals/ --into vysis-alk-lab.toml --method beta-inverse
    """
    from alkfish.cli.output import print_json
    from alkfish.cli.study_tables import print_background
    from alkfish.evaluate.background import measure_background
    from alkfish.report.background import TABLES, write_background
    from alkfish.report.study_files import free_study_paths

    free_study_paths(out, TABLES, pdf=pdf, overwrite=overwrite)
    older = _check_profile(into, method, overwrite=overwrite)
    study = measure_background(normals, confidence=confidence, n_nuclei=nuclei or 0)
    written = "" if into is None else _write_profile(study, into, method, older)
    files = write_background(study, out, written=written, lab_name=lab_name, pdf=pdf)
    files = (*files, into) if into is not None else files
    if as_json:
        document = {"files": [str(file) for file in files], "profile_written": written}
        print_json(document | study.to_dict())
    else:
        print_background(study, written, files)


def _check_profile(into: Path | None, method: str, *, overwrite: bool) -> int:
    """Find out before the work whether the profile may be written; return its present version."""
    from alkfish.evaluate.lab_profile import METHODS, check_profile_target

    if (into is None) != (not method) or (method and method not in METHODS):
        raise InputError(
            "a profile is written with both --into and --method",
            found=f"--into {into or '(not given)'}, --method {method or '(not given)'}",
            allowed=f"--into FILE.toml --method {'|'.join(METHODS)}",
            remedy="look at the limits first, then choose the method",
        )
    return 0 if into is None else check_profile_target(into, overwrite=overwrite)


def _write_profile(study: BackgroundStudy, into: Path, method: str, older: int) -> str:
    """Write the profile and return in words what it says."""
    from alkfish.evaluate.lab_profile import lab_profile, profile_name, shortage, write_profile

    made = lab_profile(study, method, name=profile_name(into), older_version=older)
    write_profile(made, into)
    old, new = study.probe.case_rule.positive_percent, made.case_rule.positive_percent
    change = f"cut-off {new} % instead of {old} %" if new != old else f"cut-off still {old} %"
    told = f"{made.name}, version {made.version}: {change}, method {method}"
    lacks = shortage(study)
    if made.confirmed or not lacks:
        return told
    return (
        f"{told}. It is not confirmed ({lacks}): nothing is scored with it until more normal "
        "specimens were measured, or the person responsible has set confirmed = true in the file"
    )
