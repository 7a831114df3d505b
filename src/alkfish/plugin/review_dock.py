"""The review dock: the current nucleus, why it has its pattern, and the keys that decide it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QCursor
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from alkfish.errors import AlkfishError
from alkfish.model.signals import Pattern
from alkfish.plugin.case_words import continue_words, notice
from alkfish.plugin.colours import look_of
from alkfish.plugin.dialogs import breakable, wrapped
from alkfish.plugin.keys import BY_NAME, KEYS, REASONS, Group, key_words
from alkfish.plugin.links import Links
from alkfish.plugin.message import ALARM, Message
from alkfish.plugin.note_field import NoteField
from alkfish.plugin.nucleus_panel import NucleusPanel
from alkfish.plugin.nucleus_words import describe_nucleus, progress_words
from alkfish.plugin.session import Order, ReviewSession
from alkfish.plugin.timers import once_after
from alkfish.plugin.tools import TOOL_WORDS, Tool
from alkfish.review import CaseState

if TYPE_CHECKING:
    from alkfish.plugin.desk import ReviewDesk

NO_CASE = "No case is open. Open a folder of results, or score an image."
ORDER_WORDS = {
    Order.READ: "the read's draw",
    Order.DOUBT: "doubt: least certain first",
    Order.PATTERN: "pattern: positive first",
    Order.POSITION: "position",
}


class ReviewDock(QWidget):
    """Shows the current nucleus and offers every step as a button with its key.

    Parameters
    ----------
    desk : ReviewDesk
        The window.
    """

    def __init__(self, desk: ReviewDesk) -> None:
        super().__init__()
        self.desk, self.workspace = desk, desk.workspace
        self._session: ReviewSession | None = None
        self._links, self._own = Links(), Links()
        self._soon = once_after(self, 0, self.show_nucleus)
        self._make()
        self._lay_out()
        self._own.join(self.workspace.session_changed, self._take_session)
        self._own.join(self.workspace.said, self.hear)
        self._own.join(desk.editor.tool_changed, self._show_tool)
        for end in (self._links.cut, self._own.cut):
            self.destroyed.connect(end)
        self._take_session()

    def ask_reason(self) -> None:
        """Offer the reasons why a nucleus is not scorable; a number or a click chooses."""
        if self._session is None or self._session.current is None:
            return
        menu = self.reasons_menu()
        menu.exec(QCursor.pos())

    def reasons_menu(self) -> QMenu:
        """Return the menu of reasons."""
        menu = QMenu("Not scorable because", self)
        menu.addSection("Not scorable because")
        for number, reason in enumerate(REASONS, start=1):
            menu.addAction(f"&{number}  {reason}", partial(self.desk.reject, reason))
        menu.addSeparator()
        menu.addAction("&Other...", self._other_reason)
        return menu

    def write_note(self) -> None:
        """Put the cursor into the note."""
        self.note.setFocus()

    def keep_notes(self) -> None:
        """Write the notes that were begun; for the end of the window."""
        for (folder, reader, nucleus), text in self.note.take_drafts().items():
            self._try(partial(self.workspace.keep_note, folder, reader, nucleus, text))

    def hear(self, text: str, is_refusal: bool) -> None:
        """Show a message for a while."""
        self.message.say(text, is_refusal)

    def show_nucleus(self) -> None:
        """Show the current nucleus as it is now."""
        session = self._session
        self.body.setVisible(session is not None)
        self.empty.setVisible(session is None)
        if session is None:
            return
        self.note.show_of((self.workspace.folder, session.review.reader, session.current))
        self._show_place(progress_words(session))
        self._show_order(session)
        self._show_start(session)
        words = None if session.current is None else describe_nucleus(session, session.current)
        if words is None:
            self.panel.show_text("The case has no nuclei.")
            return
        self.panel.show_words(words)
        for button in self.decide.values():
            button.setEnabled(session.is_reading)

    def _show_place(self, words: str) -> None:
        """Show how far the reader is; of constant size, since Qt would lay out the dock anew."""
        line = self.place.fontMetrics()
        width = max(self.place.minimumWidth(), line.horizontalAdvance(words) + 12)
        if width > self.place.minimumWidth():
            self.place.setFixedSize(width, line.lineSpacing() + 2)
        self.place.setText(words)

    def catch_up(self) -> None:
        """Show now what was to be shown soon."""
        if self._soon.isActive():
            self._soon.stop()
            self.show_nucleus()

    def _show_start(self, session: ReviewSession) -> None:
        """Offer the read that is due, and tell what stands against it."""
        words = notice(session)
        for label, is_its in (
            (self.notice, not session.is_reading),
            (self.shortage, session.is_reading),
        ):
            label.setText(_escaped(breakable(words)) if is_its else "")
            label.setVisible(is_its and bool(words))
        if words and breakable(words) == self.message.text():  # once is enough
            self.message.be_quiet()
        second = session.review.state is CaseState.EQUIVOCAL_AWAITING_SECOND
        self.start.setText("Start the second read" if second else "Start the read")
        self.start.setVisible(session.may_start)
        read = session.to_continue if session.may_start else None
        self.resume.setVisible(read is not None)
        if read is not None:
            self.resume.setText(continue_words(read))

    def _make(self) -> None:
        self.case, self.panel = wrapped(""), NucleusPanel()
        self.reader = QToolButton()
        self.reader.setToolTip("Who reads: click if another person sits down")
        self.reader.clicked.connect(self._change_reader)
        self.place, self.order = QLabel(), QComboBox()
        by_length = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.order.setSizeAdjustPolicy(by_length)  # as its longest entry it would cut off the place
        self.order.setMinimumContentsLength(6)
        self.order.setToolTip("Order in which the nuclei are stepped through")
        self.order.activated.connect(self._choose_order)
        self.message, self.empty, self.tool = Message(), wrapped(NO_CASE), wrapped("")
        self.notice, self.shortage = wrapped(""), wrapped("")
        for told in (self.notice, self.shortage):
            told.setStyleSheet(f"color: {ALARM};")
        self.open = QPushButton("Open results...")
        self.open.clicked.connect(self._open)
        self.score = QPushButton("Score an image...")
        self.score.clicked.connect(self.desk.show_scoring)
        self.locate = QPushButton("Locate pictures...")
        self.locate.clicked.connect(self._locate)
        self.missing = wrapped("")
        self.start = QPushButton("Start the read")
        self.start.clicked.connect(self.desk.start_read)
        self.resume = QPushButton()
        self.resume.clicked.connect(self.desk.continue_read)
        self.note = NoteField(self.desk.focus_picture)
        self.note.setPlaceholderText(f"Note on this nucleus ({BY_NAME['note'].keys[0]})")
        self.note.returnPressed.connect(self._write_note)
        self.decide = {name: self._button(name) for name in _DECIDING}
        self.tools = {name: self._button(name) for name in _TOOLS}
        for button in self.tools.values():
            button.setCheckable(True)
        self.keys = QLabel(_keys_html())
        self.keys.setTextFormat(Qt.TextFormat.RichText)
        self.keys.setWordWrap(True)

    def _button(self, name: str) -> QPushButton:
        action = BY_NAME[name]
        words = _SHORT.get(name, action.words)
        button = QPushButton(f"{key_words(action.keys[0])}  {words}")
        button.setToolTip(f"{action.words} ({', '.join(map(key_words, action.keys))})")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.clicked.connect(lambda: action.do(self.desk))
        if action.pattern is not None:
            colour = look_of(action.pattern.value).colour
            button.setStyleSheet(f"border-left: 6px solid {colour}; text-align: left;")
        return button

    def _lay_out(self) -> None:
        self.body = QWidget()
        body = QVBoxLayout(self.body)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(5)
        body.addLayout(_line(self.case, self.reader))
        body.addLayout(_line(self.place, self.order))
        _stack(body, self.notice, self.start, self.resume, self.panel)
        body.addLayout(_grid(list(self.decide.values()), 2))
        _stack(body, self.note)
        body.addLayout(_grid(list(self.tools.values()), 3))
        # Below all buttons: what comes and goes during a read must not move them under the mouse.
        _stack(body, self.message, self.shortage, self.tool, self.missing, self.locate, self.keys)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(6, 6, 6, 6)
        _stack(column, self.empty, self.open, self.score, self.body)
        column.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)
        self.tool.hide()

    def _take_session(self) -> None:
        self._links.cut()
        self.message.outdate()
        self._session = session = self.workspace.session
        self.open.setVisible(session is None)
        self.score.setVisible(session is None)
        if session is not None:
            for signal in (session.current_changed, session.values_changed):
                self._links.join(signal, self._later)
            self._links.join(session.state_changed, self._later)
            self._links.join(session.result_changed, self._later)
            self._links.join(session.said, self.hear)
            self.case.setText(f"<b>{_escaped(session.case_id)}</b>")
            self.reader.setText(f"{self.workspace.reader}  ✎")
        pictures = self.workspace.pictures
        for widget in (self.missing, self.locate):
            widget.setVisible(session is not None and bool(pictures.why_not))
        self.missing.setText(pictures.why_not)
        self.show_nucleus()

    def _later(self, *_: object) -> None:
        """Show once, after everything that happens now; what was said before is over."""
        self.message.outdate()
        self._soon.start()

    def _show_order(self, session: ReviewSession) -> None:
        offered = [order for order in Order if order is not Order.READ or session.draw]
        if not session.may_see_machine:
            offered = [order for order in offered if order in (Order.READ, Order.POSITION)]
        if [self.order.itemData(k) for k in range(self.order.count())] != offered:
            self.order.clear()
            for order in offered:
                self.order.addItem(ORDER_WORDS[order], order)
        shown = session.order if session.order in offered else offered[0]
        self.order.setCurrentIndex(offered.index(shown))

    def _choose_order(self, place: int) -> None:
        if self._session is not None:
            self._session.set_order(Order(self.order.itemData(place)))

    def _show_tool(self, tool: Tool) -> None:
        for name, button in self.tools.items():
            button.setChecked(name == tool.value)
        self.tool.setText(f"<b>{TOOL_WORDS[tool]}</b>")
        self.tool.setVisible(tool is not Tool.NONE)

    def _write_note(self) -> None:
        self.catch_up()
        text = self.note.text().strip()
        if self._session is not None and text and self._session.note(text):
            self.note.clear()
        self.desk.focus_picture()

    def _other_reason(self) -> None:
        text, ok = QInputDialog.getText(self, "Not scorable", "Reason (it is kept in the log):")
        if ok and text.strip():
            self.desk.reject(text.strip())

    def _change_reader(self) -> None:
        text, ok = QInputDialog.getText(
            self, "Who reads?", "Name of the reader:", text=self.workspace.reader
        )
        if ok and text.strip():
            self._try(lambda: self.workspace.set_reader(text.strip()))

    def _open(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of results, or of one case")
        if folder:
            self._try(lambda: self.workspace.open(folder))

    def _locate(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder with the pictures of this case")
        if folder:
            self.workspace.locate_pictures(folder)

    def _try(self, step: Callable[[], object]) -> None:
        try:
            step()
        except AlkfishError as error:
            self.hear(str(error), True)


_DECIDING = (
    *(pattern.value.lower() for pattern in Pattern), "not_scorable", "agree", "undo", "redo",
)  # fmt: skip
_TOOLS = tuple(tool.value for tool in Tool if tool is not Tool.NONE)
_SHORT = {
    "not_scorable": "Not scorable...", "agree": "Agree", "add_3p": "Add 3'", "add_5p": "Add 5'",
    "move": "Move", "delete": "Delete", "declump": "Declump", "merge": "Merge",
}  # fmt: skip


def _keys_html() -> str:
    """Return the keys that have no button."""
    shown = set(_DECIDING) | set(_TOOLS)
    rows = [
        f"<tr><td style='padding-right:10px;'><b>{key_words(action.keys[0])}</b></td>"
        f"<td>{action.words}</td></tr>"
        for action in KEYS
        if action.name not in shown and action.group is not Group.DECIDE
    ]
    return f"<table style='color:#b8c0cc;'>{''.join(rows)}</table>"


def _line(*widgets: QWidget) -> QHBoxLayout:
    line = QHBoxLayout()
    line.setSpacing(6)
    for k, widget in enumerate(widgets):
        line.addWidget(widget, 1 if k == 0 else 0)
    return line


def _stack(column: QVBoxLayout, *widgets: QWidget) -> None:
    for widget in widgets:
        column.addWidget(widget)


def _grid(buttons: list[QPushButton], columns: int) -> QGridLayout:
    grid = QGridLayout()
    grid.setSpacing(3)
    for k, button in enumerate(buttons):
        grid.addWidget(button, k // columns, k % columns)
    return grid


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")
