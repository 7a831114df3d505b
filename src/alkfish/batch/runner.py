"""Running a batch: plan every case, spread the work, and let no case stop the others."""

from __future__ import annotations

import errno
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alkfish.batch.cases import BatchCase
from alkfish.batch.events import Event, EventKind, Tell
from alkfish.batch.knowledge import BatchKnowledge
from alkfish.batch.outcomes import Done, Failed, Figures, Outcome, Waiting
from alkfish.batch.planning import Plan, Planner
from alkfish.batch.reviews import ReviewNote, keep_older
from alkfish.batch.work import (
    MAKE_ROOM,
    REPORT,
    CaseWork,
    Packed,
    clear,
    make_bundle,
    place_packed,
    renew_report,
    score_and_pack,
)
from alkfish.errors import AlkfishError, BundleError, ExecutionError, OutputError
from alkfish.execute import Executor
from alkfish.execute.executor import TASKS_PER_WORKER
from alkfish.io.batch_note import BatchNote, read_note, write_note
from alkfish.io.bundle import folder_name, open_bundle, place_bundle
from alkfish.io.locations import recall_pictures, remember_pictures
from alkfish.model.result import Call
from alkfish.pipeline import Spread
from alkfish.pipeline.slide import SlideProgress
from alkfish.report.wording import CALL_WORDS, interval_text, percent_of

SCRATCH = ".batch-work"
"""Folder of unfinished things in the folder of results."""

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})

TOLD_EVERY_S = 1.0
"""Progress within a case is told this often."""


