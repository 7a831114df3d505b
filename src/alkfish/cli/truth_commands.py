"""Commands around simulated truth: ``simulate``, ``evaluate`` and ``demo``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alkfish.cli.options import (
    OUTPUT,
    SLIDE,
    DebugOption,
    JsonOption,
    PixelSizeOption,
    ProbeOption,
)

if TYPE_CHECKING:
    from alkfish.evaluate.operating import OperatingCurve
    from alkfish.model.probe import SeparationRule
    from alkfish.synthetic.case import SimulatedCase

DEMO_CASE = "simulated_demo"


def simulate(
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="Folder to write the case into.", show_default=False),
    ],
    level: Annotated[
        str, typer.Option(help="Difficulty: easy, typical, hard, or one artefact; see the error.")
    ] = "typical",
    seed: Annotated[
        int, typer.Option(min=0, help="The same seed and options give the same bytes.")
    ] = 1,
    fields: Annotated[int, typer.Option(min=1, max=1000, help="Fields of the case.")] = 6,
    size: Annotated[
        int, typer.Option(min=64, max=8192, metavar="PX", help="Height and width of a field.")
    ] = 1024,
    positive_fraction: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Share of rearranged tumour nuclei. Default: drawn from the seed.",
        ),
    ] = None,
    pixel_size_um: PixelSizeOption = None,
    separation: Annotated[
        str, typer.Option(help="Distances of split loci: clinical (clear) or published (narrow).")
    ] = "clinical",
    planes: Annotated[
        int, typer.Option(min=1, max=200, help="Focus planes; 1 simulates single planes.")
    ] = 1,
    z_step_um: Annotated[
        float, typer.Option(min=0.02, max=20.0, help="Distance of the focus planes.")
    ] = 0.4,
    probe: ProbeOption = "vysis-alk",
    name: Annotated[str, typer.Option(help="Case id. Default: level and seed.")] = "",
    slide: Annotated[
        int | None,
        typer.Option(
            min=512,
            max=262_144,
            metavar="PX",
            help="Simulate one slide of this height and width instead of fields: a pyramidal "
            "OME-TIFF, never held in memory.",
            rich_help_panel=SLIDE,
            show_default=False,
        ),
    ] = None,
    tissue: Annotated[
        float,
        typer.Option(
            min=0.0, max=1.0, help="Share of the slide that is tissue.", rich_help_panel=SLIDE
        ),
    ] = 0.5,
    pyramid: Annotated[
        bool,
        typer.Option(help="Write the lower levels of the slide.", rich_help_panel=SLIDE),
    ] = True,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Simulate a case with exact truth: OUT/<case>/ holds the images, OUT/truth/<case>/ the truth.

    [bold]Examples[/]

    alkfish simulate try --level hard --seed 3 --positive-fraction 0.2

    alkfish simulate try --slide 32768 --tissue 0.4
    """
    width_um = 0.1 if pixel_size_um is None else pixel_size_um
    if slide is not None:
        from alkfish.cli.simulate_slide import SlideOptions, simulate_slide

        simulate_slide(
            SlideOptions(
                out=out,
                side=slide,
                level=level,
                seed=seed,
                tissue=tissue,
                pyramid=pyramid,
                positive_fraction=positive_fraction,
                pixel_size_um=width_um,
                separation=separation,
                probe=probe,
                name=name,
            ),
            as_json=as_json,
        )
        return
    from alkfish.io.probes import load_probe
    from alkfish.synthetic.case import simulate_case

    case = simulate_case(
        level,
        seed=seed,
        n_fields=fields,
        case_id=name,
        positive_fraction=positive_fraction,
        shape=(size, size),
        pixel_size_um=width_um,
        separation=separation,
        three_prime_colour=load_probe(probe).three_prime_colour,
        n_planes=planes,
        z_step_um=z_step_um,
    )
    _write_simulated(case, out, as_json=as_json)


def _write_simulated(case: SimulatedCase, out: Path, *, as_json: bool) -> None:
    """Write a simulated case with its truth and say where it lies."""
    from alkfish.cli.output import print_json
    from alkfish.synthetic.case import describe_case, write_case

    images = write_case(case, out)
    if as_json:
        print_json({"images": str(images), "truth": dict(describe_case(case))})
    else:
        typer.echo(f"{len(case.fields)} simulated fields: {images}\n{_truth_line(case)}")


