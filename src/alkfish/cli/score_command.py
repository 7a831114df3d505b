"""``alkfish score``: images of cases in, calls out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alkfish.cli.batch_command import BatchArguments, score_manifest
from alkfish.cli.exit_codes import ExitCode
from alkfish.cli.options import (
    NOTICE,
    OUTPUT,
    ChannelsOption,
    ConfigOption,
    DebugOption,
    JsonOption,
    LabNameOption,
    ManifestOption,
    OverwriteOption,
    PdfOption,
    PixelSizeOption,
    ProbeOption,
    ReportOption,
    RoiExcludeOption,
    RoiIncludeOption,
    RoiOption,
    SceneOption,
    SchedulerOption,
    SetOption,
    TileFieldsOption,
    WorkersOption,
    ZStepOption,
)
from alkfish.errors import InputError

if TYPE_CHECKING:
    from alkfish.batch.outlines import OutlineOptions
    from alkfish.cli.batch import Job, Outcome, ReadOptions, Scored
    from alkfish.cli.progress import FieldProgress
    from alkfish.config import Config
    from alkfish.execute import Executor
    from alkfish.io.geojson import Regions


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
    probe: ProbeOption = "vysis-alk",
    config: ConfigOption = None,
    settings: SetOption = None,
    channels: ChannelsOption = None,
    pixel_size_um: PixelSizeOption = None,
    z_step_um: ZStepOption = None,
    scene: SceneOption = None,
    roi: RoiOption = None,
    roi_include: RoiIncludeOption = None,
    roi_exclude: RoiExcludeOption = None,
    workers: WorkersOption = 1,
    scheduler: SchedulerOption = None,
    tile_fields: TileFieldsOption = 1,
    overwrite: OverwriteOption = False,
    report: ReportOption = None,
    pdf: PdfOption = False,
    lab_name: LabNameOption = "",
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Score cases: nuclei, signals, patterns and the call of each case.

    [bold]Examples[/]

    alkfish score case_17.ome.tif -o results

    alkfish score cases/* -o results --probe my-probe.toml

    alkfish score rgb/ -o results --pixel-size-um 0.1 --set detect.min_snr=7

    alkfish score slide.ome.tif -o results --workers 4 --roi tumour.geojson

    alkfish score --manifest cases.csv -o results --workers 4

    Exit codes: 0 all scored, 1 some case failed, 2 usage or input error (nothing was scored), 3 a
    control slide of the batch failed.
    """
    from alkfish.batch.outlines import OutlineOptions

    check_sources(paths or [], manifest, roi, has_report_options=bool(report or pdf or lab_name))
    if manifest is not None:
        arguments = BatchArguments(
            probe, channels, pixel_size_um, z_step_um, scene, tuple(roi_include or ()),
            tuple(roi_exclude or ()), tile_fields, overwrite, report is not False, pdf, lab_name,
        )  # fmt: skip
        score_manifest(
            manifest, out, arguments, load_config(config, settings or []),
            workers=workers, scheduler=scheduler, as_json=as_json,
        )  # fmt: skip
        return
    outcomes = score_paths(
        paths or [],
        out,
        options=read_options(probe, channels, pixel_size_um, z_step_um=z_step_um, scene=scene),
        outlines=OutlineOptions(roi, tuple(roi_include or ()), tuple(roi_exclude or ())),
        config=load_config(config, settings or []),
        work=Work(workers, scheduler, tile_fields),
        overwrite=overwrite,
        show_progress=not as_json,
        debug=debug,
    )
    show(outcomes, as_json=as_json)
    end_with_code(outcomes)


def check_sources(
    paths: list[Path], manifest: Path | None, roi: Path | None, *, has_report_options: bool
) -> None:
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
    if manifest is None and has_report_options:
        raise InputError(
            "reports are written by batches only",
            where="--report, --pdf, --lab-name",
            remedy="use --manifest, or write the report of a case with: alkfish report",
        )


@dataclass(frozen=True)
class Work:
    """How the work is spread, as given on the command line; it never changes a result."""

    workers: int = 1
    scheduler: str | None = None
    tile_fields: int = 1


def read_options(
    probe: str, channels: str | None, pixel_size_um: float | None, *,
    z_step_um: float | None = None, scene: str | None = None,
) -> ReadOptions:  # fmt: skip
    """Return the checked options of reading; see `alkfish.io`."""
    from alkfish.cli.batch import ReadOptions
    from alkfish.io.probes import load_probe, require_confirmed

    kit = require_confirmed(load_probe(probe))
    return ReadOptions(kit, parse_roles(channels), pixel_size_um, z_step_um, scene)


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
    show_progress: bool, debug: bool, outlines: OutlineOptions | None = None,
    work: Work | None = None,
) -> list[Outcome]:  # fmt: skip
    """Plan, check, score and write; errors of single cases are printed as they happen."""
    from alkfish.batch.outlines import OutlineOptions, find_outlines
    from alkfish.execute import keep_freed_memory, open_executor, warm_up

    spread = work or Work()
    warm_up(spread.workers, spread.scheduler)
    from alkfish.cli import batch
    from alkfish.cli.output import print_error, say
    from alkfish.cli.progress import FieldProgress
    from alkfish.preparation import prepare_kernels

    planned = batch.plan(paths, options)
    batch.check_out(out, [job.case_id for job in planned], overwrite=overwrite)
    jobs = [job for job in planned if isinstance(job, batch.Job)]
    regions = find_outlines(outlines or OutlineOptions(), jobs)
    outcomes = []
    prepare_kernels(say)
    keep_freed_memory()
    with (
        open_executor(spread.workers, spread.scheduler) as executor,
        FieldProgress(sum(len(job.case) for job in jobs), enabled=show_progress) as progress,
    ):
        executor.check_paths([path for job in jobs for path in job.case.paths])
        scorer = CaseScorer(
            out, options, config, overwrite, regions, progress, executor, spread.tile_fields
        )
        for outcome in batch.run(planned, scorer):
            if isinstance(outcome, batch.Failed):
                print_error(outcome.error, debug=debug)
            outcomes.append(outcome)
    return outcomes


@dataclass(frozen=True)
class CaseScorer:
    """Scores one case after the other and writes their bundles."""

    out: Path
    options: ReadOptions
    config: Config
    overwrite: bool
    regions: Mapping[str, Mapping[str, Regions]]
    progress: FieldProgress
    executor: Executor
    tile_fields: int

    def __call__(self, job: Job) -> Scored:
        """Score a case and write its bundle; finished fields of slides are kept until then."""
        from alkfish import pipeline
        from alkfish.cli.batch import Scored
        from alkfish.io.areas import write_areas
        from alkfish.io.bundle import folder_name, write_bundle
        from alkfish.io.locations import remember_pictures

        self.progress.begin(job.case_id)
        folder = self.out / f".{folder_name(job.case_id)}.fields"
        result = pipeline.score_case(
            job.case,
            probe=self.options.probe,
            config=self.config,
            regions=self.regions.get(job.case_id),
            spread=pipeline.Spread(
                executor=self.executor,
                folder=folder,
                tile_fields=self.tile_fields,
                on_analysed=lambda _: self.progress.advance(),
                on_slide=self.progress.show_slide,
            ),
        )
        bundle = write_bundle(result, self.out, overwrite=self.overwrite)
        write_areas(bundle, self.regions.get(job.case_id, {}))
        remember_pictures(self.out, job.case_id, self.options.place_of(job.path))
        shutil.rmtree(folder, ignore_errors=True)
        return Scored(job.path, job.case_id, result, bundle)


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
