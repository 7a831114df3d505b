"""A batch from beginning to end: lock, log, cases, controls, summary."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from alkfish._version import __version__
from alkfish.batch.cases import BatchCase
from alkfish.batch.controls import ControlCheck, speaks_for
from alkfish.batch.events import Event, EventKind, LogFile, Tell
from alkfish.batch.knowledge import BatchKnowledge
from alkfish.batch.lock import locked
from alkfish.batch.outcomes import Done, Failed, Outcome, Waiting
from alkfish.batch.outlines import OutlineOptions
from alkfish.batch.planning import Planner
from alkfish.batch.reviews import ReviewNote, review_notes, warnings_of
from alkfish.batch.runner import SCRATCH, Runner
from alkfish.batch.summary import strangers, write_summary
from alkfish.batch.work import ReportPlan, clear
from alkfish.config import Config
from alkfish.errors import InputError, OutputError, StoreError
from alkfish.execute import Executor
from alkfish.io.batch_note import CONTROL_FAILED

LEFT_OVER_S = 7 * 24 * 3600
"""Unfinished things of a killed run that shared the folder are removed after this many seconds."""


@dataclass(frozen=True)
class BatchOptions:
    """How a batch is run.

    Attributes
    ----------
    config : Config
        Settings of every case.
    overwrite : bool
        Score again what is done, also what people have read.
    report : ReportPlan
        Whether and how reports are written.
    outlines : OutlineOptions
        Classes of outlined areas.
    tile_fields : int
        Side of a unit of work on a slide, in fields.
    source : str
        Name of the sheet or folder of the cases; stands at the head of the summary.
    summary : bool
        Whether the cases are a batch of its own with control slides and a summary. Else they come
        to what lies in the folder: several runs may do so at once, and notes of batches stay.
    expects_controls : bool
        Whether a case without control slides is told so before the first of them has come.
    """

    config: Config = field(default_factory=Config)
    overwrite: bool = False
    report: ReportPlan = field(default_factory=ReportPlan)
    outlines: OutlineOptions = field(default_factory=OutlineOptions)
    tile_fields: int = 1
    source: str = ""
    summary: bool = True
    expects_controls: bool = False


@dataclass(frozen=True)
class BatchResult:
    """What became of a batch.

    Attributes
    ----------
    outcomes : tuple of Done, Failed or Waiting
        In the order of the cases.
    checks : tuple of ControlCheck
        Of the control slides.
    problem : str
        Why the summary could not be written; empty if it was.
    twins : tuple of str
        Ids of cases that have a picture of another case.
    """

    outcomes: tuple[Outcome, ...]
    checks: tuple[ControlCheck, ...]
    problem: str = ""
    twins: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Failed, ...]:
        """The cases without a result."""
        return tuple(item for item in self.outcomes if isinstance(item, Failed))

    @property
    def incomplete(self) -> tuple[Done, ...]:
        """The cases with a result of which something else could not be written."""
        return tuple(item for item in self.outcomes if isinstance(item, Done) and item.problems)

    @property
    def failed_controls(self) -> tuple[ControlCheck, ...]:
        """The control slides that do not show what they must."""
        return tuple(check for check in self.checks if not check.passed)

    def counts(self) -> dict[str, int]:
        """Return how many cases were scored, kept, failed and not reached."""
        done = [item for item in self.outcomes if isinstance(item, Done)]
        return {
            "cases": len(self.outcomes),
            "scored": sum(item.is_new for item in done),
            "kept": sum(not item.is_new for item in done),
            "failed": len(self.failed),
            "not_reached": sum(isinstance(item, Waiting) for item in self.outcomes),
            "controls": len(self.checks),
            "controls_failed": len(self.failed_controls),
            "problems": len(self.incomplete),
            "same_picture": len(self.twins),
        }

    def part(self, cases: Iterable[BatchCase]) -> BatchResult:
        """Return what became of some of the cases, as far as they were reached.

        With the control slides among them, and those that failed before and speak for any of them.
        """
        names = {case.case_id for case in cases}
        own = tuple(item for item in self.outcomes if item.case.case_id in names)
        patients = [item.case for item in own if not item.case.is_control]

        def concerns(check: ControlCheck) -> bool:
            return not check.passed and any(speaks_for(check.case, case) for case in patients)

        return replace(
            self,
            outcomes=own,
            checks=tuple(x for x in self.checks if x.case.case_id in names or concerns(x)),
            twins=tuple(name for name in self.twins if name in names),
        )


def run_batch(
    cases: Sequence[BatchCase],
    out: str | Path,
    *,
    executor: Executor,
    options: BatchOptions | None = None,
    tell: Tell | None = None,
) -> BatchResult:
    """Score the cases of a batch; done and intact ones are kept.

    Parameters
    ----------
    cases : sequence of BatchCase
        From `read_cases`, or made by hand; their ids must differ.
    out : path-like
        Folder of results: a bundle per case, ``summary.csv``, ``summary.html``, ``batch.log``.
    executor : Executor
        From `alkfish.execute.open_executor`.
    options : BatchOptions, optional
        Settings and choices.
    tell : callable, optional
        Called with every `Event` as it happens.

    Returns
    -------
    BatchResult
        One outcome per case. A case that fails never stops the others.

    Raises
    ------
    OutputError
        If the folder cannot be written, or another batch works there.
    InputError
        If reports are wanted and cannot be made, or there are no cases.
    KeyboardInterrupt
        When stopped; the summary then says which cases were not reached.
    """
    if not cases:
        raise InputError("there is no case to score", remedy="name at least one case")
    chosen, target = options or BatchOptions(), Path(out)
    check_reports(chosen.report)
    with opened_out(target, tell or _nobody, shared=not chosen.summary) as opened:
        runner, told = make_runner(target, chosen, executor, opened), opened.tell
        told(started(cases, executor, chosen.config))
        if chosen.overwrite:
            with suppress(StoreError):  # told when the reviews are read
                for text in warnings_of(target, [case.case_id for case in cases]):
                    told(Event(EventKind.NOTICE, text))
        try:
            runner.run(cases, notes_of(target, told))
        except BaseException:
            result = close_batch(cases, runner, chosen, target)
            words = f"stopped: {in_words(result.counts())}"
            told(Event(EventKind.BATCH_STOPPED, words, data=result.counts()))
            raise
        result = close_batch(cases, runner, chosen, target)
        tell_end(result, target, told, is_batch=chosen.summary)
    return result


def check_reports(plan: ReportPlan) -> None:
    """Find out before the work whether reports can be made.

    Raises
    ------
    InputError
        If the extra ``report`` is not installed.
    """
    needed = ["jinja2"] * plan.wanted + ["weasyprint"] * (plan.wanted and plan.pdf)
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            "reports need packages that are not installed",
            found=", ".join(missing),
            remedy='install them with: python -m pip install "alkfish[report]", or give '
            "--no-report",
        )


class Opened(NamedTuple):
    """A folder of results that is held: whom to tell, and where unfinished things go."""

    tell: Tell
    scratch: Path


@contextmanager
def opened_out(out: Path, tell: Tell, *, shared: bool = False) -> Iterator[Opened]:
    """Hold the folder of results, alone or `shared`; what is told goes to the log file, too."""
    with locked(out, shared=shared):
        scratch = _scratch(out.absolute(), shared=shared)
        log = LogFile(out)

        def told(event: Event) -> None:
            log(event)
            tell(event)

        try:
            yield Opened(told, scratch)
        finally:
            log.close()
            clear(scratch)


def _scratch(out: Path, *, shared: bool) -> Path:
    """Make the folder of unfinished things: of its own where others share the folder of results."""
    old = time.time() - LEFT_OVER_S
    for left_over in out.glob(f"{SCRATCH}-*"):
        if left_over.stat().st_mtime < old:  # of a run that was killed
            clear(left_over)
    if shared:
        return Path(tempfile.mkdtemp(dir=out, prefix=f"{SCRATCH}-"))
    clear(out / SCRATCH)
    (out / SCRATCH).mkdir()
    return out / SCRATCH


def make_runner(out: Path, options: BatchOptions, executor: Executor, opened: Opened) -> Runner:
    """Return what runs the cases."""
    planner = Planner(
        out=out.absolute(),
        config=options.config,
        report=options.report,
        scratch=opened.scratch,
        overwrite=options.overwrite,
        outlines=options.outlines,
    )
    return Runner(
        planner, executor, opened.tell, options.tile_fields, knows_all=options.summary,
        expects_controls=options.expects_controls,
    )  # fmt: skip


def notes_of(out: Path, tell: Tell) -> Mapping[str, ReviewNote]:
    """Return the state of the reviews; a store that cannot be read is told and left out."""
    try:
        return review_notes(out)
    except StoreError as error:
        text = f"the review store cannot be read: {' '.join(str(error).split())}"
        tell(Event(EventKind.NOTICE, text))
        return {}


def close_batch(
    cases: Sequence[BatchCase], runner: Runner, options: BatchOptions, out: Path
) -> BatchResult:
    """Check the controls and write the summary of what there is; the results stay without it."""
    outcomes = tuple(runner.outcomes.get(case.case_id, Waiting(case)) for case in cases)
    known = BatchKnowledge.of(outcomes, expects_controls=options.expects_controls)
    twins = tuple(case.case_id for case in cases if known.twins(case))
    result = BatchResult(outcomes, known.checks, twins=twins)
    if not options.summary:
        return result
    reviews = notes_of(out, runner.tell)
    try:
        lab = options.report.lab_name
        write_summary(out, outcomes, reviews, lab_name=lab, source=options.source, known=known)
    except OutputError as error:
        text = f"{' '.join(str(error).split())}; is it open in another program?"
        runner.tell(Event(EventKind.NOTICE, text))
        return replace(result, problem=text)
    return result


def tell_end(
    result: BatchResult, out: Path, tell: Tell, *, is_batch: bool = True,
    known: BatchKnowledge | None = None,
) -> None:  # fmt: skip
    """Tell what the controls showed and how the batch ended.

    Parameters
    ----------
    result : BatchResult
        What became of the cases.
    out : Path
        Folder of the results.
    tell : callable
        Who is told.
    is_batch : bool
        Whether these cases are the whole batch, with controls and a summary.
    known : BatchKnowledge, optional
        Of more cases than those of the result.
    """
    for check in result.checks:
        word = "passed" if check.passed else "FAILED"
        data = {"control": check.case.control.value, "passed": check.passed}
        text = f"{word}: {check.text}"
        tell(Event(EventKind.CONTROL_CHECKED, text, check.case.case_id, data))
    if is_batch and not result.checks:
        tell(Event(EventKind.NOTICE, "no control slide is marked in this batch"))
    _tell_doubts(result, known or BatchKnowledge.of(result.outcomes), tell)
    if is_batch:
        _tell_strangers(result, out, tell)
    counts = result.counts()
    ends = {"summary": str(out / "summary.html"), "table": str(out / "summary.csv")}
    tell(Event(EventKind.BATCH_FINISHED, in_words(counts), data={**counts, **ends}))


def _tell_doubts(result: BatchResult, known: BatchKnowledge, tell: Tell) -> None:
    """Tell what the batch knows against its own cases."""
    for outcome in result.outcomes:
        for caution in known.note(outcome.case).cautions:
            if caution.code != CONTROL_FAILED:
                tell(Event(EventKind.NOTICE, caution.text, outcome.case.case_id))


def _tell_strangers(result: BatchResult, out: Path, tell: Tell) -> None:
    """Tell what else lies in the folder."""
    others = strangers(out, [outcome.case for outcome in result.outcomes])
    if others:
        text = f"the folder also holds results of no case of this batch: {', '.join(others)}"
        tell(Event(EventKind.NOTICE, text))


def in_words(counts: Mapping[str, int]) -> str:
    """Return the counts of a batch as a sentence."""
    cases = "1 case" if counts["cases"] == 1 else f"{counts['cases']} cases"
    words = [
        f"{cases}: {counts['scored']} scored, {counts['kept']} done before, "
        f"{counts['failed']} failed"
    ]
    if counts["not_reached"]:
        words.append(f"{counts['not_reached']} not reached")
    if counts["problems"]:
        words.append(f"{counts['problems']} without their report")
    if counts["same_picture"]:
        words.append(f"{counts['same_picture']} SHARE A PICTURE with another case")
    if counts["controls_failed"]:
        words.append(f"{counts['controls_failed']} of {counts['controls']} CONTROLS FAILED")
    return "; ".join(words)


def started(cases: Sequence[BatchCase], executor: Executor, config: Config) -> Event:
    """Return the event that a batch has begun."""
    n = len(cases)
    text = f"{n} {'case' if n == 1 else 'cases'}, alkfish {__version__}, {executor.describe()}"
    data = {
        "n_cases": n,
        "alkfish": __version__,
        "config_fingerprint": config.fingerprint(),
        "n_workers": executor.n_workers,
    }
    return Event(EventKind.BATCH_STARTED, text, data=data)


def _nobody(_: Event) -> None:
    """Tell nobody."""
