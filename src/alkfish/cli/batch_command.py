"""``alkfish score --manifest``: a batch from a sheet or a folder of cases."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from alkfish.cli.exit_codes import ExitCode
from alkfish.cli.options import NOTICE
from alkfish.cli.running import ScoringOptions, end_with_code
from alkfish.errors import AlkfishError, error_parts

if TYPE_CHECKING:
    from alkfish.batch import BatchResult, OutlineOptions
    from alkfish.cli.batch_view import BatchView, JsonLines


def score_manifest(
    manifest: Path, out: Path, outlines: OutlineOptions, given: ScoringOptions
) -> None:
    """Run the batch of a sheet or a folder and end with its exit code."""
    from alkfish.batch import check_reports, read_cases, run_batch

    with errors_as_lines(as_json=given.as_json):
        options = replace(
            given.batch_options(report=True), source=manifest.name, outlines=outlines
        )  # fmt: skip
        check_reports(options.report)
        opening = given.executor()
        cases = read_cases(manifest, defaults=given.defaults())
        with opening as executor, open_view(given) as view:
            result = run_batch(cases, out, executor=executor, options=options, tell=view)
    if not given.as_json:
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


def open_view(given: ScoringOptions) -> BatchView | JsonLines:
    """Return what shows the events of a batch."""
    from alkfish.cli.batch_view import BatchView, JsonLines

    if not given.as_json:
        return BatchView(debug=given.debug)
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
        if result.twins:
            text = f"SAME PICTURE in several cases: {', '.join(result.twins)}"
            console.print(text, style="bold red", markup=False, soft_wrap=True)
    for name in ("summary.html", "summary.csv", "batch.log"):
        if (out / name).is_file():
            console.print(str(out / name), markup=False, soft_wrap=True)
    console.print(f"\n[italic]{NOTICE}[/]", soft_wrap=True)