@dataclass
class Runner:
    """Runs cases on an executor; results, and what is told, go out as they come.

    Attributes
    ----------
    planner : Planner
        Decides what is to be done with each case.
    executor : Executor
        Spreads the work.
    tell : callable
        Called with every event.
    tile_fields : int
        Side of a unit of work on a slide, in fields.
    knows_all : bool
        Whether what it knows of controls is all there is; else it adds to what batches noted.
    expects_controls : bool
        Whether a case without control slides is told so before the first of them has come.
    outcomes : dict
        What became of each case, by its id.
    """

    planner: Planner
    executor: Executor
    tell: Tell
    tile_fields: int = 1
    knows_all: bool = True
    expects_controls: bool = False
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    _plans: dict[str, Plan] = field(default_factory=dict, init=False, repr=False)

    def run(self, cases: Sequence[BatchCase], reviews: Mapping[str, ReviewNote]) -> None:
        """Run all cases, the controls first.

        Raises
        ------
        KeyboardInterrupt
            When stopped; `outcomes` then holds the finished cases.
        """
        self.outcomes.update({case.case_id: Waiting(case) for case in cases})
        self._run_group([case for case in cases if case.is_control], reviews)
        self._run_group([case for case in cases if not case.is_control], reviews)
        self.settle(reviews)

    def _run_group(self, cases: Sequence[BatchCase], reviews: Mapping[str, ReviewNote]) -> None:
        """Run the controls, or the cases that are to know of them."""
        known = self._known()
        plans = []
        for case in cases:
            plan = self._plan(case, reviews.get(case.case_id), known)
            plans += [] if plan is None else [plan]
        whole = [plan for plan in plans if not plan.is_slide]
        if len(whole) < 2 or self.executor.n_workers == 1:
            whole = []
        self._run_whole(whole)
        for plan in plans:
            if plan not in whole:
                self._run_here(plan)

    def _plan(
        self, case: BatchCase, review: ReviewNote | None, known: BatchKnowledge
    ) -> Plan | None:
        """Return what is to be scored; a case that is done, or cannot be opened, is settled."""
        try:
            note = self._with_earlier(known.note(case), self._bundle_of(case))
            plan = self.planner.plan(case, review, note)
            self.executor.check_paths(plan.work.case.paths)
            if plan.needed:
                return plan
            self._keep(plan, review)
        except Exception as error:  # noqa: BLE001 - reported; a defect must not stop the batch
            self.fail(case, error)
        return None

    def _keep(self, plan: Plan, review: ReviewNote | None) -> None:
        bundle = self._bundle_of(plan.case)
        problem = ""
        if plan.report_needed and not _is_read(review):
            problem = renew_report(plan.work, bundle)
        self._done(plan, bundle, problem, is_new=False)

    def _known(self) -> BatchKnowledge:
        return BatchKnowledge.of(self.outcomes.values(), expects_controls=self.expects_controls)

    def settle(self, reviews: Mapping[str, ReviewNote]) -> None:
        """Leave in the bundles what the batch knows now; write reports anew that lack it."""
        known = self._known()
        for case_id, done in list(self.outcomes.items()):
            if not isinstance(done, Done):
                continue
            try:
                note = known.note(done.case)
                if not (done.is_new and note.controls):  # new pictures, with controls of their own
                    note = self._with_earlier(note, done.bundle)
                problem = self._settle(done, note, reviews.get(case_id))
            except AlkfishError as error:
                problem = " ".join(str(error).split())
            problems = dict.fromkeys([*done.problems, *([problem] if problem else [])])
            self.outcomes[case_id] = replace(done, problems=tuple(problems))

    def _settle(self, done: Done, note: BatchNote, review: ReviewNote | None) -> str:
        """Note down what is known of a case and renew its report; return why that failed."""
        self._note_down(done.bundle, note)
        plan = self._plans.get(done.case.case_id)
        if _is_read(review) or done.report is None or (plan and plan.work.note == note):
            return ""
        if plan is None:  # an earlier run has scored it
            plan = self.planner.plan(done.case, review, note)
            if plan.needed or not plan.report_needed:
                return ""
        plan = replace(plan, work=replace(plan.work, note=note))
        self._plans[done.case.case_id] = plan
        return renew_report(plan.work, done.bundle) if plan.work.report.wanted else ""

    def _with_earlier(self, note: BatchNote, bundle: Path) -> BatchNote:
        """Return a note with what an earlier batch of the case found: that a control failed."""
        if note.is_control or not self.knows_all:
            return note
        with suppress(BundleError):  # a damaged one is written anew
            return note.keeping(read_note(bundle))
        return note

    def _note_down(self, bundle: Path, note: BatchNote) -> None:
        write_note(bundle, note if self.knows_all else note.added_to(read_note(bundle)))

    def _run_whole(self, plans: Sequence[Plan]) -> None:
        """Run whole cases as tasks. A case that kills its workers is found by running it alone."""
        left = list(plans)
        while left:
            try:
                self._run_tasks(left)
            except ExecutionError:
                suspects = left[: TASKS_PER_WORKER * self.executor.n_workers]
                for plan in suspects:
                    self._run_alone(plan)
            left = [plan for plan in left if self._is_waiting(plan.case)]

    def _run_tasks(self, plans: Sequence[Plan]) -> None:
        tasks = _Announced(plans, self._started)
        for number, answer in self.executor.run(score_and_pack, tasks):
            self._take(plans[number], answer)

    def _run_alone(self, plan: Plan) -> None:
        try:
            for _, answer in self.executor.run(score_and_pack, [plan.work]):
                self._take(plan, answer)
        except ExecutionError as error:
            self.fail(plan.case, error)

    def _take(self, plan: Plan, answer: Packed | Exception) -> None:
        if isinstance(answer, Exception):
            self.fail(plan.case, answer)
            return
        try:
            bundle = place_packed(answer, plan.work, self.planner.out)
            self._done(plan, bundle, answer.report_problem, is_new=True)
        except Exception as error:  # noqa: BLE001 - reported; a defect must not stop the batch
            self.fail(plan.case, error)

    def _run_here(self, plan: Plan) -> None:
        """Run a case from here; its fields, or the tiles of its slides, are spread."""
        self._started(plan)
        work, out = plan.work, self.planner.out
        fields = out / f".{folder_name(work.case_id)}.fields"
        progress = _Progress(plan, self.tell)
        spread = Spread(
            executor=self.executor,
            folder=fields,
            tile_fields=self.tile_fields,
            on_analysed=progress.on_field,
            on_slide=progress.on_slide,
        )
        try:
            with tempfile.TemporaryDirectory(dir=work.scratch) as folder:
                made, problem = make_bundle(work, Path(folder), spread)
                kept = keep_older(out, work.case_id)
                bundle = place_bundle(made, out, work.case_id, keep_older=kept)
            self._done(plan, bundle, problem, is_new=True)
            clear(fields)
        except Exception as error:  # noqa: BLE001 - reported; a defect must not stop the batch
            self.fail(plan.case, error)

    def _is_waiting(self, case: BatchCase) -> bool:
        return isinstance(self.outcomes[case.case_id], Waiting)

    def _has_result(self, case: BatchCase) -> bool:
        try:
            return self._bundle_of(case).exists()
        except AlkfishError:  # its id names no folder
            return False

    def _bundle_of(self, case: BatchCase) -> Path:
        return self.planner.out / folder_name(case.case_id)

    def _started(self, plan: Plan) -> None:
        why = f": {'; '.join(plan.why)}" if plan.why else ""
        again = "again" if plan.why else ""
        data = {"why": list(plan.why), "n_fields": len(plan.work.case.fields)}
        text = " ".join(["scoring", *([again] if again else [])]) + why
        self.tell(Event(EventKind.CASE_STARTED, text, plan.case.case_id, data))

    def _done(self, plan: Plan, bundle: Path, problem: str, *, is_new: bool) -> None:
        self._note_down(bundle, plan.work.note)
        figures = Figures.of(open_bundle(bundle))
        report = bundle / REPORT
        problems = (problem,) if problem else ()
        done = Done(
            plan.case, figures, bundle, is_new, plan.why, report if report.is_file() else None,
            problems, plan.kept,
        )  # fmt: skip
        self.outcomes[plan.case.case_id] = done
        self._plans[plan.case.case_id] = plan
        known = recall_pictures(self.planner.out, plan.case.case_id)
        if is_new or known.images != plan.case.place.images:  # moved, or killed before it was noted
            remember_pictures(self.planner.out, plan.case.case_id, plan.case.place)
        kind = EventKind.CASE_SCORED if is_new else EventKind.CASE_KEPT
        self.tell(Event(kind, done_text(done), plan.case.case_id, done_data(done, plan.weight)))

    def fail(self, case: BatchCase, error: BaseException) -> None:
        """Settle a case as failed."""
        told = _as_full_disk(error, self.planner.out)
        failed = Failed.of(case, told, has_older=self._has_result(case))
        self.outcomes[case.case_id] = failed
        data = {"error": dict(failed.error), "has_older_result": failed.has_older}
        self.tell(Event(EventKind.CASE_FAILED, failed.reason, case.case_id, data, cause=told))


