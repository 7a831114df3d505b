"""``alkfish demo --cohort``: a simulated cohort through batch, report, validation and cut-off."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from alkfish.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from alkfish.batch import BatchResult
    from alkfish.evaluate.background import BackgroundStudy
    from alkfish.evaluate.validation import Validation
    from alkfish.execute import Executor

MARKER = "simulated-cohort.txt"
"""Written into the folder of the pictures: what holds it was made here and may be replaced."""

WORKERS = 2


@dataclass(frozen=True)
class Places:
    """Where the parts of the cohort lie."""

    root: Path

    @property
    def images(self) -> Path:
        """Pictures and their truth."""
        return self.root / "images"

    @property
    def results(self) -> Path:
        """Results of the cases and controls."""
        return self.root / "results"

    @property
    def normals(self) -> Path:
        """Results of the normal specimens."""
        return self.root / "normals"

    def sheet(self, name: str) -> Path:
        """Return the place of a sheet or page."""
        return self.root / name


def run_cohort(out: Path, *, as_json: bool) -> None:
    """Simulate, score, validate, measure the background, and say where everything lies."""
    from alkfish.batch import ReportPlan, check_reports
    from alkfish.cli.output import print_json, say
    from alkfish.cli.running import opening_executor

    check_reports(ReportPlan())
    opening = opening_executor(WORKERS)
    places = Places(out / "cohort")
    clear_pictures(places.images)
    with opening as executor:
        say("simulating 12 cases, 2 control slides and 8 normal specimens (no specimens) ...")
        known = _simulate(places, executor)
        batch = _score(places, "manifest.csv", places.results, executor, show=not as_json)
        normals = _score(places, "normals.csv", places.normals, executor, show=not as_json)
    validation, background = _studies(places)
    rows = _rows(known, batch, validation)
    if as_json:
        print_json(_document(places, rows, validation, background))
    else:
        _show(places, rows, validation, background)
    _end(batch, normals, rows)


def clear_pictures(images: Path) -> None:
    """Remove the pictures of a former cohort, and nothing that was not made here.

    Raises
    ------
    OutputError
        If there is something else.
    """
    from alkfish.errors import OutputError

    if not images.exists():
        return
    if not (images / MARKER).is_file():
        raise OutputError(
            "the place of the cohort's pictures is taken",
            where=images,
            remedy="choose another folder with -o",
        )
    shutil.rmtree(images)


def _simulate(places: Places, executor: Executor) -> list[Mapping[str, Any]]:
    """Write the pictures and the sheets; return what is known of each case, in order."""
    from alkfish.errors import output_errors
    from alkfish.synthetic.cohort import (
        COHORT,
        CohortTask,
        simulate_cohort_case,
        write_batch_sheet,
        write_manual_sheet,
    )

    with output_errors("the cohort cannot be written", places.images):
        places.images.mkdir(parents=True)
        (places.images / MARKER).write_text("simulated by alkfish demo --cohort\n", "utf-8")
    tasks = [CohortTask(case, places.images.absolute()) for case in COHORT]
    found = dict(executor.run(simulate_cohort_case, tasks))
    known = [found[place] for place in range(len(tasks))]
    cases = [case for case in COHORT if not case.is_normal]
    patients = {case.case_id for case in cases if case.control == "none"}
    with output_errors("the sheets of the cohort cannot be written", places.root):
        write_batch_sheet(cases, places.images, places.sheet("manifest.csv"))
        write_batch_sheet(
            [case for case in COHORT if case.is_normal], places.images, places.sheet("normals.csv")
        )
        write_manual_sheet(
            [row for item in known if item["case_id"] in patients for row in item["reads"]],
            places.sheet("manual.csv"),
        )
    return [item for item in known if item["case_id"] in {case.case_id for case in cases}]


def _score(places: Places, sheet: str, out: Path, executor: Executor, *, show: bool) -> BatchResult:
    """Run the batch of a sheet; results that are done and intact are kept."""
    from alkfish.batch import BatchOptions, ReportPlan, read_cases, run_batch
    from alkfish.cli.batch_view import BatchView
    from alkfish.cli.output import say

    cases = read_cases(places.sheet(sheet))
    options = BatchOptions(report=ReportPlan(wanted=sheet == "manifest.csv"))
    say(f"alkfish score --manifest {places.sheet(sheet)} -o {out}")
    if not show:
        return run_batch(cases, out, executor=executor, options=options)
    with BatchView() as view:
        return run_batch(cases, out, executor=executor, options=options, tell=view)


def _studies(places: Places) -> tuple[Validation, BackgroundStudy]:
    from alkfish.cli.output import say
    from alkfish.evaluate.background import measure_background
    from alkfish.evaluate.manual_sheet import read_manual
    from alkfish.evaluate.validation import validate_results
    from alkfish.report.background import write_background
    from alkfish.report.validation import write_validation

    manual, page = places.sheet("manual.csv"), places.sheet("validation.html")
    say(f"alkfish validate {places.results} {manual} -o {page}")
    validation = validate_results(places.results, read_manual(manual))
    write_validation(validation, page, subject="simulated cohort, no specimens", inputs=[manual])
    say(f"alkfish cutoff {places.normals} -o {places.sheet('cutoff.html')}")
    background = measure_background([places.normals])
    write_background(background, places.sheet("cutoff.html"))
    return validation, background


def _rows(
    known: list[Mapping[str, Any]], batch: BatchResult, validation: Validation
) -> list[dict[str, str]]:
    """Return one row per case: known call, reads, machine's call."""
    from alkfish.batch import Done
    from alkfish.model.result import Call

    called = {
        outcome.case.case_id: outcome.figures.call
        for outcome in batch.outcomes
        if isinstance(outcome, Done)
    }
    manual = {case.case_id: case.reference.call for case in validation.cases}
    rows = []
    for item in known:
        name = item["case_id"]
        call = called.get(name)
        rated = call if call and call.call is not Call.NOT_EVALUABLE else None
        rows.append(
            {
                "case": name,
                "known": item["true_call"],
                "known rate": f"{100 * item['true_rate']:.1f} %",
                "readers": manual.get(name, "-"),
                "machine": call.call.value if call else "failed",
                "machine rate": f"{100 * rated.rate:.1f} %" if rated else "-",
            }
        )
    return rows


