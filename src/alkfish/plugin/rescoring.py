"""Scoring the open case again: in a thread, with a reason, logged; used by settings and areas."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

from alkfish.config import Config
from alkfish.errors import AlkfishError
from alkfish.io.areas import areas_of
from alkfish.io.fingerprint import result_fingerprint
from alkfish.io.geojson import Regions
from alkfish.model.probe import ProbeProfile
from alkfish.model.result import CaseResult
from alkfish.plugin.background import Job, JobControl
from alkfish.plugin.case_scoring import ScoringPlan, score_plan
from alkfish.plugin.dialogs import ReasonDialog
from alkfish.report.wording import CALL_WORDS
from alkfish.review import (
    CaseReview,
    CaseState,
    changes_between,
    changes_in_words,
    place_result,
    stage_result,
)

if TYPE_CHECKING:
    from alkfish.plugin.workspace import Workspace

STOPPED = "Stopped. The case is as it was."
READ_BEGUN = (
    "The case was not scored again: a read of it was begun meanwhile. Finish or abandon the read, "
    "then score again."
)


class Rescorer(QObject):
    """Scores the open case again and puts the new result in place of the older.

    Parameters
    ----------
    workspace : Workspace
        What is open.

    Attributes
    ----------
    changed : Signal
        The run is further, or over.
    said : Signal
        Emits a text for the reader.
    done, total, words
        How far the run is.
    """

    changed = Signal()
    said = Signal(str)

    def __init__(self, workspace: Workspace, parent: QWidget) -> None:
        super().__init__(parent)
        self.workspace, self._window = workspace, parent
        self.done, self.total, self.words = 0, 1, ""
        self.ask = _ask
        self._job = Job(self)
        self._job.on_progress = self._progress
        self._job.on_failed = lambda text: self._over(f"The case was not scored again. {text}")
        self._job.on_stopped = lambda: self._over(STOPPED)
        self._job.on_done = self._place
        self._review: CaseReview | None = None
        self._results: Path | None = None
        self._why = ""
        self._is_stopping = False
        parent.destroyed.connect(self._job.forget)

    @property
    def is_running(self) -> bool:
        """Whether a case is being scored."""
        return self._job.is_running

    def why_not(self) -> str:
        """Return why the open case cannot be scored again now; empty if it can."""
        session, pictures = self.workspace.session, self.workspace.pictures
        if session is None:
            return "No case is open."
        if session.blocked:
            return session.blocked
        if session.review.state is CaseState.READING:
            return "A read is open: finish or abandon it first, then score the case again."
        fields = [qc.fov for qc in session.review.machine_result.fields]
        missing = [fov for fov in fields if not pictures.has(fov)]
        if missing:
            return f"The pictures of {', '.join(missing[:3])} are not at hand. {pictures.why_not}"
        return ""

    def begin(
        self, *, probe: ProbeProfile | None = None, config: Config | None = None,
        regions: Mapping[str, Regions] | None = None,
    ) -> bool:  # fmt: skip
        """Ask for the reason and begin; what is left out stays as the case has it.

        Returns
        -------
        bool
            Whether scoring has begun.
        """
        problem = self.why_not()
        session, folder = self.workspace.session, self.workspace.folder
        if problem or session is None or folder is None or self.is_running:
            self.said.emit(
                problem or "A case is being scored already: wait until it is done, or stop it."
            )
            return False
        result = session.review.machine_result
        try:
            areas = areas_of(folder, result) if regions is None else regions
            settings = config or Config.from_mapping(result.provenance.config, where="the case")
        except AlkfishError as error:
            self.said.emit(str(error))
            return False
        kit = probe or result.probe
        case = self.workspace.pictures.as_case(result.case_id, kit)
        plan = ScoringPlan(case, result.case_id, kit, settings, areas)
        self._why = self.ask(self._window, _question(session.review))
        if not self._why:
            return False
        self._review, self._results = session.review, folder.parent
        self.words, self._is_stopping = "Scoring...", False
        results = folder.parent
        self._job.start(lambda control: _score(plan, result, results, control))
        self.changed.emit()
        return True

    def stop(self) -> None:
        """Stop; the case stays as it was."""
        self._job.stop()
        self._is_stopping = True
        self.words = "Stopping..."
        self.changed.emit()

    def _progress(self, done: int, total: int, words: str) -> None:
        self.done, self.total, self.words = done, total, words
        self.changed.emit()

    def _over(self, text: str) -> None:
        self.done, self.words = 0, ""
        self.said.emit(text)
        self.changed.emit()

    def _place(self, found: tuple[Path, CaseResult]) -> None:
        """Put the new result in its place, log it, and show it if its case is still open."""
        staged, rescored = found
        review, results = self._review, self._results
        if review is None or results is None:
            return
        try:
            refused = self._why_not_placed(review)
            if not refused:
                place_result(review, staged, results, why=self._why)
        except AlkfishError as error:
            refused = str(error)
        if refused:
            shutil.rmtree(staged.parent, ignore_errors=True)
            self._over(refused)
            return
        folder = self.workspace.folder  # shown, be it to a person who sat down meanwhile
        if folder is not None and folder == results / staged.name:
            self.workspace.reload()
        self._over(_told(review.machine_result, rescored))

    def _why_not_placed(self, review: CaseReview) -> str:
        """Return what has happened since the run began that keeps the case as it is; else empty."""
        if self._is_stopping:
            return STOPPED
        review.refresh()
        return READ_BEGUN if review.state is CaseState.READING else ""


def _score(
    plan: ScoringPlan, older: CaseResult, results: Path, control: JobControl
) -> tuple[Path, CaseResult]:
    """Score and write beside the place of the bundle; runs in a thread."""
    rescored = score_plan(plan, control)
    control.check()
    if result_fingerprint(rescored) == result_fingerprint(older):
        raise AlkfishError(
            "scoring again gave the same result, so there is nothing to replace",
            remedy="go on with the result as it is, or change a setting or an area first",
        )
    return stage_result(rescored, results, regions=plan.regions), rescored


def _told(older: CaseResult, newer: CaseResult) -> str:
    changes = changes_in_words(changes_between(older, newer))
    calls = CALL_WORDS[older.call.call], CALL_WORDS[newer.call.call]
    machine = f"{calls[0]} as before" if calls[0] == calls[1] else f"{calls[0]} \u2192 {calls[1]}"
    return f"Scored again. Machine's proposal: {machine}. " + "; ".join(changes)


def _question(review: CaseReview) -> str:
    if review.state is CaseState.SCORED:
        return (
            "The case is scored again and its result replaced. The older result is kept, and the "
            "log says who did it, why, and what was changed."
        )
    return (
        "The case is scored again and a new version of its review begins: it has to be read "
        "anew. The reads so far stay in the log, tied to the older result, which is kept."
    )


def _ask(parent: QWidget, text: str) -> str:
    dialog = ReasonDialog("Score the case again", text, "Score again", parent)
    return dialog.text if dialog.exec() else ""
