"""``alkfish score``: images of cases in, calls out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alkfish.cli.exit_codes import ExitCode
from alkfish.cli.options import (
    NOTICE,
    OUTPUT,
    ChannelsOption,
    ConfigOption,
    DebugOption,
    JsonOption,
    OverwriteOption,
    PixelSizeOption,
    ProbeOption,
    SetOption,
)

if TYPE_CHECKING:
    from alkfish.cli.batch import Job, Outcome, ReadOptions, Scored
    from alkfish.cli.progress import FieldProgress
    from alkfish.config import Config
    from alkfish.model.probe import ProbeProfile


def score(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="A picture is a case of one field, a folder a case of many fields.",
            show_default=False,
        ),
    ],
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
    probe: ProbeOption = "vysis-alk",
    config: ConfigOption = None,
    settings: SetOption = None,
    channels: ChannelsOption = None,
    pixel_size_um: PixelSizeOption = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Score cases: nuclei, signals, patterns and the call of each case.

    [bold]Examples[/]

    alkfish score case_17.ome.tif -o results

    alkfish score cases/* -o results --probe my-probe.toml

    alkfish score rgb/ -o results --pixel-size-um 0.1 --set detect.min_snr=7

    Exit codes: 0 all scored, 1 some case failed, 2 usage or input error (nothing was scored).
    """
    options = read_options(probe, channels, pixel_size_um)
    outcomes = score_paths(
        paths,
        out,
        options=options,
        config=load_config(config, settings or []),
        overwrite=overwrite,
        show_progress=not as_json,
        debug=debug,
    )
    show(outcomes, as_json=as_json)
    end_with_code(outcomes)


def read_options(probe: str, channels: str | None, pixel_size_um: float | None) -> ReadOptions:
    """Return the checked options of reading; see `alkfish.io`."""
    from alkfish.cli.batch import ReadOptions
    from alkfish.io.probes import load_probe, require_confirmed

    return ReadOptions(require_confirmed(load_probe(probe)), parse_roles(channels), pixel_size_um)


def parse_roles(channels: str | None) -> Mapping[str, int] | None:
    """Return the roles given with ``--channels``; none given leaves them to the files."""
    from alkfish.io.channels import parse_channels

    return None if channels is None else parse_channels(channels)


def load_config(path: Path | None, assignments: list[str]) -> Config:
    """Return the settings of a file, or the defaults, with assignments applied."""
    from alkfish.config import Config

    config = Config() if path is None else Config.from_toml(path)
    return config.with_settings(assignments)


def score_paths(
    paths: list[Path], out: Path, *, options: ReadOptions, config: Config, overwrite: bool,
    show_progress: bool, debug: bool,
) -> list[Outcome]:  # fmt: skip
    """Plan, check, score and write; errors of single cases are printed as they happen."""
    from alkfish.cli import batch
    from alkfish.cli.output import print_error, say
    from alkfish.cli.progress import FieldProgress
    from alkfish.preparation import prepare_kernels

    jobs = batch.plan(paths, options)
    batch.check_out(out, [job.case_id for job in jobs], overwrite=overwrite)
    total = sum(len(job.case) for job in jobs if isinstance(job, batch.Job))
    outcomes = []
    prepare_kernels(say)
    with FieldProgress(total, enabled=show_progress) as progress:
        score_job = _make_scorer(out, options.probe, config, overwrite, progress)
        for outcome in batch.run(jobs, score_job):
            if isinstance(outcome, batch.Failed):
                print_error(outcome.error, debug=debug)
            outcomes.append(outcome)
    return outcomes


def _make_scorer(
    out: Path, probe: ProbeProfile, config: Config, overwrite: bool, progress: FieldProgress
) -> Callable[[Job], Scored]:
    from alkfish import pipeline
    from alkfish.cli.batch import Scored
    from alkfish.io.bundle import write_bundle

    def score_job(job: Job) -> Scored:
        progress.begin(job.case_id)
        result = pipeline.score_case(
            job.case,
            probe=probe,
            config=config,
            spread=pipeline.Spread(on_analysed=lambda _: progress.advance()),
        )
        bundle = write_bundle(result, out, overwrite=overwrite)
        return Scored(job.path, job.case_id, result, bundle)

    return score_job


def show(outcomes: list[Outcome], *, as_json: bool) -> None:
    """Print the outcomes: a JSON document for machines, else tables."""
    from alkfish.cli.output import print_json, stdout_console
    from alkfish.cli.report_tables import outcome_as_json, print_outcomes

    if as_json:
        print_json({"notice": NOTICE, "cases": [outcome_as_json(item) for item in outcomes]})
    else:
        print_outcomes(stdout_console(), outcomes)


def end_with_code(outcomes: list[Outcome]) -> None:
    """End the command with `ExitCode.CASE_FAILED` if some case failed."""
    from alkfish.cli.batch import Failed

    if any(isinstance(outcome, Failed) for outcome in outcomes):
        raise typer.Exit(ExitCode.CASE_FAILED)
