"""The case dock: where the case stands, its counts and call, and the steps of a read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QPaintEvent
from qtpy.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from alkfish.model.result import FieldQC, PatternCounts
from alkfish.plugin.agreement_view import AgreementView
from alkfish.plugin.area_tools import AreaTools
from alkfish.plugin.case_steps import Steps
from alkfish.plugin.case_words import (
    HIDDEN,
    CaseSummary,
    continue_words,
    notice,
    summarise,
)
from alkfish.plugin.dialogs import (
    ReasonDialog,
    SignDialog,
    SignedDialog,
    breakable,
    wrapped,
)
from alkfish.plugin.links import Links
from alkfish.plugin.message import ALARM, Message
from alkfish.plugin.tables import compact, fill_row, fit_height
from alkfish.plugin.timers import once_after
from alkfish.report.wording import PATTERN_WORDS, share_text
from alkfish.review import EventKind, ReadMode

if TYPE_CHECKING:
    from alkfish.plugin.session import ReviewSession
    from alkfish.plugin.workspace import Workspace

NO_CASE = "No case is open. Open a folder of results, then choose a case in the worklist."


class Fold(QWidget):
    """A part with a heading that opens and closes it."""

    def __init__(self, title: str, inside: QWidget, *, is_open: bool = True) -> None:
        super().__init__()
        self.head = QToolButton()
        self.head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.head.setStyleSheet("QToolButton { border: none; font-weight: bold; }")
        self.head.setText(title)
        self.head.setCheckable(True)
        self._inside = inside
        self.head.toggled.connect(self._turn)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.head)
        layout.addWidget(inside)
        self.head.setChecked(is_open)
        self._turn(is_open)

    def _turn(self, is_open: bool) -> None:
        kind = Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow
        self.head.setArrowType(kind)
        self._inside.setVisible(is_open)


class CaseDock(QWidget):
    """Counts, rate, call and cautions of the open case; start, finish, sign.

    Parameters
    ----------
    workspace : Workspace
        What is open.
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self._session: ReviewSession | None = None
        self._stale = False
        self._links, self._own = Links(), Links()
        self.ask = _ask
        self._later = once_after(self, 0, self._show_if_seen)
        self._make()
        self._lay_out()
        self._own.join(workspace.session_changed, self._take_session)
        for end in (self._links.cut, self._own.cut):
            self.destroyed.connect(end)
        self._take_session()

    def _make(self) -> None:
        self.title, self.state, self.step = wrapped(""), wrapped(""), wrapped("")
        self.message, self.empty = Message(), wrapped(NO_CASE)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.progress = QProgressBar()
        self.progress.setFormat("%v of %m decided")
        self.start = QPushButton()
        self.start.setMenu(QMenu(self.start))
        self.finish, self.abandon = QPushButton("Finish read"), QPushButton("Abandon read...")
        self.sign, self.version = QPushButton("Sign..."), QPushButton("New version...")
        self.finish.clicked.connect(lambda: self._do(lambda session: session.finish_read()))
        self.abandon.clicked.connect(self._abandon)
        self.sign.clicked.connect(self._sign)
        self.version.clicked.connect(self._open_version)
        self.counted_by, self.figures = wrapped(""), wrapped("")
        self.call, self.reason = wrapped(""), wrapped("")
        self.counts = QTableWidget(len(PATTERN_WORDS), 3)
        self.counts.setHorizontalHeaderLabels(["Pattern", "Nuclei", "Share"])
        self.machine, self.cautions = wrapped(""), wrapped("")
        self.quality = QTableWidget(0, 5)
        self.quality.setHorizontalHeaderLabels(["Field", "Scorable", "3' SNR", "5' SNR", "Verdict"])
        for table in (self.counts, self.quality):
            table.verticalHeader().hide()
            compact(table)
        self.agreement = AgreementView()
        self.areas = AreaTools(self.workspace)

    def _lay_out(self) -> None:
        steps = QVBoxLayout()
        steps.setSpacing(4)
        for buttons in ((self.start, self.finish, self.sign), (self.abandon, self.version)):
            line = QHBoxLayout()
            for button in buttons:
                line.addWidget(button)
            steps.addLayout(line)
        inner = QWidget()
        body = QVBoxLayout(inner)
        body.setContentsMargins(6, 6, 6, 6)
        body.setSpacing(4)
        for widget in (self.title, self.state, self.step, self.progress):
            body.addWidget(widget)
        body.addLayout(steps)
        body.addWidget(self.message)
        for label in (self.counted_by, self.call, self.figures, self.reason):
            body.addWidget(label)
        body.addWidget(self.counts)
        self.folds = {
            "machine": Fold("Machine's proposal", self.machine),
            "cautions": Fold("Cautions", self.cautions),
            "quality": Fold("Quality of the images", self.quality, is_open=False),
            "agreement": Fold("Agreement", self.agreement),
            "areas": Fold("Tumour area", self.areas, is_open=False),
        }
        for fold in self.folds.values():
            body.addWidget(fold)
        body.addStretch()
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.empty)
        outer.addWidget(self.area)

    def _take_session(self) -> None:
        self._links.cut()
        self._session = self.workspace.session
        self.message.outdate()
        if self._session is not None:
            self._links.join(self._session.values_changed, self._soon)
            self._links.join(self._session.state_changed, self._soon)
            self._links.join(self._session.result_changed, self._soon)
            self._links.join(self._session.said, self.message.say)
        self.show_case()

    def catch_up(self) -> None:
        """Show now what was to be shown soon; out of sight, when it is seen again."""
        if self._later.isActive():
            self._later.stop()
            self._show_if_seen()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Catch up with what happened while the dock was behind others."""
        super().paintEvent(event)
        if self._stale:
            self._later.start()

    def _show_if_seen(self) -> None:
        """Show the case; behind other tabs it waits, for it takes longer than a key should."""
        self._stale = self.isVisible() and self.visibleRegion().isEmpty()
        if not self._stale:
            self.show_case()

    def _soon(self, *_: object) -> None:
        """Show once, after everything that happens now; what was said before is over."""
        self.message.outdate()
        self._later.start()

    def show_case(self) -> None:
        """Show the case as it is now."""
        session, self._stale = self._session, False
        self.empty.setVisible(session is None)
        self.area.setVisible(session is not None)
        if session is None:
            return
        summary = summarise(session)
        version = f", version {summary.version}" if summary.version > 1 else ""
        self.title.setText(f"<b>{_escaped(summary.case_id)}</b>{version}")
        self.state.setText(f"<b>{_escaped(summary.state)}</b>")
        self.step.setText(breakable(summary.next_step))
        if breakable(summary.next_step) == self.message.text():  # once is enough
            self.message.be_quiet()
        self.step.setStyleSheet(f"color: {ALARM};" if notice(session) else "")
        self.progress.setVisible(summary.total > 0)
        self.progress.setMaximum(max(summary.total, 1))
        self.progress.setValue(summary.done)
        self._show_steps(summary.steps)
        self._show_counts(summary)
        self._show_words(session, summary)

    def _show_steps(self, steps: Steps) -> None:
        self.start.setText(steps.start)
        self.start.setVisible(bool(steps.start))
        self.finish.setVisible(self._session is not None and self._session.is_reading)
        self.finish.setEnabled(steps.finish)
        for button, possible in (
            (self.abandon, steps.abandon), (self.sign, steps.sign),
            (self.version, steps.open_version),
        ):  # fmt: skip
            button.setVisible(possible)
        menu = self.start.menu()
        menu.clear()
        read = None if self._session is None else self._session.to_continue
        if steps.start and read is not None:
            menu.addAction(continue_words(read), self._continue)
            menu.addSeparator()
        for words, mode, blinded in self._kinds_of_read(steps):
            menu.addAction(words, partial(self._start, mode, blinded))

    def _kinds_of_read(self, steps: Steps) -> list[tuple[str, ReadMode, bool]]:
        """Return the reads that may be started: words, mode, whether the proposal is hidden."""
        if not steps.start or self._session is None:
            return []
        size = self._session.review.machine_result.probe.case_rule.read_size
        modes = [(f"{size} nuclei, drawn at random", ReadMode.FIFTY), ("All nuclei", ReadMode.FULL)]
        if not steps.choose_mode:
            modes = [(steps.start, ReadMode.FIFTY)]
        return [
            (f"{words}; machine's proposal hidden" if blinded else words, mode, blinded)
            for words, mode in modes
            for blinded in (False, True)
        ]

    def _show_counts(self, summary: CaseSummary) -> None:
        self.counted_by.setText(f"<b>{summary.counted_by}</b>")
        self.call.setText(f"<b>{_escaped(summary.call)}</b>")
        self.call.setVisible(bool(summary.call))
        self.figures.setText(summary.figures)
        self.reason.setText(summary.reason)
        self.reason.setVisible(bool(summary.reason))
        show_counts(self.counts, summary.counts, with_shares=summary.has_rate)

    def _show_words(self, session: ReviewSession, summary: CaseSummary) -> None:
        self.machine.setText(breakable("\n".join(summary.machine)) or HIDDEN)
        self.cautions.setText(breakable("\n".join(f"• {text}" for text in summary.cautions)))
        self.folds["cautions"].setVisible(bool(summary.cautions))
        show_quality(self.quality, summary.quality)
        pairs = session.review.agreements() if session.may_see_machine else ()
        self.folds["agreement"].setVisible(bool(pairs))
        self.agreement.set_pairs(pairs)

    def _do(self, step: Callable[[ReviewSession], bool]) -> bool:
        """Do a step; what was said before is over."""
        if self._session is None:
            return False
        self.message.be_quiet()
        return step(self._session)

    def _start(self, mode: ReadMode, blinded: bool) -> None:
        self._do(lambda session: session.start_read(mode, blinded=blinded))

    def _continue(self) -> None:
        self._do(lambda session: session.continue_read())

    def _abandon(self) -> None:
        why = self.ask(
            "Abandon the read",
            "The read ends without counting. Its decisions stay in the log.",
            "Abandon the read",
            self,
        )
        if why:
            self._do(lambda session: session.abandon_read(why))

    def _open_version(self) -> None:
        why = self.ask(
            "New version",
            "The case is read anew. The present version stays in the log, with its call and its "
            "signature.",
            "Open a new version",
            self,
        )
        if why:
            self._do(lambda session: session.open_version(why))

    def _sign(self) -> None:
        session = self._session
        if session is None:
            return
        dialog = SignDialog(session, self)
        if dialog.exec() and self._do(lambda session: session.sign(dialog.remark.text())):
            signed = [e for e in session.review.history() if e.kind is EventKind.SIGNED]
            SignedDialog(session.case_id, signed[-1].hash, self).exec()


def show_counts(table: QTableWidget, counts: PatternCounts, *, with_shares: bool = True) -> None:
    """Show counts per pattern: sign, name, nuclei, share."""
    numbers = counts.by_pattern()
    for row, (name, words) in enumerate(PATTERN_WORDS.items()):
        share = share_text(numbers[name], counts.n_enumerated) if with_shares else "-"
        tip = f"{words.meaning}; counts as {words.counts_as}"
        fill_row(
            table, row, (f"{words.glyph}  {words.name}", str(numbers[name]), share), tooltip=tip
        )
    table.resizeColumnsToContents()
    fit_height(table)


def show_quality(table: QTableWidget, fields: tuple[FieldQC, ...]) -> None:
    """Show the quality of each field, with the reasons on hovering."""
    table.setRowCount(len(fields))
    for row, qc in enumerate(fields):
        texts = (
            qc.fov, f"{qc.n_scorable} of {qc.n_nuclei}", f"{qc.three_prime.median_snr:.0f}",
            f"{qc.five_prime.median_snr:.0f}", qc.verdict,
        )  # fmt: skip
        fill_row(table, row, texts, tooltip="\n".join(qc.reasons) or "no remarks")
    table.resizeColumnsToContents()
    fit_height(table, most=6)


def _ask(title: str, text: str, action: str, parent: QWidget) -> str:
    """Return the reason that the reader gives; empty if the step is not to be done."""
    dialog = ReasonDialog(title, text, action, parent)
    return dialog.text if dialog.exec() else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
