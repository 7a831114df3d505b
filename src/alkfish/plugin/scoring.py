"""Scoring from within the window: choose, start, watch, stop; then the case is open for review."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QVBoxLayout,
    QWidget,
)

from alkfish.config import Config
from alkfish.errors import AlkfishError, InputError
from alkfish.io.bundle import check_bundle_target, folder_name, write_bundle
from alkfish.io.locations import PicturePlace, remember_pictures
from alkfish.io.probes import list_probes
from alkfish.model.probe import ProbeProfile
from alkfish.model.result import FieldResult, PatternCounts
from alkfish.plugin.background import Job, JobControl
from alkfish.plugin.case_scoring import ScoringPlan, score_plan
from alkfish.plugin.case_words import figures_of
from alkfish.plugin.dialogs import wrapped
from alkfish.plugin.scoring_source import SourcePicker
from alkfish.plugin.tables import compact, fill_row, fit_height

if TYPE_CHECKING:
    from alkfish.plugin.workspace import Workspace


@dataclass(frozen=True)
class _Run:
    """A case that is being scored."""

    plan: ScoringPlan
    place: PicturePlace
    results: Path
    is_copy: bool
    """Whether the picture was written for this run, from layers."""


class ScoringDock(QWidget):
    """Scores a picture with the default settings; others are tried in the settings dock.

    Parameters
    ----------
    workspace : Workspace
        What is open; the scored case is opened in it.
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self.source = SourcePicker(workspace)
        self.job = Job(self)
        self._counts = PatternCounts()
        self._run: _Run | None = None
        self._named = ""
        self._make()
        self._lay_out()
        self._connect()
        self._take_source()

    def _make(self) -> None:
        self.probes = [probe for probe in list_probes() if probe.confirmed]
        self.probe = QComboBox()
        self.probe.addItems([f"{probe.title} ({probe.name})" for probe in self.probes])
        self.case_id, self.results = QLineEdit(), QLineEdit()
        self.case_id.setPlaceholderText("Name of the case")
        self.results.setPlaceholderText("Folder for the result")
        self.browse = QPushButton("Folder...")
        self.go, self.stop = QPushButton("Score"), QPushButton("Stop")
        self.progress = QProgressBar()
        self.fields = QTableWidget(0, 4)
        self.fields.setHorizontalHeaderLabels(["Field", "Nuclei", "Counted", "Positive"])
        self.fields.verticalHeader().hide()
        compact(self.fields)
        fit_height(self.fields)
        self.words, self.message = wrapped(""), wrapped("")

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.results)
        row.addWidget(self.browse)
        form = QFormLayout()
        form.addRow("Probe", self.probe)
        form.addRow("Case", self.case_id)
        form.addRow("Results", row)
        run = QHBoxLayout()
        run.addWidget(self.go)
        run.addWidget(self.progress, 1)
        run.addWidget(self.stop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.source)
        layout.addLayout(form)
        layout.addLayout(run)
        for widget in (self.fields, self.words, self.message):
            layout.addWidget(widget)
        layout.addStretch()
        self._show_run()

    def _connect(self) -> None:
        self.source.changed.connect(self._take_source)
        self.probe.currentIndexChanged.connect(self._take_source)
        self.browse.clicked.connect(self._browse)
        self.go.clicked.connect(self.start)
        self.stop.clicked.connect(self._stop)
        self.job.on_progress = self._progress
        self.job.on_part = self._part
        self.job.on_done = self._done
        self.job.on_failed = lambda text: self._over(f"The case was not scored. {text}")
        self.job.on_stopped = lambda: self._over("Stopped. Nothing was written.")
        self.destroyed.connect(self.job.forget)

    def start(self) -> None:
        """Check what was chosen, and begin; what is missing is said."""
        try:
            self._run = self._planned()
        except AlkfishError as error:
            self.message.setText(str(error))
            return
        run = self._run
        self.message.clear()
        self.words.clear()
        self.fields.setRowCount(0)
        self._counts = PatternCounts()
        self.job.start(lambda control: _score(run, control))
        self._show_run()

    def _planned(self) -> _Run:
        name, folder = self.case_id.text().strip(), self.results.text().strip()
        if not folder:
            raise InputError("no folder is chosen for the result", remedy="choose a folder")
        results, probe = Path(folder).absolute(), self._probe()
        check_bundle_target(results, name)
        if not self.source.is_layers:
            place = self.source.place()
            plan = ScoringPlan(self.source.open(place, name, probe), name, probe, Config())
            return _Run(plan, place, results, is_copy=False)
        place = self.source.keep_layers(results, name)
        try:
            plan = ScoringPlan(self.source.open(place, name, probe), name, probe, Config())
        except AlkfishError:
            _remove_copy(place)
            raise
        return _Run(plan, place, results, is_copy=True)

    def _probe(self) -> ProbeProfile:
        return self.probes[max(0, self.probe.currentIndex())]

    def _take_source(self) -> None:
        self.source.show_probe(self._probe())
        name = self.source.case_name()
        if self.case_id.text() in ("", self._named):  # else it was written by a person
            self.case_id.setText(name)
        self._named = name
        if not self.results.text() and self.workspace.results is not None:
            self.results.setText(str(self.workspace.results))

    def _browse(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Folder for the result")
        if path:
            self.results.setText(path)

    def _stop(self) -> None:
        self.job.stop()
        self.progress.setFormat("Stopping...")

    def _progress(self, done: int, total: int, words: str) -> None:
        self.progress.setMaximum(max(total, 1))
        self.progress.setValue(done)
        self.progress.setFormat(words)

    def _part(self, field: FieldResult) -> None:
        """Show a finished field at once."""
        self._counts += field.counts
        row = self.fields.rowCount()
        self.fields.setRowCount(row + 1)
        counts = field.counts
        texts = (
            field.fov, str(len(field.nuclei)), str(counts.n_enumerated), str(counts.n_positive)
        )  # fmt: skip
        fill_row(self.fields, row, texts)
        fit_height(self.fields, most=8)
        self.words.setText(f"So far {figures_of(self._counts, self._probe().case_rule)}")

    def _done(self, bundle: Path) -> None:
        self._over("Scored. The case is open for review.")
        self.words.clear()
        self.source.remove_kept()
        try:
            self.workspace.open(bundle, reader=self.workspace.reader)
        except AlkfishError as error:
            self.message.setText(str(error))

    def _over(self, text: str) -> None:
        self.message.setText(text)
        run, self._run = self._run, None
        if run is not None and run.is_copy and not _bundle_of(run).exists():
            _remove_copy(run.place)  # else the next try would find a picture of this name
        self._show_run()

    def _show_run(self) -> None:
        running = self.job.is_running
        self.progress.setVisible(running)
        self.stop.setVisible(running)
        self.go.setVisible(not running)
        for widget in (self.source, self.probe, self.case_id, self.results, self.browse):
            widget.setEnabled(not running)


def _remove_copy(place: PicturePlace) -> None:
    """Remove the picture that was written from layers for a run that came to nothing."""
    for file in map(Path, place.images):
        with suppress(OSError):  # a file that stays is told when the next run would write it
            file.unlink(missing_ok=True)
            file.parent.rmdir()  # only if nothing else is in it


def _bundle_of(run: _Run) -> Path:
    return run.results / folder_name(run.plan.case_id)


def _score(run: _Run, control: JobControl) -> Path:
    """Score and write the bundle; runs in a thread."""
    result = score_plan(run.plan, control)
    control.check()
    bundle = write_bundle(result, run.results)
    remember_pictures(run.results, run.plan.case_id, run.place)
    return bundle