def _truth_line(case: SimulatedCase) -> str:
    from alkfish.cli.simulate_slide import truth_line
    from alkfish.synthetic.case import describe_case

    return truth_line(describe_case(case))


def demo(
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="OUT", help="Folder for images and result.")
    ] = Path("alkfish-results"),
    cohort: Annotated[
        bool,
        typer.Option(
            "--cohort",
            help="Simulate a small cohort with known calls instead, and take it through batch, "
            "reports, validation and cut-off: OUT/cohort/. A few minutes.",
        ),
    ] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Score a small simulated case: the quickest way to see what alkfish does.

    The case is simulated on the spot, always the same, and written with its truth. It is no
    specimen.
    """
    if cohort:
        from alkfish.cli.cohort import run_cohort

        run_cohort(out, as_json=as_json)
        return
    from alkfish.cli.output import say
    from alkfish.cli.running import ScoringOptions, end_with_code
    from alkfish.cli.score_command import score_paths, show
    from alkfish.synthetic.case import simulate_case, write_case

    say("simulating a case (no specimen) ...")
    case = simulate_case("typical", seed=3, n_fields=5, positive_fraction=0.45, case_id=DEMO_CASE)
    inputs = out / "demo_images"
    _clear_former_demo(inputs)
    images = write_case(case, inputs)
    given = ScoringOptions(overwrite=True, as_json=as_json, debug=debug)
    result = score_paths([images], out, given=given)
    show(result, [images], as_json=as_json)
    if not as_json:
        typer.echo(f"\nThis case is simulated.\n{_truth_line(case)}\nimages: {images}")
        typer.echo("next: alkfish info YOUR_IMAGES, then alkfish score YOUR_IMAGES -o results")
    end_with_code(result)


def _clear_former_demo(inputs: Path) -> None:
    """Remove the pictures of a former demo, and nothing that the demo did not write."""
    if (inputs / "truth" / DEMO_CASE / "truth.json").is_file():
        shutil.rmtree(inputs)


def evaluate(
    results: Annotated[
        Path,
        typer.Argument(
            metavar="RESULTS", help="A case bundle, or a folder of bundles.", show_default=False
        ),
    ],
    truth: Annotated[
        Path,
        typer.Argument(
            metavar="TRUTH",
            help="The truth written by 'alkfish simulate': of one case, or the folder of all.",
            show_default=False,
        ),
    ],
    curve: Annotated[
        Path | None,
        typer.Option(
            "--curve",
            metavar="FILE.png|FILE.csv",
            help="Draw, or write as a table, sensitivity and specificity per nucleus and per case "
            "against the separation rule. An older file is replaced.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Measure results against simulated truth.

    Nuclei, spots, patterns, rate and call, and whether the probabilities hold.

    [bold]Examples[/]

    alkfish evaluate results try/truth

    alkfish evaluate results try/truth --curve curve.png

    Exit codes: 0 done, also when results are wrong or missing; 2 usage or input error.
    """
    from alkfish.cli.evaluation_tables import print_evaluation, print_operating_point
    from alkfish.cli.output import print_json, stdout_console
    from alkfish.evaluate import evaluate_bundle

    if curve is not None:
        from alkfish.evaluate.operating_output import check_curve_path

        check_curve_path(curve)
    evaluation = evaluate_bundle(results, truth)
    curves, used = _write_curves(results, truth, curve)
    if as_json:
        extra = {"curve": str(curve), "operating_curves": [one.to_dict() for one in curves]}
        print_json({**evaluation.to_dict(), **(extra if curve else {})})
        return
    print_evaluation(stdout_console(), evaluation)
    if curve is not None:
        print_operating_point(stdout_console(), curves, used, curve)


def _write_curves(
    results: Path, truth: Path, file: Path | None
) -> tuple[tuple[OperatingCurve, ...], SeparationRule]:
    """Write the operating curves, if wanted; return them and the rule that was used."""
    from alkfish.evaluate.operating import operating_curves, separation_used
    from alkfish.evaluate.operating_files import open_operating_cases
    from alkfish.evaluate.operating_output import write_operating_curves
    from alkfish.model.probe import SeparationRule

    if file is None:
        return (), SeparationRule()
    cases = open_operating_cases(truth, results)
    used = separation_used(cases)
    curves = operating_curves(cases)
    count = f"{len(cases)} simulated case" + ("s" if len(cases) > 1 else "")
    write_operating_curves(curves, file, title=f"Operating curves, {count}", used=used)
    return curves, used
