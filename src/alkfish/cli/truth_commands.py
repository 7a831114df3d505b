"""Commands around simulated truth: ``simulate``, ``evaluate`` and ``demo``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alkfish.cli.options import (
    DebugOption,
    JsonOption,
    PixelSizeOption,
    ProbeOption,
)

if TYPE_CHECKING:
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
    probe: ProbeOption = "vysis-alk",
    name: Annotated[str, typer.Option(help="Case id. Default: level and seed.")] = "",
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Simulate a case with exact truth: OUT/<case>/ holds the images, OUT/truth/<case>/ the truth.

    [bold]Example[/]

    alkfish simulate try --level hard --seed 3 --positive-fraction 0.2
    """
    from alkfish.cli.output import print_json
    from alkfish.io.probes import load_probe
    from alkfish.synthetic.case import describe_case, simulate_case, write_case

    case = simulate_case(
        level,
        seed=seed,
        n_fields=fields,
        case_id=name,
        positive_fraction=positive_fraction,
        shape=(size, size),
        pixel_size_um=0.1 if pixel_size_um is None else pixel_size_um,
        separation=separation,
        three_prime_colour=load_probe(probe).three_prime_colour,
    )
    images = write_case(case, out)
    if as_json:
        print_json({"images": str(images), "truth": dict(describe_case(case))})
        return
    typer.echo(f"{len(case.fields)} simulated fields: {images}\n{_truth_line(case)}")


def _truth_line(case: SimulatedCase) -> str:
    from alkfish.cli.output import percent

    counts = case.counts
    rate = counts.n_positive / counts.n_enumerated if counts.n_enumerated else 0.0
    return (
        f"truth: {len(case.nuclei)} nuclei, {counts.n_enumerated} scorable, "
        f"{counts.n_positive} positive ({percent(rate)})"
    )


def demo(
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="OUT", help="Folder for images and result.")
    ] = Path("alkfish-results"),
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Score a small simulated case: the quickest way to see what alkfish does.

    The case is simulated on the spot, always the same, and written with its truth. It is no
    specimen.
    """
    from alkfish.cli.output import say
    from alkfish.cli.score_command import (
        end_with_code,
        load_config,
        read_options,
        score_paths,
        show,
    )
    from alkfish.synthetic.case import simulate_case, write_case

    say("simulating a case (no specimen) ...")
    case = simulate_case("typical", seed=3, n_fields=5, positive_fraction=0.45, case_id=DEMO_CASE)
    inputs = out / "demo_images"
    _clear_former_demo(inputs)
    images = write_case(case, inputs)
    outcomes = score_paths(
        [images],
        out,
        options=read_options("vysis-alk", None, None),
        config=load_config(None, []),
        overwrite=True,
        show_progress=not as_json,
        debug=debug,
    )
    show(outcomes, as_json=as_json)
    if not as_json:
        typer.echo(f"\nThis case is simulated.\n{_truth_line(case)}\nimages: {images}")
        typer.echo("next: alkfish info YOUR_IMAGES, then alkfish score YOUR_IMAGES -o results")
    end_with_code(outcomes)


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
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Measure results against simulated truth: nuclei, spots, patterns, rate and call.

    [bold]Example[/]

    alkfish evaluate results try/truth
    """
    from alkfish.cli.evaluation_tables import print_evaluation
    from alkfish.cli.output import print_json, stdout_console
    from alkfish.evaluate import evaluate_bundle

    evaluation = evaluate_bundle(results, truth)
    if as_json:
        print_json(evaluation.to_dict())
    else:
        print_evaluation(stdout_console(), evaluation)