def _is_read(review: ReviewNote | None) -> bool:
    """Whether people have read the result; its report is theirs then."""
    return review is not None and bool(review.fingerprint)


def _as_full_disk(error: BaseException, out: Path) -> BaseException:
    """Return an error that says where there is no room, if that is what the system means."""
    if not isinstance(error, OSError) or error.errno not in _NO_ROOM:
        return error
    where = error.filename or out
    problem = "the results cannot be written there"
    return OutputError(problem, where=where, found=error.strerror, remedy=MAKE_ROOM)


class _Announced(Sequence[CaseWork]):
    """The works of plans; tells of each when it is handed out."""

    def __init__(self, plans: Sequence[Plan], on_taken: Callable[[Plan], None]) -> None:
        self._plans, self._on_taken = plans, on_taken

    def __len__(self) -> int:
        return len(self._plans)

    def __getitem__(self, number: Any) -> Any:
        return self._plans[number].work

    def __iter__(self) -> Iterator[CaseWork]:
        for plan in self._plans:
            self._on_taken(plan)
            yield plan.work


class _Progress:
    """Tells how far a case is that is scored from here."""

    def __init__(self, plan: Plan, tell: Tell) -> None:
        self._case_id, self._tell = plan.case.case_id, tell
        self._done, self._total = 0, len(plan.work.case.fields)
        self._told_at = -TOLD_EVERY_S

    def on_field(self, _: str) -> None:
        """Count a field as analysed."""
        self._done += 1
        self._say(self._done, self._total, "fields")

    def on_slide(self, _: str, state: SlideProgress) -> None:
        """Tell how many parts of a slide are done."""
        nuclei = f", {state.n_nuclei:,} nuclei"
        self._say(state.fields_done, state.fields_total, "tiles", nuclei)

    def _say(self, done: int, total: int, unit: str, more: str = "") -> None:
        now = time.monotonic()
        if done < total and now - self._told_at < TOLD_EVERY_S:
            return
        self._told_at = now
        data = {"done": done, "total": total, "unit": unit}
        text = f"{done} of {total} {unit}{more}"
        self._tell(Event(EventKind.CASE_PROGRESS, text, self._case_id, data))


def done_text(done: Done) -> str:
    """Return in words what came out for a case."""
    call, cutoff = done.figures.call, done.figures.probe.case_rule.positive_percent
    words = CALL_WORDS[call.call]
    if call.call is not Call.NOT_EVALUABLE:
        words += f", {percent_of(call.counts, cutoff)} ({interval_text(call)})"
    words += f", {call.counts.n_positive} of {call.counts.n_enumerated} nuclei positive"
    words = words if done.is_new else f"{done.kept}: {words}"
    return "; ".join([words, *done.problems])


def done_data(done: Done, weight: int) -> dict[str, Any]:
    """Return what came out for a case as JSON values."""
    call = done.figures.call
    return {
        "call": call.call.value,
        "rate": call.rate,
        "interval": list(call.interval),
        "n_positive": call.counts.n_positive,
        "n_enumerated": call.counts.n_enumerated,
        "cautions": [item.code for item in call.cautions],
        "control": done.case.control.value,
        "bundle": str(done.bundle),
        "report": "" if done.report is None else str(done.report),
        "problems": list(done.problems),
        "why": list(done.reasons),
        "weight": weight,
    }
