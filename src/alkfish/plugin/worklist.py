"""The worklist: the cases of the folder, how far each is, and who is at it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    QTimer,
)
from qtpy.QtGui import QFont, QShowEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from alkfish.errors import AlkfishError
from alkfish.model.result import Call
from alkfish.plugin.case_list import CaseEntry
from alkfish.plugin.case_words import STATE_MARKS, STATE_WORDS
from alkfish.plugin.dialogs import breakable, wrapped
from alkfish.plugin.links import Links
from alkfish.plugin.message import ALARM
from alkfish.report.wording import CALL_WORDS
from alkfish.review import CaseState

if TYPE_CHECKING:
    from alkfish.plugin.workspace import Workspace

Index = QModelIndex | QPersistentModelIndex

COLUMNS = ("Case", "State", "Call", "Machine", "Last step")
REFRESH_MS = 5_000
WIDTHS_PX = (70, 88, 86, 76, 40)
"""Widths of the columns: all are in sight at 1280 x 800, long texts in several lines."""

NAME_LETTERS = 7
"""Letters that a case id may have to fit into its column whatever they are."""

ROW_PX, FITTED_ROWS = 40, 400
MOST_NAMED = 5
"""So many damaged cases are named below the list; all of them on hovering."""

NO_FOLDER = "No folder of results is open."

_RANK = {state: rank for rank, state in enumerate(CaseState)}


class WorklistModel(QAbstractTableModel):
    """The cases as a table.

    Attributes
    ----------
    hide_machine : bool
        Whether the machine's calls are left out: the reader wants to begin without them.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.entries: tuple[CaseEntry, ...] = ()
        self.hide_machine = False
        self._open_case = ""

    def show(self, entries: Sequence[CaseEntry], open_case: str) -> bool:
        """Show other cases; rows stay in place where the cases are the same.

        Returns
        -------
        bool
            Whether anything that is shown has changed.
        """
        if (tuple(entries), open_case) == (self.entries, self._open_case):
            return False
        same = [e.folder for e in entries] == [e.folder for e in self.entries]
        if not same:
            self.beginResetModel()
        self.entries, self._open_case = tuple(entries), open_case
        if not same:
            self.endResetModel()
        elif entries:
            corner = self.index(len(self.entries) - 1, len(COLUMNS) - 1)
            self.dataChanged.emit(self.index(0, 0), corner)
        return True

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """Return the number of cases."""
        return 0 if parent.isValid() else len(self.entries)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the head of a column."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return COLUMNS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows, or by what it is sorted."""
        entry = self.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            text = self._text(entry, index.column())
            return whole_name(text) if index.column() == 0 else text
        if role == Qt.ItemDataRole.UserRole:
            return self._sort_key(entry, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{entry.case_id}: {entry.words}"
        if role == Qt.ItemDataRole.FontRole:
            font = QFont()
            is_open = entry.case_id == self._open_case
            font.setBold(is_open and index.column() < 2)  # the longest calls fit when thin
            return font
        return None

    def _text(self, entry: CaseEntry, column: int) -> str:
        machine = "hidden" if not entry.machine_call else CALL_WORDS[Call(entry.machine_call)]
        return (
            entry.case_id,
            state_text(entry),
            CALL_WORDS[Call(entry.call)] if entry.call else "",
            "" if self.hide_machine else machine,
            entry.changed_at[:16].replace("T", " "),
        )[column]

    def _sort_key(self, entry: CaseEntry, column: int) -> str:
        if column == 1:
            return f"{_RANK[entry.state]}{entry.people.casefold()}"
        return self._text(entry, column).casefold()


def whole_name(case_id: str) -> str:
    """Return a case id that goes on in the next line where the column ends.

    Cut short, the ids of a laboratory look the same: they differ at the end.
    """
    return "\N{ZERO WIDTH SPACE}".join(case_id) if len(case_id) > NAME_LETTERS else case_id


def state_text(entry: CaseEntry) -> str:
    """Return sign, state and people of a case, as the list shows them."""
    words = f"{STATE_MARKS[entry.state]} {STATE_WORDS[entry.state]}"
    joined = " " if entry.people.startswith("by ") else ", "
    return f"{words}{joined}{entry.people}" if entry.people else words


class _Filter(QSortFilterProxyModel):
    """Cases by text and by whether they wait for the reader."""

    def __init__(self, model: WorklistModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._text, self._waiting = "", False
        self.setSourceModel(model)
        self.setSortRole(Qt.ItemDataRole.UserRole)
        self._model = model

    def choose(self, text: str, *, waiting: bool) -> None:
        """Show the cases that hold a text, all or those that wait for the reader."""
        self.beginResetModel()
        self._text, self._waiting = text.casefold().strip(), waiting
        self.endResetModel()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:  # noqa: ARG002, N802
        """Whether a case is shown."""
        entry = self._model.entries[row]
        if self._waiting and not entry.waits_for_reader:
            return False
        return self._text in f"{entry.case_id} {entry.words}".casefold()


class Worklist(QWidget):
    """Cases of the open folder; a click opens one.

    Parameters
    ----------
    workspace : Workspace
        What is open.
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self.model = WorklistModel(self)
        self.shown = _Filter(self.model, self)
        self.choose_folder = self._choose_folder
        self._own = Links()
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._make()
        self._lay_out()
        self._connect()
        self.refresh()

    def _make(self) -> None:
        self.reader = QLineEdit()
        self.reader.setPlaceholderText("Your name")
        self.reader.setToolTip("Who reads. It is written into the log with every decision.")
        self.folder = QPushButton("Open results...")
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a case, a reader, a state")
        self.search.setClearButtonEnabled(True)
        self.waiting = QCheckBox("Only what waits for me")
        self.hide_machine = QCheckBox("Hide machine calls")
        self.hide_machine.setToolTip("To begin a read without knowing what the machine proposes")
        self.table = QTableView()
        self.table.setModel(self.shown)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(ROW_PX)
        self.table.setWordWrap(True)
        header = self.table.horizontalHeader()
        header.setStretchLastSection(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for column, width in enumerate(WIDTHS_PX):
            self.table.setColumnWidth(column, width)
        header.sectionResized.connect(lambda *_: self._fit_rows())
        self.footer = QLabel(NO_FOLDER)
        self.footer.setWordWrap(True)
        self.damage = wrapped("")
        self.damage.setStyleSheet(f"color: {ALARM};")
        self.damage.hide()

    def _lay_out(self) -> None:
        top, filters = QHBoxLayout(), QHBoxLayout()
        top.addWidget(self.folder)
        top.addWidget(QLabel("Reader"))
        top.addWidget(self.reader, 1)
        filters.addWidget(self.waiting)
        filters.addWidget(self.hide_machine)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.search)
        layout.addLayout(filters)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.damage)
        layout.addWidget(self.footer)

    def _connect(self) -> None:
        self.folder.clicked.connect(self._open_folder)
        self.reader.editingFinished.connect(self._take_reader)
        self.search.textChanged.connect(self._choose)
        self.waiting.toggled.connect(self._choose)
        self.hide_machine.toggled.connect(self._hide)
        self.table.clicked.connect(self._open)
        self._timer.timeout.connect(self._tick)
        self._own.join(self.workspace.session_changed, self._take_session)
        self.destroyed.connect(self._own.cut)
        self._timer.start()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Catch up with what others have done."""
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Read the states of the cases again."""
        session = self.workspace.session
        try:
            entries = self.workspace.cases()
        except AlkfishError as error:
            self.footer.setText(str(error))
            return
        if self.model.show(entries, session.case_id if session is not None else ""):
            self._fit_rows()
        if not self.reader.hasFocus():
            self.reader.setText(self.workspace.reader)
        self._tell()

    def _fit_rows(self) -> None:
        """Make rows as high as their texts; of a long list two lines, the rest on hovering."""
        if self.shown.rowCount() <= FITTED_ROWS:
            self.table.resizeRowsToContents()

    def _take_session(self) -> None:
        self.refresh()
        self._select_open()

    def _select_open(self) -> None:
        """Mark the case that is open, be it that another one could not be opened."""
        session = self.workspace.session
        ids = [entry.case_id for entry in self.model.entries]
        if session is None or session.case_id not in ids:
            self.table.clearSelection()
            return
        index = self.model.index(ids.index(session.case_id), 0)
        self.table.setCurrentIndex(self.shown.mapFromSource(index))

    def _tick(self) -> None:
        if self.isVisible() and self.workspace.results is not None:
            self.refresh()

    def _tell(self) -> None:
        entries = self.model.entries
        if self.workspace.results is None:
            self.footer.setText(NO_FOLDER)
            self.damage.hide()
            return
        waiting = sum(entry.waits_for_reader for entry in entries)
        shown = self.shown.rowCount()
        n, verb = len(entries), "waits" if waiting == 1 else "wait"
        parts = [f"{n} case{'' if n == 1 else 's'}", f"{waiting} {verb} for you"]
        parts += [f"{shown} shown"] if shown != len(entries) else []
        self.footer.setText(f"{', '.join(parts)}. {self.workspace.results}")
        self._tell_damage(self.workspace.unreadable())

    def _tell_damage(self, names: tuple[str, ...]) -> None:
        """Say which cases are not in the list because their result cannot be read."""
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        named = ", ".join(names[:MOST_NAMED])
        self.damage.setText(breakable(f"Not listed, the result cannot be read: {named}{more}."))
        remedy = "Score them again, or restore them from a copy."
        self.damage.setToolTip("\n".join([*names, remedy]))
        self.damage.setVisible(bool(names))

    def _choose(self, *_: object) -> None:
        self.shown.choose(self.search.text(), waiting=self.waiting.isChecked())
        self._fit_rows()
        self._tell()

    def _hide(self, hidden: bool) -> None:
        self.model.hide_machine = hidden
        self.model.layoutChanged.emit()
        self._fit_rows()

    def _open(self, index: Index) -> None:
        entry = self.model.entries[self.shown.mapToSource(index).row()]
        session = self.workspace.session
        if session is not None and session.case_id == entry.case_id:
            return
        self._try(lambda: self.workspace.open_case(entry.case_id))

    def _take_reader(self) -> None:
        name = self.reader.text().strip()
        if name and name != self.workspace.reader:
            self._try(lambda: self.workspace.set_reader(name))
        self.refresh()

    def _open_folder(self) -> None:
        path = self.choose_folder()
        if path:
            name = self.reader.text().strip()
            self._try(lambda: self.workspace.open(path, reader=name))
            self.refresh()

    def _choose_folder(self) -> str:
        return QFileDialog.getExistingDirectory(self, "Folder of results")

    def _try(self, step: Any) -> None:
        try:
            step()
        except AlkfishError as error:
            self.workspace.said.emit(str(error), True)
            self.footer.setText(str(error))
            self._select_open()
