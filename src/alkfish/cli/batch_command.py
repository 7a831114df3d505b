"""``alkfish score --manifest``: a batch from a sheet or a folder of cases."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from alkfish.cli.exit_codes import ExitCode
from alkfish.cli.options import NOTICE
from alkfish.errors import AlkfishError, error_parts

if TYPE_CHECKING:
    from alkfish.batch import BatchCase, BatchOptions, BatchResult, Defaults
    from alkfish.cli.batch_view import BatchView, JsonLines
    from alkfish.config import Config


@dataclass(frozen=True)
class BatchArguments:
    """What was given on the command line and holds for all cases of a batch."""

    probe: str
    channels: str | None
    pixel_size_um: float | None
    z_step_um: float | None
    scene: str | None
    roi_include: tuple[str, ...]
    roi_exclude: tuple[str, ...]
    tile_fields: int
    overwrite: bool
    report: bool
    pdf: bool
    lab_name: str

    def defaults(self) -> Defaults:
        """Return what holds where a row says nothing; the probe profile is checked."""
        from alkfish.batch import Defaults, Reading
        from alkfish.io.channels import parse_channels
        from alkfish.io.probes import load_probe, require_confirmed

        require_confirmed(load_probe(self.probe))
        roles = {} if self.channels is None else parse_channels(self.channels)
        reading = Reading(
            channels=tuple(sorted(roles.items())),
            pixel_size_um=self.pixel_size_um or 0.0,
            z_step_um=self.z_step_um or 0.0,
            scene=self.scene or "",
        )
        return Defaults(self.probe, reading)

    def options(self, config: Config) -> BatchOptions:
        """Return the options of the batch."""
        from alkfish.batch import BatchOptions, OutlineOptions, ReportPlan

        return BatchOptions(
            config=config,
            overwrite=self.overwrite,
            report=ReportPlan(self.report, self.pdf, self.lab_name),
            outlines=OutlineOptions(None, self.roi_include, self.roi_exclude),
            tile_fields=self.tile_fields,
        )


def score_manifest(
    manifest: Path, out: Path, arguments: BatchArguments, config: Config, *,
    workers: int, scheduler: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Run the batch of a sheet or a folder and end with its exit code."""
    from alkfish.batch import check_reports, read_cases, run_batch
    from alkfish.cli.output import say
    from alkfish.execute import keep_freed_memory, open_executor
    from alkfish.preparation import prepare_kernels

    with errors_as_lines(as_json=as_json):
        options = replace(arguments.options(config), source=manifest.name)
        check_reports(options.report)
        cases: tuple[BatchCase, ...] = read_cases(manifest, defaults=arguments.defaults())
        prepare_kernels(say)
        keep_freed_memory()
        with open_executor(workers, scheduler) as executor, open_view(as_json=as_json) as view:
            result = run_batch(cases, out, executor=executor, options=options, tell=view)
    if not as_json:
        show_end(result, out)
    end_with_code(result)


@contextmanager
def errors_as_lines(*, as_json: bool) -> Iterator[None]:
    """End with `ExitCode.USAGE` and one line of JSON, where lines of JSON were asked for."""
    from alkfish.cli.output import print_error

    try:
        yield
    except AlkfishError as error:
        if not as_json:
            raise
        print_error(error)
        typer.echo(json.dumps({"event": "error", "error": error_parts(error)}))
        raise typer.Exit(ExitCode.USAGE) from error


def open_view(*, as_json: bool) -> BatchView | JsonLines:
    """Return what shows the events of a batch."""
    from alkfish.cli.batch_view import BatchView, JsonLines

    if not as_json:
        return BatchView()
    view = JsonLines()
    typer.echo(json.dumps({"event": "notice", "text": NOTICE}))
    return view


def show_end(result: BatchResult, out: Path) -> None:
    """Say on standard output what a batch came to and where its summary lies."""
    from alkfish.batch.run import in_words
    from alkfish.cli.output import stdout_console

    console = stdout_console()
    if not (sys.stdout.isatty() and sys.stderr.isatty()):  # else it stands there already
        console.print(in_words(result.counts()), soft_wrap=True)
        for check in result.failed_controls:
            text = f"control FAILED {check.case.case_id}: {check.text}"
            console.print(text, style="bold red", markup=False, soft_wrap=True)
    for name in ("summary.html", "summary.csv", "batch.log"):
        if (out / name).is_file():
            console.print(str(out / name), markup=False, soft_wrap=True)
    console.print(f"\n[italic]{NOTICE}[/]", soft_wrap=True)


def end_with_code(result: BatchResult) -> None:
    """End the command: a failed control weighs more than a failed case."""
    if result.failed_controls:
        raise typer.Exit(ExitCode.CONTROL_FAILED)
    if result.failed or result.incomplete or result.problem:
        raise typer.Exit(ExitCode.CASE_FAILED)
