"""Small tables of the docks, all looking the same."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem


def compact(table: QTableWidget) -> None:
    """Make a table small and read-only."""
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    table.setShowGrid(False)
    rows = table.verticalHeader()
    rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    rows.setDefaultSectionSize(22)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)


def fit_height(table: QTableWidget, most: int = 12) -> None:
    """Make a table as high as its rows, up to a number of them."""
    rows = min(table.rowCount(), most) * table.verticalHeader().defaultSectionSize()
    header = table.horizontalHeader()
    head = header.sizeHint().height() if header.isVisibleTo(table) else 0
    table.setFixedHeight(rows + head + 2 * table.frameWidth() + 2)


def fill_row(
    table: QTableWidget, row: int, texts: Sequence[str], *, right_from: int = 1,
    tooltip: str = "", colours: Sequence[str] = (),
) -> None:  # fmt: skip
    """Write a row of texts, aligned right from a column on."""
    for column, text in enumerate(texts):
        item = QTableWidgetItem(text)
        side = Qt.AlignmentFlag.AlignRight if column >= right_from else Qt.AlignmentFlag.AlignLeft
        item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        if tooltip:
            item.setToolTip(tooltip)
        if column < len(colours) and colours[column]:
            item.setForeground(QColor(colours[column]))
        table.setItem(row, column, item)
