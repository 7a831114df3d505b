"""The settings dock: what other settings would find, at once; and scoring the case again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from alkfish.config import Config
from alkfish.errors import AlkfishError
from alkfish.io.probes import list_probes, load_probe, require_confirmed
from alkfish.model.probe import ProbeProfile
from alkfish.plugin.background import Job
from alkfish.plugin.case_words import HIDDEN
from alkfish.plugin.dialogs import wrapped
from alkfish.plugin.drawing import camera_of
from alkfish.plugin.links import Links
from alkfish.plugin.preview import (
    Preview,
    PreviewTask,
    make_preview,
    preview_window,
    words_of,
)
from alkfish.plugin.preview_layers import PreviewLayers
from alkfish.plugin.rescoring import Rescorer
from alkfish.plugin.settings_form import SettingsForm
from alkfish.plugin.timers import once_after
from alkfish.report.wording import rule_text

if TYPE_CHECKING:
    from alkfish.plugin.session import ReviewSession
    from alkfish.plugin.workspace import Workspace

NO_CASE = "No case is open. Its settings are shown here."
DEBOUNCE_MS = 150
FROM_FILE = "From a file..."


class SettingsDock(QWidget):
    """Probe profile and the few settings that matter, with a live preview.

    Parameters
    ----------
    workspace : Workspace
        What is open.
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self._session: ReviewSession | None = None
        self._links, self._own = Links(), Links()
        self._probes: list[ProbeProfile] = []
        self.form = SettingsForm(self)
        self.job = Job(self)
        self.rescorer = Rescorer(workspace, self)
        self.preview_layers = PreviewLayers(workspace.viewer)
        self.choose_file: Callable[[], str] = self._choose_file
        self._later = once_after(self, DEBOUNCE_MS, self._preview)
        self._make()
        self._lay_out()
        self._connect()
        self._take_session()

    def _make(self) -> None:
        self.empty, self.rule = wrapped(NO_CASE), wrapped("")
        self.probe = QComboBox()
        self.probe.setToolTip("The kit: colours of the probe ends, the split rule, the case rule.")
        self.live = QCheckBox("Show the change in the picture")
        self.live.setChecked(True)
        self.words, self.message = wrapped(""), wrapped("")
        self.reset = QPushButton("Back to the case")
        self.reset.setToolTip("Show the settings that the case was scored with")
        self.apply = QPushButton("Score the case again...")
        self.stop = QPushButton("Stop")
        self.progress = QProgressBar()

    def _lay_out(self) -> None:
        self._inner = QWidget()
        body = QVBoxLayout(self._inner)
        body.setContentsMargins(0, 0, 0, 0)
        body.addWidget(QLabel("<b>Probe profile</b>"))
        body.addWidget(self.probe)
        body.addWidget(self.rule)
        body.addWidget(QLabel("<b>Settings</b>  (hover for what they do)"))
        body.addLayout(self.form.grid)
        body.addWidget(self.live)
        body.addWidget(self.words)
        line = QHBoxLayout()
        for button in (self.reset, self.apply):
            line.addWidget(button)
        body.addLayout(line)
        run = QHBoxLayout()
        run.addWidget(self.progress, 1)
        run.addWidget(self.stop)
        body.addLayout(run)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.empty)
        layout.addWidget(self._inner)
        layout.addWidget(self.message)
        layout.addStretch()

    def _connect(self) -> None:
        self.form.moved.connect(self._later.start)
        self.probe.activated.connect(self._take_probe)
        self.live.toggled.connect(lambda _: self._later.start())
        self.reset.clicked.connect(self.show_case)
        self.apply.clicked.connect(self._score_again)
        self.stop.clicked.connect(self.rescorer.stop)
        self.job.on_done = self._show
        self.job.on_failed = self._refuse
        self.rescorer.changed.connect(self._show_run)
        self.rescorer.said.connect(self.message.setText)
        self._own.join(self.workspace.session_changed, self._take_session)
        for end in (self._links.cut, self._own.cut, self.job.forget):
            self.destroyed.connect(end)

    def _take_session(self) -> None:
        self._links.cut()
        self._session = self.workspace.session
        if self._session is not None:
            self._links.join(self._session.state_changed, self._take_state)
            self._links.join(self._session.current_changed, self._take_current)
        self.message.clear()
        self.show_case()

    def show_case(self) -> None:
        """Show the settings of the open case, and nothing of a preview."""
        self.job.forget()
        self.preview_layers.clear()
        self.words.clear()
        session = self._session
        if session is not None:
            result = session.review.machine_result
            self._offer_probes(result.probe)
            self.form.set_base(Config.from_mapping(result.provenance.config, where="the case"))
        self._take_state()

    def changed_plan(self) -> tuple[ProbeProfile, Config]:
        """Return profile and settings as they stand.

        Raises
        ------
        ConfigError
            If settings contradict each other.
        """
        return self._chosen_probe(), self.form.config()

    def _take_state(self) -> None:
        session = self._session
        hidden = session is not None and not session.may_see_machine
        self.empty.setText(HIDDEN if hidden else NO_CASE)
        self.empty.setVisible(session is None or hidden)
        self._inner.setVisible(session is not None and not hidden)
        if hidden:
            self.job.forget()
            self.preview_layers.clear()
        self._show_run()

    def _take_current(self, _: object) -> None:
        if self.live.isChecked() and self._is_changed():
            self.job.forget()
            self.preview_layers.clear()  # at once: it may lie over the pixels of another field
            self._later.start()

    def _show_run(self) -> None:
        running = self.rescorer.is_running
        self.progress.setVisible(running)
        self.stop.setVisible(running)
        self.progress.setMaximum(max(self.rescorer.total, 1))
        self.progress.setValue(self.rescorer.done)
        self.progress.setFormat(self.rescorer.words)
        why_not = self._why_no_rescore()
        self.apply.setEnabled(not why_not and not running)
        self.apply.setToolTip(why_not or "The older result and its reads are kept in the log.")

    def _why_no_rescore(self) -> str:
        if self._session is None:
            return NO_CASE
        if not self._is_changed():
            return "Nothing differs from what the case was scored with."
        return self.rescorer.why_not()

    def _is_changed(self) -> bool:
        if self._session is None:
            return False
        result = self._session.review.machine_result
        try:
            probe, config = self.changed_plan()
        except AlkfishError:
            return True
        return probe != result.probe or config.model_dump(mode="json") != result.provenance.config

    def _preview(self) -> None:
        """Work out what the settings find where the picture is; an older preview is given up."""
        self._later.stop()
        self._show_run()
        session, pictures = self._session, self.workspace.pictures
        self.message.clear()
        if session is None or not session.may_see_machine:
            return
        if not self.live.isChecked() or not self._is_changed():
            self.job.forget()
            self.preview_layers.clear()
            self.words.clear()
            return
        fov = self._visible_field(session)
        if not pictures.has(fov):
            self.words.setText(f"No preview. {pictures.why_not}".strip())
            return
        try:
            probe, config = self.changed_plan()
        except AlkfishError as error:
            self._refuse(str(error))
            return
        source = pictures.source(fov)
        window = preview_window(source.shape, *self._centre(session, fov))
        task = PreviewTask(source, window, probe, config)
        result = session.review.machine_result
        self.words.setText("Looking...")
        self.job.start(lambda control: (make_preview(task, result, control), task))

    def _show(self, found: tuple[Preview, PreviewTask]) -> None:
        preview, task = found
        session = self._session
        if session is None or not session.may_see_machine:
            return
        self.preview_layers.show(preview, task.probe, task.config)
        is_part = (preview.window.height, preview.window.width) != task.source.shape
        where = "In the part shown" if is_part else f"In {preview.fov}"
        self.words.setText(f"{where}: {words_of(preview)}.")

    def _refuse(self, text: str) -> None:
        self.words.clear()
        self.message.setText(text)

    def _visible_field(self, session: ReviewSession) -> str:
        if session.current is not None:
            return session.current.fov
        fields = session.result.fields
        return fields[0].fov if fields else ""

    def _centre(self, session: ReviewSession, fov: str) -> tuple[float, float]:
        """Return what the middle of the canvas shows, in pixels of the field."""
        size = float(session.result.pixel_size_um.get(fov, 1.0))
        _, y_um, x_um = camera_of(self.workspace.viewer).center
        return float(y_um) / size, float(x_um) / size

    def _offer_probes(self, own: ProbeProfile) -> None:
        others = [probe for probe in list_probes() if probe.confirmed and probe.name != own.name]
        self._probes = [own, *others]
        self._fill_probes(0)

    def _fill_probes(self, chosen: int) -> None:
        self.probe.clear()
        self.probe.addItems([f"{probe.title} ({probe.name})" for probe in self._probes])
        self.probe.addItem(FROM_FILE)
        self.probe.setCurrentIndex(chosen)
        self.rule.setText(rule_text(self._probes[chosen].separation))

    def _take_probe(self, number: int) -> None:
        if number < len(self._probes):
            self.rule.setText(rule_text(self._probes[number].separation))
            self._later.start()
            return
        path = self.choose_file()
        try:
            if path:
                self._probes.append(require_confirmed(load_probe(Path(path))))
        except AlkfishError as error:
            self._refuse(str(error))
            path = ""
        self._fill_probes(len(self._probes) - 1 if path else 0)
        self._later.start()

    def _chosen_probe(self) -> ProbeProfile:
        return self._probes[max(0, min(self.probe.currentIndex(), len(self._probes) - 1))]

    def _choose_file(self) -> str:
        return QFileDialog.getOpenFileName(self, "Probe profile", "", "TOML (*.toml)")[0]

    def _score_again(self) -> None:
        try:
            probe, config = self.changed_plan()
        except AlkfishError as error:
            self._refuse(str(error))
            return
        self.preview_layers.clear()
        self.rescorer.begin(probe=probe, config=config)