def _paths(places: Places) -> dict[str, Path]:
    return {
        "summary of the batch": places.results / "summary.html",
        "validation": places.sheet("validation.html"),
        "background": places.sheet("cutoff.html"),
        "sheet of the batch": places.sheet("manifest.csv"),
        "manual reads": places.sheet("manual.csv"),
    }


def _document(
    places: Places, rows: list[dict[str, str]], validation: Validation, study: BackgroundStudy
) -> dict[str, Any]:
    return {
        "cases": rows,
        "paths": {name: str(path) for name, path in _paths(places).items()},
        "validation": validation.to_dict(),
        "background": study.to_dict(),
    }


def _show(
    places: Places, rows: list[dict[str, str]], validation: Validation, study: BackgroundStudy
) -> None:
    from alkfish.cli.output import make_table, stdout_console

    console = stdout_console()
    title = "Simulated cohort: what is known, what two readers of 50 nuclei say, what alkfish says"
    console.print(make_table(title, list(rows[0]), [list(row.values()) for row in rows]))
    calls, positive = validation.calls, study.positive
    right = sum(row["known"] == row["machine"] for row in rows)
    typer.echo(f"as known: {right} of {len(rows)} calls")
    typer.echo(f"as the readers: {calls.accuracy.hits} of {calls.n_definite} definite calls")
    typer.echo(
        f"background of {len(study.specimens)} normals: {positive.pooled:.1f} % positive nuclei"
    )
    for name, path in _paths(places).items():
        typer.echo(f"{name}: {path}")
    typer.echo("These cases are simulated; the figures say nothing about your slides.")
    typer.echo("next: docs/tutorial-lab.md goes through every step with your own cases")


def _end(batch: BatchResult, normals: BatchResult, rows: list[dict[str, str]]) -> None:
    """End with the exit code of the batch; a known definite call read the other way fails, too."""
    from alkfish.cli.running import end_with_code

    end_with_code(batch)
    end_with_code(normals)
    definite = {"POSITIVE", "NEGATIVE"}
    if any({row["known"], row["machine"]} == definite for row in rows):
        raise typer.Exit(ExitCode.CASE_FAILED)
