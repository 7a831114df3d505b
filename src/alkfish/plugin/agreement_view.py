"""Agreement of readers with each other and with the machine, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QLabel, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from alkfish.plugin.tables import compact, fit_height
from alkfish.report.wording import words_of
from alkfish.review import CATEGORIES, Agreement
from alkfish.review.agreement import NOT_SCORABLE

_ROUNDING = 1e-9


def short_name(category: str) -> str:
    """Return the words of a category of the confusion matrix."""
    return "Not counted" if category == NOT_SCORABLE else words_of(category).name


def kappa_words(agreement: Agreement) -> str:
    """Return kappa with its interval in words; says so where it cannot be told."""
    n, agreed = agreement.n_nuclei, agreement.n_agreed
    if not n:
        return "No nucleus was judged by both."
    every = _kappa_text(agreement.kappa, agreement.interval)
    positive = _kappa_text(agreement.kappa_positive, agreement.interval_positive)
    return (
        f"{agreed} of {n} nuclei the same. Kappa {every}. Positive against not: kappa {positive}."
    )


def _kappa_text(kappa: float, interval: tuple[float, float]) -> str:
    """Return kappa with its interval; complete agreement has none, and one kind has no kappa."""
    low, high = interval
    if (low, high) == (-1.0, 1.0):
        return "cannot be told, because all nuclei are of one kind"
    if kappa > 1.0 - _ROUNDING:
        return "1.00, complete agreement"
    return f"{kappa:.2f} (95 % {low:.2f} to {high:.2f})"


class AgreementView(QWidget):
    """One pair of raters at a time: kappa in words, and who said what."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pairs: tuple[Agreement, ...] = ()
        self.pairs = QComboBox()
        self.words = QLabel()
        self.words.setWordWrap(True)
        names = [short_name(category) for category in CATEGORIES]
        self.table = QTableWidget(len(names), len(names))
        self.table.setVerticalHeaderLabels(names)
        self.table.setHorizontalHeaderLabels([name.replace(" ", "\n") for name in names])
        compact(self.table)
        self.pairs.currentIndexChanged.connect(self._show)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.pairs, self.words, self.table):
            layout.addWidget(widget)

    def set_pairs(self, pairs: Sequence[Agreement]) -> None:
        """Show other pairs of raters; nothing is shown without any."""
        if tuple(pairs) == self._pairs:
            return
        self._pairs = tuple(pairs)
        self.pairs.blockSignals(True)
        self.pairs.clear()
        self.pairs.addItems([f"{pair.first}  /  {pair.second}" for pair in self._pairs])
        self.pairs.blockSignals(False)
        self._show()

    def _show(self) -> None:
        number = self.pairs.currentIndex()
        if not 0 <= number < len(self._pairs):
            self.words.clear()
            return
        pair = self._pairs[number]
        self.words.setText(f"{kappa_words(pair)}\nRows: {pair.first}. Columns: {pair.second}.")
        for row, values in enumerate(pair.confusion):
            for column, value in enumerate(values):
                item = QTableWidgetItem(str(value) if value else "·")
                item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                font = item.font()
                font.setBold(row == column and value > 0)
                font.setUnderline(row != column and value > 0)
                item.setFont(font)
                self.table.setItem(row, column, item)
        self.table.resizeColumnsToContents()
        fit_height(self.table)
